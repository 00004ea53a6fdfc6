#include "service/state/stored_decision.h"

#include <stdlib.h>

#include "service/decide/decision.h"
#include "service/state/registry.h"

enum lf_code lf_stored_decision_read(struct lf_stored_decision *stored, struct lf_log *log,
	struct lf_registry *registry, const struct lf_uuid *id, struct lf_arena *arena, struct lf_error *error)
{
	*stored = (struct lf_stored_decision){0};
	if (lf_log_get(log, id, &stored->row, error) != LF_OK)
		return error->code;
	stored->version = lf_registry_find(registry, &stored->row->rubric_digest, error);
	if (stored->version == NULL)
		return error->code;
	if (lf_decision_restore(stored->row, stored->version, arena, &stored->decision, error) != LF_OK)
		lf_log_note_damage(log, error);
	return error->code;
}

void lf_stored_decision_clean_up(struct lf_stored_decision *stored)
{
	lf_rubric_version_release(stored->version);
	free(stored->row);
	*stored = (struct lf_stored_decision){0};
}

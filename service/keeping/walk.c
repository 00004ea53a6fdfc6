#include "service/keeping/walk.h"

enum { SCRATCH_BYTES_MAX = 128 * 1024 * 1024 };

void lf_walk_init(struct lf_walk *walk, const struct lf_job_run *run)
{
	lf_redaction_init(&walk->redaction, run);
	lf_arena_init(&walk->scratch, SCRATCH_BYTES_MAX);
	lf_error_init(&walk->error);
	walk->at = 0;
}

enum lf_code lf_walk_clean_up(struct lf_walk *walk, struct lf_error *error)
{
	const enum lf_code code = walk->error.code;

	lf_arena_clean_up(&walk->scratch);
	lf_redaction_clean_up(&walk->redaction);
	lf_error_move(error, &walk->error);
	return code;
}

enum lf_code lf_walk_no_memory(struct lf_walk *walk)
{
	return lf_error_set(&walk->error, LF_RESOURCE_EXHAUSTED, "no memory for the job");
}

bool lf_walk_goes_on(struct lf_walk *walk)
{
	if (!atomic_load(&walk->redaction.run->state->draining))
		return true;
	lf_error_set(&walk->error, LF_CANCELLED, "the service is stopping");
	return false;
}

enum lf_code lf_walk_phases(
	struct lf_walk *walk, void (*const *phases)(struct lf_walk *walk, bool *end), size_t phase_count)
{
	for (size_t i = 0; i < phase_count && !lf_walk_failed(walk); i++) {
		bool end = false;

		walk->at = 0;
		while (!end && !lf_walk_failed(walk) && lf_walk_goes_on(walk)) {
			phases[i](walk, &end);
			walk->redaction.run->tell(walk->redaction.run->context);
		}
	}
	return walk->error.code;
}

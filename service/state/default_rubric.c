#include "service/state/default_rubric.h"

#include <stdio.h>
#include <string.h>

#include "leadfit/v1/record.pb-c.h"
#include "proto/wire/borrow.h"

enum { SLICE = 100 };

struct changes {
	void (*visit)(void *context, const struct lf_default_change *change);
	void *context;
	struct lf_error *error;
	bool damaged;
};

static void take(void *context, const struct lf_act_row *row)
{
	struct changes *changes = context;
	Leadfit__V1__DefaultBody *body = leadfit__v1__default_body__unpack(NULL, row->body.length, row->body.data);

	if (body == NULL || *body->to == '\0' || strlen(body->to) > LF_ID_BYTES_MAX ||
		strlen(body->from) > LF_ID_BYTES_MAX)
		changes->damaged = true;
	else
		changes->visit(
			changes->context, &(struct lf_default_change){row->at_us, row->caller, body->from, body->to});
	leadfit__v1__default_body__free_unpacked(body, NULL);
}

enum lf_code lf_default_rubric_list(struct lf_log *log,
	void (*visit)(void *context, const struct lf_default_change *change), void *context, struct lf_error *error)
{
	struct changes changes = {.visit = visit, .context = context};
	uint64_t next = 0;

	do {
		const enum lf_code code =
			lf_log_list_acts(log, LF_LEAF_DEFAULT, NULL, next, SLICE, take, &changes, &next, error);

		if (code != LF_OK)
			return code;
		if (changes.damaged)
			return lf_error_set(error, LF_DATA_LOSS, "a record of the default rubric can't be read");
	} while (next != 0);
	return LF_OK;
}

static void keep_last(void *context, const struct lf_default_change *change)
{
	snprintf(context, LF_ID_BYTES_MAX + 1, "%s", change->to);
}

enum lf_code lf_default_rubric_read(struct lf_log *log, char name[LF_ID_BYTES_MAX + 1], struct lf_error *error)
{
	*name = '\0';
	return lf_default_rubric_list(log, keep_last, name, error);
}

enum lf_code lf_default_rubric_record(
	struct lf_log *log, const char *from, const char *to, const char *caller, struct lf_error *error)
{
	Leadfit__V1__DefaultBody body = LEADFIT__V1__DEFAULT_BODY__INIT;
	uint8_t bytes[2 * (LF_ID_BYTES_MAX + 4)]; /* two names, each with a tag and its length */
	struct lf_act_put act = {.kind = LF_LEAF_DEFAULT, .caller = caller, .body = {.data = bytes}};

	body.from = lf_unconst(from);
	body.to = lf_unconst(to);
	act.body.length = leadfit__v1__default_body__pack(&body, bytes);
	return lf_log_put_act(log, &act, error);
}

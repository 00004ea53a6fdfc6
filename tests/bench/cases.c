#include "tests/bench/cases.h"

#include <stdlib.h>

#include "proto/base/buffer.h"
#include "proto/text/json.h"

enum lf_code lf_cases_unpack(struct lf_cases *cases, const struct lf_workload *workload, struct lf_error *error)
{
	uint8_t buffer[LF_WORKLOAD_REQUEST_BYTES];
	const size_t count = lf_workload_count(workload);

	cases->requests = calloc(count, sizeof(*cases->requests));
	for (size_t i = 0; cases->requests != NULL && i < count; i++) {
		size_t length;
		const uint8_t *data = lf_workload_request(workload, i, buffer, &length);

		cases->requests[i] = leadfit__v1__score_request__unpack(NULL, length, data);
		if (cases->requests[i] == NULL)
			break;
		cases->count++;
	}
	return cases->count == count ? LF_OK : lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
}

void lf_cases_free(struct lf_cases *cases)
{
	for (size_t i = 0; i < cases->count; i++)
		leadfit__v1__score_request__free_unpacked(cases->requests[i], NULL);
	free(cases->requests);
}

bool lf_cases_print(const ProtobufCMessage *message, FILE *file)
{
	struct lf_buffer text = {0};
	bool good;

	lf_json_print(message, &(struct lf_json_style){0}, &text);
	lf_buffer_append_text(&text, "\n");
	good = !text.failed && fwrite(text.data, 1, text.length, file) == text.length;
	lf_buffer_clean_up(&text);
	return good;
}

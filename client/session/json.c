/* Replies as JSON: whole, or item by item where they may be larger than memory. */
#include <string.h>

#include "client/session/cli.h"

void lf_cli_json(struct lf_cli *cli, const ProtobufCMessage *message)
{
	const struct lf_json_style style = {.pretty = true};

	lf_json_print(message, &style, &cli->page.text);
	if (cli->page.text.length > 0 && cli->page.text.data[cli->page.text.length - 1] != '\n')
		lf_buffer_append_text(&cli->page.text, "\n");
}

/* Appends text indented by four spaces from its second line on: a message within a list. */
static void append_indented(struct lf_buffer *out, const char *text)
{
	while (*text != '\0') {
		const size_t length = strcspn(text, "\n");

		lf_buffer_append(out, text, length);
		text += length;
		if (*text == '\n' && *++text != '\0')
			lf_buffer_append_text(out, "\n    ");
	}
}

void lf_cli_json_item(struct lf_cli *cli, const ProtobufCMessage *item, const char *begin)
{
	const struct lf_json_style style = {.pretty = true};
	struct lf_buffer text = {0};

	lf_json_print(item, &style, &text);
	lf_buffer_append_text(&cli->page.text, begin != NULL ? begin : ",");
	lf_buffer_append_text(&cli->page.text, "\n    ");
	if (text.data != NULL)
		append_indented(&cli->page.text, text.data);
	cli->page.text.failed = cli->page.text.failed || text.failed;
	lf_buffer_clean_up(&text);
}

void lf_cli_json_rest(struct lf_cli *cli, const ProtobufCMessage *rest, bool items)
{
	const struct lf_json_style style = {.pretty = true};
	struct lf_buffer text = {0};

	lf_json_print(rest, &style, &text);
	cli->page.text.failed = cli->page.text.failed || text.failed;
	if (text.data != NULL && items) {
		/* What follows its opening brace: the other fields, or only the closing one. */
		const char *fields = text.data + 1;

		lf_buffer_append_text(&cli->page.text, fields[strspn(fields, " \n")] == '}' ? "\n  ]\n" : "\n  ],");
		lf_buffer_append_text(&cli->page.text, fields);
	} else if (text.data != NULL) {
		lf_buffer_append_text(&cli->page.text, text.data);
	}
	if (cli->page.text.length > 0 && cli->page.text.data[cli->page.text.length - 1] != '\n')
		lf_buffer_append_text(&cli->page.text, "\n");
	lf_buffer_clean_up(&text);
}

/*
 * Whether a YAML text has comments, which no message keeps. libyaml passes over them between its tokens, so that a '#'
 * there, and nowhere else, begins one.
 */
#include <string.h>
#include <yaml.h>

#include "proto/base/buffer.h"
#include "proto/text/json.h"

/* A comment may also follow the head of a block scalar ("|- # why"), which is inside its token. */
static bool head_has_comment(const yaml_token_t *token, const char *text)
{
	const char *at = text + token->start_mark.index;

	if (token->type != YAML_SCALAR_TOKEN ||
		(token->data.scalar.style != YAML_LITERAL_SCALAR_STYLE &&
			token->data.scalar.style != YAML_FOLDED_SCALAR_STYLE))
		return false;
	return memchr(at, '#', strcspn(at, "\r\n")) != NULL;
}

/* text has one byte for each character, as libyaml counts them. Where memory runs out, there may be a comment. */
static bool scan(yaml_parser_t *parser, const char *text, size_t length)
{
	size_t last = 0;

	for (;;) {
		yaml_token_t token;
		bool found, ended;
		size_t start, end;

		if (!yaml_parser_scan(parser, &token))
			return parser->error == YAML_MEMORY_ERROR;
		start = token.start_mark.index;
		end = token.end_mark.index;
		ended = token.type == YAML_STREAM_END_TOKEN || token.type == YAML_NO_TOKEN;
		if (ended || start > length)
			start = length;
		found = (start > last && memchr(text + last, '#', start - last) != NULL) ||
			(!ended && head_has_comment(&token, text));
		if (end > last && end <= length)
			last = end;
		yaml_token_delete(&token);
		if (found || ended)
			return found;
	}
}

bool lf_yaml_has_comment(const char *text, size_t length)
{
	yaml_parser_t parser;
	struct lf_buffer ascii = {0};
	bool found = length > 0;

	/* One byte for each character: whatever is beyond ASCII becomes a letter. */
	for (size_t i = 0; i < length; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			lf_buffer_append(&ascii, (unsigned char)text[i] < 0x80 ? text + i : "x", 1);
	if (!ascii.failed && ascii.data != NULL && yaml_parser_initialize(&parser)) {
		yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
		yaml_parser_set_input_string(&parser, (const unsigned char *)ascii.data, ascii.length);
		found = scan(&parser, ascii.data, ascii.length);
		yaml_parser_delete(&parser);
	}
	lf_buffer_clean_up(&ascii);
	return found;
}

/*
 * A service that answers what it is told to: fake_server URL FOLDER. For a call of .../METHOD it writes the request as
 *JSON to FOLDER/METHOD.request, then answers with the first of these files that is there: METHOD.hang      nothing at
 *all METHOD.error     a leadfit.v1.Error as JSON METHOD.reply.N   the reply as JSON, for the N-th call of any method
 *(from 1) METHOD.reply     the reply as JSON and UNIMPLEMENTED where none is. So a test can show the client any answer,
 *also those a real service hardly gives.
 */
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "leadfit/v1/error.pb-c.h"
#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/wire/frame.h"
#include "proto/text/json.h"
#include "proto/wire/wire.h"

enum { PATH_BYTES = 512, ARENA_BYTES = 64 * 1024 * 1024 };

static const char *folder;
static unsigned call_count;

static char *read_file(const char *name, size_t *length)
{
	char path[PATH_BYTES];
	FILE *file;
	char *text;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "r");
	if (file == NULL)
		return NULL;
	text = calloc(1, 1 << 20);
	*length = text == NULL ? 0 : fread(text, 1, (1 << 20) - 1, file);
	fclose(file);
	return text;
}

static void write_request(const char *method, const ProtobufCMessage *request)
{
	char path[PATH_BYTES];
	const struct lf_json_style style = {.pretty = false};
	struct lf_buffer text = {0};
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.request", folder, method);
	file = fopen(path, "w");
	lf_json_print(request, &style, &text);
	if (file != NULL && text.data != NULL)
		fprintf(file, "%s\n", text.data);
	if (file != NULL)
		fclose(file);
	lf_buffer_clean_up(&text);
}

/* The message that the text stands for; ends the program where it does not. */
static ProtobufCMessage *parse(const ProtobufCMessageDescriptor *type, const char *name, const char *text,
	size_t length, struct lf_arena *arena)
{
	struct lf_error error = LF_ERROR_INIT;
	ProtobufCMessage *message = lf_text_parse(LF_FORMAT_JSON, type, text, length, arena, &error);

	if (message == NULL) {
		fprintf(stderr, "fake_server: %s: %s\n", name, error.message);
		exit(1);
	}
	return message;
}

static void send_reply(nng_socket socket, enum lf_code status, const ProtobufCMessage *message)
{
	const struct lf_frame frame = {.kind = LF_FRAME_REPLY, .status = status};
	uint8_t header[LF_FRAME_HEADER_MAX];
	const size_t header_length = lf_frame_encode_header(&frame, header, NULL);
	const size_t length = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = malloc(header_length + length + 1);

	if (bytes == NULL)
		exit(1);
	memcpy(bytes, header, header_length);
	protobuf_c_message_pack(message, bytes + header_length);
	nng_send(socket, bytes, header_length + length, 0);
	free(bytes);
}

static void answer(nng_socket socket, const ProtobufCMethodDescriptor *method, struct lf_arena *arena)
{
	char name[PATH_BYTES];
	size_t length;
	char *text;

	snprintf(name, sizeof(name), "%s.hang", method->name);
	if ((text = read_file(name, &length)) != NULL) {
		free(text);
		return;
	}
	snprintf(name, sizeof(name), "%s.error", method->name);
	if ((text = read_file(name, &length)) != NULL) {
		ProtobufCMessage *error = parse(&leadfit__v1__error__descriptor, name, text, length, arena);

		send_reply(socket, lf_code_from_number(((const Leadfit__V1__Error *)error)->code), error);
		free(text);
		return;
	}
	snprintf(name, sizeof(name), "%s.reply.%u", method->name, call_count);
	if ((text = read_file(name, &length)) == NULL) {
		snprintf(name, sizeof(name), "%s.reply", method->name);
		text = read_file(name, &length);
	}
	if (text == NULL) {
		Leadfit__V1__Error none;
		char message[] = "the test has no answer to this";

		leadfit__v1__error__init(&none);
		none.code = LF_UNIMPLEMENTED;
		none.message = message;
		send_reply(socket, LF_UNIMPLEMENTED, &none.base);
		return;
	}
	send_reply(socket, LF_OK, parse(method->output, name, text, length, arena));
	free(text);
}

static void serve_one(nng_socket socket)
{
	uint8_t *data;
	size_t length;
	struct lf_frame frame;
	struct lf_arena arena;
	struct lf_error error = LF_ERROR_INIT;
	unsigned index = 0;
	const ProtobufCServiceDescriptor *service;
	const ProtobufCMethodDescriptor *method;
	const ProtobufCMessage *request;

	if (nng_recv(socket, &data, &length, NNG_FLAG_ALLOC) != 0)
		exit(1);
	lf_arena_init(&arena, ARENA_BYTES);
	service = lf_frame_decode(&frame, data, length, &error) == LF_OK
		? lf_find_method(frame.method.data, frame.method.length, &index)
		: NULL;
	if (service == NULL) {
		fprintf(stderr, "fake_server: a request that it does not understand: %s\n", error.message);
		exit(1);
	}
	method = &service->methods[index];
	request = lf_wire_unpack(method->input, frame.message, frame.message_length, &arena, &error);
	call_count++;
	if (request != NULL)
		write_request(method->name, request);
	answer(socket, method, &arena);
	nng_free(data, length);
	lf_arena_clean_up(&arena);
	lf_error_clean_up(&error);
}

int main(int argc, char **argv)
{
	nng_socket socket;

	if (argc != 3)
		return 2;
	folder = argv[2];
	if (nng_rep0_open(&socket) != 0 || nng_listen(socket, argv[1], NULL, 0) != 0)
		return 1;
	puts("listening");
	fflush(stdout);
	for (;;)
		serve_one(socket);
}

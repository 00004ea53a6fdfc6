#include "service/reflect/reflect.h"

#include <string.h>

#include "proto/base/status.h"
#include "proto/wire/borrow.h"
#include "proto/wire/wire.h"
#include "service/reflect/tables.h"
#include "service/rpc/rpc.h"

typedef Grpc__Reflection__V1__ServerReflectionRequest question;
typedef Grpc__Reflection__V1__ServerReflectionResponse answer;

#define ASKS(what) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##what
#define ANSWERS(what) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##what

/* Everything that an answer may need, in the call's arena. */
struct room {
	answer reply;
	Grpc__Reflection__V1__FileDescriptorResponse files;
	Grpc__Reflection__V1__ExtensionNumberResponse extensions;
	Grpc__Reflection__V1__ListServiceResponse services;
	Grpc__Reflection__V1__ErrorResponse error;
	struct lf_error why;
	struct lf_arena *arena;
	bool exhausted;
};

/* ---- what is there ---- */

static const struct lf_reflect_file *find_file(const char *name)
{
	for (size_t i = 0; i < lf_reflect_file_count; i++)
		if (strcmp(lf_reflect_files[i].name, name) == 0)
			return &lf_reflect_files[i];
	return NULL;
}

static const struct lf_reflect_symbol *find_symbol(const char *name)
{
	size_t low = 0, high = lf_reflect_symbol_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = strcmp(name, lf_reflect_symbols[middle].name);

		if (order == 0)
			return &lf_reflect_symbols[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* ---- answers ---- */

static void refuse(struct room *room)
{
	room->error.error_code = (int32_t)room->why.code;
	room->error.error_message = room->why.message;
	room->reply.message_response_case = ANSWERS(ERROR_RESPONSE);
	room->reply.error_response = &room->error;
}

/* The file and all that it needs, in the order in which a client can add them. */
static void give_files(struct room *room, const struct lf_reflect_file *file)
{
	ProtobufCBinaryData *all = lf_arena_zalloc(room->arena, lf_reflect_file_count, sizeof(*all));
	size_t count = 0;

	room->exhausted = all == NULL;
	for (size_t i = 0; !room->exhausted && i < lf_reflect_file_count; i++)
		if ((file->needs >> i & 1) != 0)
			all[count++] = (ProtobufCBinaryData){lf_reflect_files[i].length,
				lf_unconst(lf_file_descriptor_set + lf_reflect_files[i].offset)};
	room->files.file_descriptor_proto = all;
	room->files.n_file_descriptor_proto = count;
	room->reply.message_response_case = ANSWERS(FILE_DESCRIPTOR_RESPONSE);
	room->reply.file_descriptor_response = &room->files;
}

static void answer_file(struct room *room, const char *name)
{
	const struct lf_reflect_file *file = find_file(name);

	if (file != NULL) {
		give_files(room, file);
		return;
	}
	lf_error_set(&room->why, LF_NOT_FOUND, "there is no file \"%.128s\"", name);
	refuse(room);
}

static void answer_symbol(struct room *room, const char *name)
{
	const struct lf_reflect_symbol *symbol = find_symbol(name);

	if (symbol != NULL) {
		give_files(room, &lf_reflect_files[symbol->file]);
		return;
	}
	lf_error_set(&room->why, LF_NOT_FOUND, "there is no service, method, message or enum \"%.128s\"", name);
	refuse(room);
}

static void answer_extension(struct room *room, const char *type, int32_t number)
{
	lf_error_set(
		&room->why, LF_NOT_FOUND, "\"%.128s\" has no extension %d: nothing here has extensions", type, number);
	refuse(room);
}

static void answer_extensions(struct room *room, const char *type)
{
	const struct lf_reflect_symbol *symbol = find_symbol(type);

	if (symbol != NULL && symbol->is_message) {
		room->extensions.base_type_name = lf_unconst(type);
		room->reply.message_response_case = ANSWERS(ALL_EXTENSION_NUMBERS_RESPONSE);
		room->reply.all_extension_numbers_response = &room->extensions;
		return;
	}
	lf_error_set(&room->why, LF_NOT_FOUND, "there is no message \"%.128s\"", type);
	refuse(room);
}

static void answer_services(struct room *room)
{
	Grpc__Reflection__V1__ServiceResponse *all, **pointers;
	size_t count = 0;

	while (lf_services[count] != NULL)
		count++;
	all = lf_arena_zalloc(room->arena, count, sizeof(*all));
	pointers = lf_arena_zalloc(room->arena, count, sizeof(*pointers));
	room->exhausted = all == NULL || pointers == NULL;
	for (size_t i = 0; !room->exhausted && i < count; i++) {
		grpc__reflection__v1__service_response__init(&all[i]);
		all[i].name = lf_unconst(lf_services[i]->name);
		pointers[i] = &all[i];
	}
	room->services.service = pointers;
	room->services.n_service = count;
	room->reply.message_response_case = ANSWERS(LIST_SERVICES_RESPONSE);
	room->reply.list_services_response = &room->services;
}

static struct room *make_room(struct lf_arena *arena)
{
	struct room *room = lf_arena_zalloc(arena, 1, sizeof(*room));

	if (room == NULL)
		return NULL;
	grpc__reflection__v1__server_reflection_response__init(&room->reply);
	grpc__reflection__v1__file_descriptor_response__init(&room->files);
	grpc__reflection__v1__extension_number_response__init(&room->extensions);
	grpc__reflection__v1__list_service_response__init(&room->services);
	grpc__reflection__v1__error_response__init(&room->error);
	room->arena = arena;
	return room;
}

/* One question, one answer, in the arena. NULL where that is exhausted. */
static const answer *answer_question(question *asked, struct lf_arena *arena)
{
	struct room *room = make_room(arena);

	if (room == NULL)
		return NULL;
	room->reply.valid_host = asked->host;
	room->reply.original_request = asked;
	switch (asked->message_request_case) {
	case ASKS(FILE_BY_FILENAME):
		answer_file(room, asked->file_by_filename);
		break;
	case ASKS(FILE_CONTAINING_SYMBOL):
		answer_symbol(room, asked->file_containing_symbol);
		break;
	case ASKS(FILE_CONTAINING_EXTENSION):
		answer_extension(room, asked->file_containing_extension->containing_type,
			asked->file_containing_extension->extension_number);
		break;
	case ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE):
		answer_extensions(room, asked->all_extension_numbers_of_type);
		break;
	case ASKS(LIST_SERVICES):
		answer_services(room);
		break;
	default:
		lf_error_set(&room->why, LF_INVALID_ARGUMENT,
			"message_request: nothing is asked: one of file_by_filename, file_containing_symbol, "
			"file_containing_extension, all_extension_numbers_of_type, list_services");
		refuse(room);
	}
	return room->exhausted ? NULL : &room->reply;
}

static enum lf_code no_memory(struct lf_error *error)
{
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the answer: retry later");
}

uint8_t *lf_reflection_answer(
	const uint8_t *bytes, size_t length, struct lf_arena *arena, size_t *answer_length, struct lf_error *error)
{
	ProtobufCMessage *asked = lf_wire_unpack(
		&grpc__reflection__v1__server_reflection_request__descriptor, bytes, length, arena, error);
	const answer *reply = asked == NULL ? NULL : answer_question((question *)asked, arena);
	uint8_t *packed = reply == NULL ? NULL : lf_wire_pack(&reply->base, arena, 0, answer_length);

	if (asked != NULL && packed == NULL)
		no_memory(error);
	return packed;
}

/* Answers the call, which is gone then. */
static void answer_call(question *asked, struct lf_rpc_call *call)
{
	const answer *reply = answer_question(asked, lf_rpc_arena(call));
	struct lf_error error = LF_ERROR_INIT;

	if (reply != NULL && lf_rpc_stage(call, &reply->base)) {
		lf_rpc_send(call);
		return;
	}
	no_memory(&error);
	lf_rpc_fail(call, &error);
	lf_error_clean_up(&error);
}

/* ---- the service under its two names ---- */

static void reflection_server_reflection_info(Grpc__Reflection__V1__ServerReflection_Service *service,
	const Grpc__Reflection__V1__ServerReflectionRequest *request,
	Grpc__Reflection__V1__ServerReflectionResponse_Closure closure, void *closure_data)
{
	question asked = *request;

	(void)service;
	(void)closure; /* it stages the answer itself */
	answer_call(&asked, closure_data);
}

/* The same question, as v1 has it. v1alpha's bytes are the same, so the answer is v1's. */
static void alpha_server_reflection_info(Grpc__Reflection__V1alpha__ServerReflection_Service *service,
	const Grpc__Reflection__V1alpha__ServerReflectionRequest *request,
	Grpc__Reflection__V1alpha__ServerReflectionResponse_Closure closure, void *closure_data)
{
	Grpc__Reflection__V1__ExtensionRequest extension = GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
	question asked = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

	(void)service;
	(void)closure;
	asked.host = request->host;
	asked.message_request_case =
		(Grpc__Reflection__V1__ServerReflectionRequest__MessageRequestCase)request->message_request_case;
	if (asked.message_request_case == ASKS(FILE_CONTAINING_EXTENSION)) {
		extension.containing_type = request->file_containing_extension->containing_type;
		extension.extension_number = request->file_containing_extension->extension_number;
		asked.file_containing_extension = &extension;
	} else if (asked.message_request_case != ASKS(_NOT_SET))
		asked.file_by_filename = request->file_by_filename; /* all others are texts, in one place */
	answer_call(&asked, closure_data);
}

void lf_reflection_init(Grpc__Reflection__V1__ServerReflection_Service *service)
{
	*service = (Grpc__Reflection__V1__ServerReflection_Service)GRPC__REFLECTION__V1__SERVER_REFLECTION__INIT(
		reflection_);
}

void lf_reflection_alpha_init(Grpc__Reflection__V1alpha__ServerReflection_Service *service)
{
	*service =
		(Grpc__Reflection__V1alpha__ServerReflection_Service)GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION__INIT(
			alpha_);
}

/*
 * gRPC's reflection: what the service says of its own interface, so that a client needs no .proto file. The same service
 * under its two names, v1 and v1alpha. It needs no state: what it answers is compiled in.
 *
 * By its .proto file it takes a stream and answers with one. In fact each question has one answer and no question
 * depends on another one, so here it is an ordinary method: one question is one call. A transport that has streams makes
 * a call of each message of one (lf_method_takes_stream()), or answers them by itself (lf_reflection_answer()).
 */
#ifndef LF_SERVICE_REFLECT_REFLECT_H
#define LF_SERVICE_REFLECT_REFLECT_H

#include "grpc/reflection/v1/reflection.pb-c.h"
#include "grpc/reflection/v1alpha/reflection.pb-c.h"
#include "proto/base/arena.h"
#include "proto/base/status.h"

/*
 * The answer to one question: the bytes of a ServerReflectionRequest to those of a ServerReflectionResponse, of either
 * version, for they are the same. For a transport that has a stream of questions and need not bring them to dispatch. In
 * the arena, which bounds it; about 60 KB at the most. NULL: the question is malformed (INVALID_ARGUMENT), or memory ran
 * out (RESOURCE_EXHAUSTED). Any thread; does not block.
 */
uint8_t *lf_reflection_answer(
	const uint8_t *question, size_t length, struct lf_arena *arena, size_t *answer_length, struct lf_error *error);

void lf_reflection_init(Grpc__Reflection__V1__ServerReflection_Service *service);
void lf_reflection_alpha_init(Grpc__Reflection__V1alpha__ServerReflection_Service *service);

#endif

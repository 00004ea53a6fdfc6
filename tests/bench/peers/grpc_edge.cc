#include "tests/bench/peers/edge.h"

#include <stdio.h>
#include <stdlib.h>

#include <memory>

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/codegen/service_type.h>

using grpc::ByteBuffer;

namespace
{

struct Call {
	grpc::ServerUnaryReactor *reactor;
	ByteBuffer *reply;
	grpc::Slice request; /* its bytes stay until the call ends */
};

void done(void *context, uint8_t *reply, size_t length, int code, const char *text)
{
	std::unique_ptr<Call> call(static_cast<Call *>(context));

	if (reply == nullptr) {
		call->reactor->Finish(grpc::Status(static_cast<grpc::StatusCode>(code), text));
		return;
	}
	const grpc::Slice slice(reply, length, [](void *bytes) { free(bytes); });
	*call->reply = ByteBuffer(&slice, 1);
	call->reactor->Finish(grpc::Status::OK);
}

/* Written by hand as protoc's plugin would generate it. The message is given on as bytes: leadfit decodes it, as it does its own. */
class Scoring final : public grpc::Service
{
      public:
	Scoring()
	{
		AddMethod(new grpc::internal::RpcServiceMethod(
			"/leadfit.v1.Scoring/Score", grpc::internal::RpcMethod::NORMAL_RPC, nullptr));
		MarkMethodCallback(0, new grpc::internal::CallbackUnaryHandler<ByteBuffer, ByteBuffer>(score));
	}

      private:
	static grpc::ServerUnaryReactor *score(
		grpc::CallbackServerContext *context, const ByteBuffer *request, ByteBuffer *reply)
	{
		grpc::ServerUnaryReactor *reactor = context->DefaultReactor();
		auto *call = new Call{reactor, reply, grpc::Slice()};

		if (!request->TrySingleSlice(&call->request).ok() && !request->DumpToSingleSlice(&call->request).ok())
			done(call, nullptr, 0, grpc::StatusCode::RESOURCE_EXHAUSTED, "no memory for the request");
		else
			lf_edge_score(call->request.begin(), call->request.size(), done, call);
		return reactor;
	}
};

} // namespace

int lf_edge_serve_grpc(void (*await)(void))
{
	Scoring service;
	grpc::ServerBuilder builder;
	int port = 0;

	builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
	builder.RegisterService(&service);
	std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
	if (server == nullptr)
		return 3;
	printf("gRPC on 127.0.0.1:%d\n", port);
	fflush(stdout);
	await();
	server->Shutdown();
	server->Wait();
	return 0;
}

// The service is written by hand as protoc's gRPC plugin would generate it, so that only libgrpc++ is needed to build
// this.
#include "tests/bench/floors/grpc_echo.h"

#include <signal.h>
#include <stdio.h>

#include <memory>
#include <vector>

#include <google/protobuf/empty.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>

using google::protobuf::Empty;

namespace
{

const char method_name[] = "/leadfit.bench.Echo/Echo";

class Echo final : public grpc::Service
{
      public:
	Echo()
	{
		AddMethod(new grpc::internal::RpcServiceMethod(
			method_name, grpc::internal::RpcMethod::NORMAL_RPC, nullptr));
		MarkMethodCallback(0, new grpc::internal::CallbackUnaryHandler<Empty, Empty>(
					      [](grpc::CallbackServerContext *context, const Empty *, Empty *) {
						      grpc::ServerUnaryReactor *reactor = context->DefaultReactor();
						      reactor->Finish(grpc::Status::OK);
						      return reactor;
					      }));
	}
};

// One call in flight, started again from its callback.
struct Slot {
	grpc::TemplatedGenericStub<Empty, Empty> *stub;
	lf_meter *meter;
	std::unique_ptr<grpc::ClientContext> context;
	Empty request, reply;
	uint64_t started_ns;

	void start()
	{
		context = std::make_unique<grpc::ClientContext>();
		started_ns = lf_meter_now_ns();
		stub->UnaryCall(
			context.get(), method_name, grpc::StubOptions(), &request, &reply, [this](grpc::Status status) {
				if (!status.ok()) {
					lf_meter_failed(meter, status.error_message().c_str());
					lf_meter_leave(meter);
				} else if (lf_meter_answered(meter, started_ns, 0)) {
					start();
				} else {
					lf_meter_leave(meter);
				}
			});
	}
};

} // namespace

int lf_grpc_serve(void)
{
	Echo service;
	grpc::ServerBuilder builder;
	sigset_t signals;
	int port = 0, received;

	builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
	builder.RegisterService(&service);
	std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
	if (server == nullptr)
		return 3;
	printf("listening on 127.0.0.1:%d\n", port);
	fflush(stdout);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	while (sigwait(&signals, &received) != 0)
		continue;
	server->Shutdown();
	return 0;
}

const char *lf_grpc_measure(const char *target, pid_t server, unsigned in_flight, double seconds, struct lf_load *load)
{
	grpc::TemplatedGenericStub<Empty, Empty> stub(grpc::CreateChannel(target, grpc::InsecureChannelCredentials()));
	std::vector<Slot> slots(in_flight);
	lf_meter *meter = lf_meter_new();

	if (meter == nullptr)
		return "out of memory";
	for (Slot &slot : slots) {
		slot.stub = &stub;
		slot.meter = meter;
		lf_meter_enter(meter);
		slot.start();
	}
	const bool failed = lf_meter_run(meter, server, seconds, load) != nullptr;
	lf_meter_destroy(meter);
	return failed ? "a call failed, or none was answered" : nullptr;
}

// The service is written by hand as protoc's gRPC plugin would generate it, so that only libgrpc++ is needed to build
// this.
#include "tests/bench/floors/grpc_echo.h"

#include <signal.h>
#include <stdio.h>

#include <memory>
#include <vector>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>

using grpc::ByteBuffer;

namespace
{

// Bytes as they are on both sides: what parsing and packing cost is not the transport's.
class Echo final : public grpc::Service
{
      public:
	explicit Echo(size_t reply_bytes) : reply_(filled(reply_bytes))
	{
		add(0, LF_GRPC_ECHO_EMPTY, filled(0));
		add(1, LF_GRPC_ECHO_BYTES, reply_);
	}

      private:
	ByteBuffer reply_;

	static ByteBuffer filled(size_t bytes)
	{
		const grpc::Slice slice(std::string(bytes, 'x'));
		return ByteBuffer(&slice, 1);
	}

	void add(int index, const char *name, const ByteBuffer &reply)
	{
		AddMethod(new grpc::internal::RpcServiceMethod(name, grpc::internal::RpcMethod::NORMAL_RPC, nullptr));
		MarkMethodCallback(
			index, new grpc::internal::CallbackUnaryHandler<ByteBuffer, ByteBuffer>(
				       [reply](grpc::CallbackServerContext *context, const ByteBuffer *, ByteBuffer *out) {
					       grpc::ServerUnaryReactor *reactor = context->DefaultReactor();
					       *out = reply;
					       reactor->Finish(grpc::Status::OK);
					       return reactor;
				       }));
	}
};

// One call in flight, started again from its callback.
struct Slot {
	grpc::GenericStub *stub;
	const char *method;
	lf_meter *meter;
	std::unique_ptr<grpc::ClientContext> context;
	ByteBuffer request, reply;
	uint64_t started_ns;

	void start()
	{
		context = std::make_unique<grpc::ClientContext>();
		started_ns = lf_meter_now_ns();
		stub->UnaryCall(
			context.get(), method, grpc::StubOptions(), &request, &reply, [this](grpc::Status status) {
				if (!status.ok()) {
					lf_meter_failed(meter, status.error_message().c_str());
					lf_meter_leave(meter);
				} else if (lf_meter_answered(meter, started_ns, reply.Length())) {
					start();
				} else {
					lf_meter_leave(meter);
				}
			});
	}
};

} // namespace

int lf_grpc_serve(size_t reply_bytes)
{
	Echo service(reply_bytes);
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

const char *lf_grpc_measure(const struct lf_grpc_load *wanted, pid_t server, struct lf_load *load)
{
	const grpc::Slice slice(wanted->request, wanted->request_length);
	std::vector<std::unique_ptr<grpc::GenericStub>> stubs;
	std::vector<Slot> slots(wanted->in_flight);
	lf_meter *meter = lf_meter_new();
	grpc::ChannelArguments own; // channels of equal arguments would share a connection

	if (meter == nullptr)
		return "out of memory";
	own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
	own.SetMaxReceiveMessageSize(-1);
	for (unsigned i = 0; i < wanted->connections; i++)
		stubs.push_back(std::make_unique<grpc::GenericStub>(
			grpc::CreateCustomChannel(wanted->target, grpc::InsecureChannelCredentials(), own)));
	for (size_t i = 0; i < slots.size(); i++) {
		slots[i].stub = stubs[i % stubs.size()].get();
		slots[i].method = wanted->method;
		slots[i].meter = meter;
		slots[i].request = ByteBuffer(&slice, 1);
		lf_meter_enter(meter);
		slots[i].start();
	}
	const bool failed = lf_meter_run(meter, server, wanted->seconds, load) != nullptr;
	lf_meter_destroy(meter);
	return failed ? "a call failed, or none was answered" : nullptr;
}

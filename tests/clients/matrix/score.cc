// Scores with gRPC C++: score URL REQUEST.json [CA.pem]. Prints what the examples print.
#include <chrono>
#include <fstream>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>
#include <iostream>
#include <sstream>

#include "leadfit/v1/scoring.grpc.pb.h"

static std::string content(const char *path)
{
	std::stringstream text;
	text << std::ifstream(path).rdbuf();
	return text.str();
}

int main(int argc, char **argv)
{
	const std::string url = argv[1];
	grpc::SslCredentialsOptions ssl;
	if (argc > 3)
		ssl.pem_root_certs = content(argv[3]);
	const auto credentials =
		url.rfind("https:", 0) == 0 ? grpc::SslCredentials(ssl) : grpc::InsecureChannelCredentials();
	const auto channel = grpc::CreateChannel(url.substr(url.find("://") + 3), credentials);
	leadfit::v1::ScoreRequest request;
	leadfit::v1::Decision decision;
	grpc::ClientContext context;
	if (!google::protobuf::util::JsonStringToMessage(content(argv[2]), &request).ok())
		return 2;
	context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
	const grpc::Status status = leadfit::v1::Scoring::NewStub(channel)->Score(&context, request, &decision);
	if (!status.ok()) {
		std::cerr << status.error_message() << "\n";
		return 1;
	}
	std::cout << decision.recommended() << "\n"
		  << leadfit::v1::Outcome_Name(decision.outcome()) << "\n"
		  << decision.explanation(0) << "\n";
	return 0;
}

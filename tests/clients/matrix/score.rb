# Scores with Ruby's grpc: score.rb URL REQUEST.json [CA.pem]. Prints what the examples print.
require "grpc"
require "leadfit/v1/scoring_services_pb"

url, file, ca = ARGV
scheme, server = url.split("://")
credentials = scheme == "https" ? GRPC::Core::ChannelCredentials.new(ca && File.read(ca)) : :this_channel_is_insecure
request = Leadfit::V1::ScoreRequest.decode_json(File.read(file))
begin
  decision = Leadfit::V1::Scoring::Stub.new(server, credentials).score(request, deadline: Time.now + 10)
  puts decision.recommended, decision.outcome, decision.explanation[0]
rescue GRPC::BadStatus => e
  abort e.message
end

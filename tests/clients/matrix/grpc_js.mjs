// Scores with @grpc/grpc-js: grpc_js.mjs URL REQUEST.json [CA.pem]. Prints what the examples print.
import { readFileSync } from "node:fs";
import { fromBinary, fromJson, toBinary } from "@bufbuild/protobuf";
import grpc from "@grpc/grpc-js";
import { Outcome } from "./gen/leadfit/v1/rubric_pb.js";
import { DecisionSchema, ScoreRequestSchema } from "./gen/leadfit/v1/scoring_pb.js";

const [url, file, ca] = process.argv.slice(2);
const { protocol, host } = new URL(url);
const credentials = protocol === "https:" ? grpc.credentials.createSsl(ca ? readFileSync(ca) : null) : grpc.credentials.createInsecure();
const client = new grpc.Client(host, credentials);
client.makeUnaryRequest(
  "/leadfit.v1.Scoring/Score",
  (message) => Buffer.from(toBinary(ScoreRequestSchema, message)),
  (bytes) => fromBinary(DecisionSchema, bytes),
  fromJson(ScoreRequestSchema, JSON.parse(readFileSync(file, "utf8"))),
  new grpc.Metadata(),
  { deadline: Date.now() + 10_000 },
  (error, decision) => {
    if (error) {
      console.error(error.details);
      process.exitCode = 1;
    } else {
      console.log(`${decision.recommended}\n${Outcome[decision.outcome]}\n${decision.explanation[0]}`);
    }
    client.close();
  },
);

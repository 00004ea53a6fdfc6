// Scores with connect-node: connect.mjs PROTOCOL HTTP-VERSION json|proto URL REQUEST.json [CA.pem], PROTOCOL connect, get, grpc, grpc-web.
// Prints what the examples print. get: what Profile says, the first sentence, as a GET. An error's fields are taken from its details.
import { readFileSync } from "node:fs";
import { fromJson } from "@bufbuild/protobuf";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { ErrorSchema } from "./gen/leadfit/v1/error_pb.js";
import { Outcome } from "./gen/leadfit/v1/rubric_pb.js";
import { ProfileRequestSchema, ScoreRequestSchema, Scoring } from "./gen/leadfit/v1/scoring_pb.js";

const [protocol, httpVersion, format, baseUrl, file, ca] = process.argv.slice(2);
const json = JSON.parse(readFileSync(file, "utf8"));
const options = {
  baseUrl,
  httpVersion,
  useBinaryFormat: format === "proto",
  useHttpGet: protocol === "get",
  nodeOptions: ca ? { ca: readFileSync(ca) } : {},
};
const make = { grpc: createGrpcTransport, "grpc-web": createGrpcWebTransport, connect: createConnectTransport, get: createConnectTransport };
const client = createClient(Scoring, make[protocol](options));
try {
  if (protocol === "get") {
    const reply = await client.profile(fromJson(ProfileRequestSchema, { project: json.project }), { timeoutMs: 10_000 });
    console.log(reply.explanation[0]);
  } else {
    const decision = await client.score(fromJson(ScoreRequestSchema, json), { timeoutMs: 10_000 });
    console.log(`${decision.recommended}\n${Outcome[decision.outcome]}\n${decision.explanation[0]}`);
  }
} catch (reason) {
  const error = ConnectError.from(reason);
  const fields = error.findDetails(ErrorSchema).flatMap((detail) => detail.violations);
  console.error(fields.length ? fields.map((field) => `${field.field}: ${field.description}`).join("\n") : error.message);
  process.exitCode = 1;
}

// Who should lead? score.js URL REQUEST.json [CA.pem]: prints who, the outcome, and the first reason.
// Where the service asks for a token, LEADFIT_TOKEN has it.
import { readFileSync } from "node:fs";
import { fromJson } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { Outcome } from "./gen/leadfit/v1/rubric_pb.js";
import { ScoreRequestSchema, Scoring } from "./gen/leadfit/v1/scoring_pb.js";

const [url, file, ca] = process.argv.slice(2);
const request = fromJson(ScoreRequestSchema, JSON.parse(readFileSync(file, "utf8")));

const token = process.env.LEADFIT_TOKEN;
const authorize: Interceptor = (next) => (call) => {
  if (token) call.header.set("authorization", `Bearer ${token}`);
  return next(call);
};
const transport = createConnectTransport({
  baseUrl: url,
  httpVersion: "2",
  nodeOptions: ca ? { ca: readFileSync(ca) } : {},
  interceptors: [authorize],
});

try {
  const decision = await createClient(Scoring, transport).score(request, { timeoutMs: 10_000 });
  console.log(`${decision.recommended}\n${Outcome[decision.outcome]}\n${decision.explanation[0]}`);
} catch (reason) {
  const error = ConnectError.from(reason);
  console.error(`${Code[error.code]}: ${error.rawMessage}`);
  process.exitCode = 1;
}

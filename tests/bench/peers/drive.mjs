// Drives run.sh: node drive.mjs '{"packages", "build", "directory", "rubric", "rubricJson", "rounds", "seconds", "teams", "files", "smoke"}'. First
// every peer scores each team, and is held against leadfit's answers. Then, round by round, each subject starts on new files, warms up, is
// measured at every number in flight, ends, and must have on disk what it answered. Exit status: 1 somebody differs from leadfit, 3 a run failed.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { compare, lines } from '../compare_cases.mjs';
import { loads } from './loads.mjs';
import { EDGE, startEdge, startLeadfit, startPeer } from './servers.mjs';
import { print } from './table.mjs';

const engines = { plain: 'plain loop', rules: 'json-rules-engine', zen: 'zen-engine' };
// A peer's code is compiled while it runs: figures count once it has answered so many, on a busy machine after at most so many times a second.
const WARM_IN_FLIGHT = 64, WARM_SECONDS = 1, WARM_ANSWERS = 5000, WARM_TIMES = 10;

function subjectsOf(settings) {
	const peers = Object.entries(engines).flatMap(([engine, name]) => [2, 1].flatMap((processes) => ['turn', 'request'].map((commit) =>
		({ key: `${engine}-${commit}-${processes}`, name, engine, commit, processes, load: 'wrk', start: startPeer }))));
	const ours = [['json', 'HTTP/1.1, JSON', 'wrk'], ['grpc', 'HTTP/2, gRPC', 'h2load'], ['nng', 'nng, client library', 'client']].map(
		([key, name, load]) => ({ key, name, load, start: (settings, subject, directory) => startLeadfit(settings, directory) }));
	const edge = { key: 'edge', name: 'gRPC C++\'s server, our engine and log', load: 'h2load',
		start: (settings, subject, directory) => startEdge(settings, directory) };
	return { peers, ours, edges: fs.existsSync(path.join(settings.build, EDGE)) ? [edge] : [] };
}

// ---- whether all say the same ----

async function post(url, body) {
	const reply = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
	if (!reply.ok)
		throw new Error(`${url} answered ${reply.status}: ${await reply.text()}`);
	return reply.json();
}

async function within(settings, start, use) {
	const directory = fs.mkdtempSync(path.join(settings.directory, 'files-'));
	const server = await start(directory), answered = await use(server);
	await server.stop();
	const rows = server.count();
	if (rows < answered)
		throw new Error(`${server.url}: ${answered} decisions were answered, and ${rows} are on disk`);
	fs.rmSync(directory, { recursive: true });
}

async function agreements(settings, peers) {
	const requests = lines(settings.requests), answers = [], checks = [];
	await within(settings, (directory) => startLeadfit(settings, directory), async ({ url }) => {
		for (const request of requests)
			answers.push(await post(url, request));
		return answers.length;
	});
	for (const peer of peers.filter((one) => one.commit === 'turn' && one.processes === 2))
		await within(settings, (directory) => startPeer(settings, peer, directory), async ({ url }) => {
			checks.push(await compare(peer.name, async (request) => {
				const { winner, ranking } = await post(url, request);
				if (!ranking.every((one) => one.reason))
					throw new Error(`${peer.name}: a candidate without a reason`);
				return { winner, scored: ranking.map((one) => ({ ...one, id: one.candidate })) };
			}, requests, answers));
			return requests.length;
		});
	return checks;
}

// ---- the rounds ----

async function measure(settings, subject) {
	const points = {};
	await within(settings, (directory) => subject.start(settings, subject, directory), async (server) => {
		let answered = 0;
		for (let time = 0; !settings.smoke && answered < WARM_ANSWERS && time < WARM_TIMES; time++)
			answered += (await loads[subject.load](settings, server, WARM_IN_FLIGHT, WARM_SECONDS)).answered;
		for (const inFlight of settings.inFlight) {
			points[inFlight] = await loads[subject.load](settings, server, inFlight, settings.seconds);
			answered += points[inFlight].answered;
		}
		return answered;
	});
	return points;
}

async function main(settings) {
	const { peers, ours, edges } = subjectsOf(settings), all = [...peers, ...ours, ...edges], rounds = [], load = os.loadavg()[0];
	settings.inFlight = settings.smoke ? [1, 16] : [1, 16, 64, 256];
	settings.requests = path.join(settings.directory, 'requests.ndjson');
	settings.message = path.join(settings.directory, 'request.grpc');
	const machine = JSON.parse(execFileSync(path.join(settings.build, 'bin/lf_bench_peers'),
		['cases', settings.teams, settings.requests, settings.message, settings.directory], { encoding: 'utf8' }));
	const checks = await agreements(settings, peers);
	if (checks.every((check) => check.good))
		for (let round = 0; round < settings.rounds; round++) {
			rounds.push({});
			// Back and forth, so that a machine that gets slower does not always meet the same one.
			for (const subject of round % 2 === 0 ? all : [...all].reverse())
				rounds[round][subject.key] = await measure(settings, subject);
		}
	print({ settings, machine, load, checks, peers, ours, edges, rounds });
	return checks.every((check) => check.good) ? 0 : 1;
}

main(JSON.parse(process.argv[2])).then((status) => { process.exitCode = status; }, (error) => {
	console.error(`run.sh: ${error.message}`);
	process.exit(3);
});

// What run.sh prints. Two processes come first: that is what a peer makes of this machine. Ratios are taken within a round.
import { median, tellAgreement, version } from '../compare_cases.mjs';

const NAME = 42, CELL = 26, ROW_9 = [64, 256];
const packages = ['fastify', 'better-sqlite3', '@gorules/zen-engine', 'json-rules-engine'];
const commits = { turn: 'a commit a turn', request: 'a commit a request' };

const spread = (values, digits) => values.some((value) => value === undefined) ? '-'
	: `${median(values).toFixed(digits)} [${Math.min(...values).toFixed(digits)}..${Math.max(...values).toFixed(digits)}]`;
const line = (name, cells) => console.log(`${name.padEnd(NAME)}${cells.map((cell) => cell.padStart(CELL)).join('')}`);
const nameOf = (one) => one.engine ? `${one.name}, ${commits[one.commit]}` : one.name;

function printHead({ settings, machine, load, checks }) {
	const files = settings.files === 'own' ? 'each process of a peer writes a file of its own' : 'both processes of a peer write one file';
	console.log(`machine   ${machine.processor}, ${machine.processors} processors, ${machine.kernel}, load average ${load.toFixed(2)} before the run`);
	console.log(`versions  leadfit ${machine.leadfit}, node ${process.versions.node}, ${packages.map((name) =>
		`${name.replace('@gorules/', '')} ${version(settings.packages, name)}`).join(', ')}`);
	console.log(`files on  ${machine.fileSystem}${machine.inMemory ? ', in memory: commits cost nothing' : ''}; ${files}`);
	console.log(`rounds    ${settings.rounds} of ${settings.seconds} s a measurement, interleaved; medians, [lowest..highest]`);
	console.log(`cases     ${settings.teams} teams of 8 members with 4 pieces of evidence each, 200 projects, 8 criteria\n`);
	for (const check of checks)
		console.log(tellAgreement(check));
}

// One table with a row for each subject; cells(key) gives what stands in it.
function printAll({ peers, ours, edges }, title, heads, cells) {
	console.log('');
	line(title, heads);
	for (const [processes, group] of [[2, 'peers in two processes'], [1, 'peers in one process']]) {
		console.log(group);
		for (const one of peers.filter((peer) => peer.processes === processes))
			line(`  ${nameOf(one)}`, cells(one.key));
	}
	console.log('leadfit');
	for (const one of [...ours, ...edges])
		line(`  ${nameOf(one)}`, cells(one.key));
}

// leadfit's rate over a peer's: over the better of its two ways to commit, in two processes, in one, and over the best of all four.
function printRatios({ settings, peers, ours, rounds }) {
	const best = (round, some, inFlight) => Math.max(...some.map((one) => round[one.key][inFlight].rate));
	const ways = [['two processes', (one) => one.processes === 2], ['one process', (one) => one.processes === 1], ['the better', () => true]];
	for (const inFlight of settings.inFlight.filter((count) => ROW_9.includes(count))) {
		console.log('');
		line(`leadfit's rate over, ${inFlight} in flight`, ways.map(([head]) => head));
		for (const name of new Set(peers.map((one) => one.name)))
			for (const mine of ours)
				line(`  ${name}: ${mine.name}`, ways.map(([, holds]) => spread(rounds.map((round) => round[mine.key][inFlight].rate
					/ best(round, peers.filter((one) => one.name === name && holds(one)), inFlight)), 2)));
	}
}

// The same job by the same client, where only the edge differs.
function printEdge({ settings, edges, rounds }) {
	if (edges.length === 0)
		return;
	const over = (figure) => settings.inFlight.map((inFlight) =>
		spread(rounds.map((round) => round.grpc[inFlight][figure] / round.edge[inFlight][figure]), 2));
	console.log('');
	line('leadfit over gRPC C++\'s server', settings.inFlight.map(String));
	line('  rate', over('rate'));
	line('  server CPU', over('serverUs'));
}

function printOneAtATime({ peers, ours, rounds }) {
	const fastest = (round) => Math.min(...peers.map((one) => round[one.key][1].p50Us));
	console.log('');
	line('one at a time', ['p50 over the best peer\'s']);
	for (const mine of ours)
		line(`  ${mine.name}`, [spread(rounds.map((round) => round[mine.key][1].p50Us / fastest(round)), 2)]);
}

function printAhead({ settings, peers, ours, rounds }) {
	console.log('');
	for (const mine of ours)
		for (const inFlight of settings.inFlight) {
			const rate = (one) => median(rounds.map((round) => round[one.key][inFlight].rate));
			const ahead = peers.filter((one) => rate(one) > rate(mine));
			if (ahead.length > 0)
				console.log(`ahead of leadfit over ${mine.name}, ${inFlight} in flight: ${ahead.map((one) =>
					`${nameOf(one)}, ${one.processes === 2 ? 'two processes' : 'one process'} (${(rate(one) / rate(mine)).toFixed(2)})`).join('; ')}`);
		}
}

export function print(run) {
	const { settings, rounds } = run;
	printHead(run);
	if (rounds.length === 0)
		return;
	const figures = (key, inFlight, figure) => rounds.map((round) => round[key][inFlight][figure]), last = settings.inFlight.at(-1);
	printAll(run, 'decisions/s, by requests in flight', settings.inFlight.map(String),
		(key) => settings.inFlight.map((inFlight) => spread(figures(key, inFlight, 'rate'), 0)));
	printAll(run, 'us', ['p50, 1 in flight', 'p99, 1 in flight', 'server CPU, 1 in flight', `server CPU, ${last} in flight`], (key) =>
		[...['p50Us', 'p99Us', 'serverUs'].map((figure) => spread(figures(key, 1, figure), 0)), spread(figures(key, last, 'serverUs'), 1)]);
	printRatios(run);
	printEdge(run);
	printOneAtATime(run);
	printAhead(run);
}

// Drives compare.sh: node compare.mjs PACKAGES RUBRIC.json PROGRAM DIR RUNS SECONDS TEAMS. Each run has leadfit's half
// (PROGRAM, a leadfitd on a new log in DIR) and then every engine, each in this process's own threads. The first run compares
// all winners and scores. Prints a table of medians. Exit status 1: somebody disagrees with leadfit.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { compare, lines, median, tellAgreement, version } from './compare_cases.mjs';
import { makeJsonRules, makePlain, makeZen, makeZenFunction } from './compare_engines.mjs';

const AS_OF_MS = Date.parse('2026-01-01'); // as compare.c has it
const engines = { makeJsonRules, makePlain, makeZen, makeZenFunction };

// ---- a closed loop, in a thread of its own: so many at once, each started when one is done ----

// A quarter of the time passes before anything counts. Cases were parsed before: engines are spared the JSON that a service reads.
async function loop({ engine, rubric, folder, requests, inFlight, seconds }) {
	const score = engines[engine](JSON.parse(fs.readFileSync(rubric, 'utf8')), AS_OF_MS, folder), cases = lines(requests);
	const start = performance.now() + seconds * 250, end = start + seconds * 1000;
	let next = 0, counted = 0, now = performance.now(), bad = 0;
	const slot = async () => {
		while (now < end) {
			const answer = await score(cases[next++ % cases.length]);
			now = performance.now();
			counted += now >= start && now < end;
			bad += answer.scored.length !== 8;
		}
	};
	// Without an engine nothing is asynchronous, and waiting for it would be the greater part.
	const straight = () => {
		while (now < end) {
			const answer = score(cases[next++ % cases.length]);
			now = performance.now();
			counted += now >= start && now < end;
			bad += answer.scored.length !== 8;
		}
	};
	if (engine === 'makePlain')
		straight();
	else
		await Promise.all(Array.from({ length: inFlight }, slot));
	if (bad > 0)
		throw new Error(`${engine}: ${bad} answers without the team's eight scores`);
	return counted / seconds;
}

const threadRate = (data) => new Promise((resolve, reject) => {
	const worker = new Worker(new URL(import.meta.url), { workerData: data });
	worker.once('message', resolve);
	worker.once('error', reject);
	worker.once('exit', (code) => reject(new Error(`a thread ended with ${code}`)));
});

async function rateOf(threads, data) {
	const rates = await Promise.all(Array.from({ length: threads }, () => threadRate(data)));
	return rates.reduce((sum, rate) => sum + rate, 0);
}

// ---- the run ----

async function main([folder, rubric, program, directory, runs, seconds, teams]) {
	const cores = os.availableParallelism(), requests = path.join(directory, 'requests.ndjson');
	const answers = path.join(directory, 'answers.ndjson'), load = os.loadavg()[0];
	const rows = [
		['(a) zen-engine, expressions', '1 at a time', 'makeZen', 1, 1],
		['', '64 at once', 'makeZen', 1, 64],
		['', `64 at once in each of ${cores} threads`, 'makeZen', cores, 64],
		['    zen-engine, function node', '64 at once', 'makeZenFunction', 1, 64],
		['(b) json-rules-engine', '1 thread', 'makeJsonRules', 1, 1],
		['', `${cores} threads`, 'makeJsonRules', cores, 1],
		['(c) plain JavaScript loop', '1 thread', 'makePlain', 1, 1],
		['', `${cores} threads`, 'makePlain', cores, 1],
	].map(([name, how, engine, threads, inFlight]) => ({ name, how, engine, threads, inFlight, rates: [] }));
	const ours = [['(d) leadfit Score', '1 in flight', 'one'], ['', '64 in flight', 'many'],
		['(e) leadfit ScoreBatch', '256 summaries a message, 3 in flight', 'brief'], ['', '64 whole answers a message, 3 in flight', 'full'],
	].map(([name, how, key]) => ({ name, how, key, rates: [] }));
	let machine, checks;
	for (let run = 0; run < runs; run++) {
		const log = fs.mkdtempSync(path.join(directory, 'log-'));
		machine = JSON.parse(execFileSync(program, [log, teams, seconds, requests, answers],
			{ stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' }));
		fs.rmSync(log, { recursive: true });
		for (const row of ours)
			row.rates.push(machine[row.key]);
		if (run === 0) {
			const all = [lines(requests), lines(answers)], parsed = JSON.parse(fs.readFileSync(rubric, 'utf8'));
			checks = [];
			for (const engine of Object.keys(engines))
				checks.push(await compare(engine.slice(4), engines[engine](parsed, AS_OF_MS, folder), ...all));
			if (all[0].length !== Number(teams) || all[1].length !== Number(teams))
				throw new Error(`${all[0].length} cases and ${all[1].length} answers for ${teams} teams`);
		}
		for (const row of rows)
			row.rates.push(await rateOf(row.threads, { ...row, rates: undefined, rubric, folder, requests, seconds: Number(seconds) }));
	}
	print({ machine, checks, rows, ours, load, folder, runs, seconds, teams });
	return checks.every((check) => check.good) ? 0 : 1;
}

// ---- the table ----

function print({ machine, checks, rows, ours, load, folder, runs, seconds, teams }) {
	const all = [...rows, ...ours], whole = (rate) => Math.round(rate).toString();
	const best = median(ours[1].rates);
	console.log(`machine   ${machine.processor}, ${machine.processors} processors, ${machine.kernel}, load average ${load.toFixed(2)} before the run`);
	console.log(`versions  leadfit ${machine.leadfit}, zen-engine ${version(folder, '@gorules/zen-engine')}, json-rules-engine `
		+ `${version(folder, 'json-rules-engine')}, node ${process.versions.node}`);
	console.log(`log on    ${machine.fileSystem}${machine.inMemory ? ', in memory: its commits cost nothing, the figures of (d) and (e) are too good' : ''}`);
	console.log(`runs      ${runs} of ${seconds} s a measurement, interleaved; medians, [lowest..highest]`);
	console.log(`cases     ${teams} teams of 8 members with 4 pieces of evidence each, 200 projects, 8 criteria\n`);
	for (const check of checks)
		console.log(tellAgreement(check));
	console.log(`\n${''.padEnd(31)}${''.padEnd(40)}${'decisions/s'.padStart(12)}${''.padStart(19)}  of (d) at 64`);
	for (const row of all) {
		const rate = median(row.rates);
		console.log(`${row.name.padEnd(31)}${row.how.padEnd(40)}${whole(rate).padStart(12)} [${whole(Math.min(...row.rates)).padStart(7)}..`
			+ `${whole(Math.max(...row.rates)).padStart(7)}]  ${(rate / best).toFixed(2).padStart(8)}`);
	}
	// The highest rates are those that neighbours disturbed least.
	for (const [what, figure] of [['medians', median], ['highest', (rates) => Math.max(...rates)]])
		for (const [name, row] of [['Score, 64 in flight', ours[1]], ['ScoreBatch', ours[2]]]) {
			const faster = rows.filter((other) => figure(other.rates) > figure(row.rates)).map((other) => `${other.engine.slice(4)}, ${other.how}`);
			console.log(`\nby ${what}, faster than leadfit ${name}: ${faster.length > 0 ? faster.join('; ') : 'none'}`);
		}
}

if (isMainThread)
	main(process.argv.slice(2)).then((status) => { process.exitCode = status; }, (error) => {
		console.error(`compare.sh: ${error.message}`);
		process.exitCode = 3;
	});
else
	loop(workerData).then((rate) => parentPort.postMessage(rate));

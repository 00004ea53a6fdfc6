// The load programs. Each keeps so many requests in flight for some seconds, and gives {rate, p50Us, p99Us, serverUs, answered}: a second, from request
// to reply, CPU time of the server's processes a request, and how many were answered at the least. p50Us and p99Us may be absent.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { cpuUs } from './servers.mjs';

const run = promisify(execFile);
const SPARE_MS = 30_000, ANSWERS_MIN = 20, SECONDS_MAX = 60;

const limits = (seconds) => ({ timeout: seconds * 1000 + SPARE_MS, maxBuffer: 1 << 20 });

// HTTP/1.1, as many connections as requests in flight, every team in turn. A time in which too few are answered is made longer.
async function byWrk(settings, server, inFlight, seconds) {
	const before = cpuUs(server.pids);
	const { stdout } = await run('wrk', ['-t1', `-c${inFlight}`, `-d${seconds}s`, '--timeout', '20s', '-s',
		path.join(import.meta.dirname, 'load.lua'), server.url, '--', settings.requests], limits(seconds));
	const told = JSON.parse(stdout.split('\n').find((line) => line.startsWith('{')));
	if (told.failed > 0)
		throw new Error(`wrk, ${inFlight} in flight at ${server.url}: ${told.answered} answered, ${told.failed} failed`);
	if (told.answered < ANSWERS_MIN) {
		if (seconds >= SECONDS_MAX)
			throw new Error(`wrk, ${inFlight} in flight at ${server.url}: ${told.answered} answered in ${seconds} s`);
		const longer = await byWrk(settings, server, inFlight, Math.min(seconds * 4, SECONDS_MAX));
		return { ...longer, answered: longer.answered + told.answered };
	}
	return { ...told, rate: told.answered / told.seconds, serverUs: (cpuUs(server.pids) - before) / told.answered };
}

// gRPC over one HTTP/2 connection, one request again and again, for h2load has no more. It writes a line for each answer where
// latencies are asked for, which costs it time: with one in flight only.
async function byH2load({ message, directory }, server, inFlight, seconds) {
	const before = cpuUs(server.pids), log = path.join(directory, 'h2load.log'), logging = inFlight === 1;
	const { stdout } = await run('h2load', ['-t', '1', '-c', '1', '-m', `${inFlight}`, '-D', `${seconds * 1000}ms`, '-d', message,
		'-H', 'content-type: application/grpc', '-H', 'te: trailers', ...(logging ? [`--log-file=${log}`] : []), server.url], limits(seconds));
	const [, done, succeeded] = stdout.match(/(\d+) done, (\d+) succeeded/) ?? [];
	const rate = Number(stdout.match(/finished in [^,]+, ([\d.]+) req\/s/)?.[1]), answered = Number(done);
	const bytes = Number(stdout.match(/\((\d+)\) data/)?.[1]);
	// A refusal has status 200 and no message.
	if (!(answered > 0) || done !== succeeded || bytes / answered < 4000)
		throw new Error(`h2load, ${inFlight} in flight at ${server.url}: ${done} done, ${succeeded} succeeded, ${bytes} bytes`);
	const figures = { rate, answered, serverUs: (cpuUs(server.pids) - before) / answered };
	if (logging) {
		const us = fs.readFileSync(log, 'utf8').trim().split('\n').map((line) => Number(line.split('\t')[2])).sort((a, b) => a - b);
		figures.p50Us = us[us.length >> 1];
		figures.p99Us = us[Math.floor(us.length * 0.99)];
		fs.rmSync(log);
	}
	return figures;
}

// nng over one connection, by the client library, every team in turn.
async function byClient({ build, teams }, server, inFlight, seconds) {
	const { stdout } = await run(path.join(build, 'bin/lf_bench_peers'), ['calls', `${teams}`, server.nng, `${server.pids[0]}`,
		`${inFlight}`, `${seconds}`], limits(seconds));
	return JSON.parse(stdout);
}

export const loads = { wrk: byWrk, h2load: byH2load, client: byClient };

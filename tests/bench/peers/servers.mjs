// Server processes of a measurement, each on files of its own in a new directory: started, watched, ended by their own pid.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';

const READY_MS = 30_000, END_MS = 20_000;
const TICK_US = 10_000; // of /proc/PID/stat: 100 a second on every Linux that node runs on
const CONNECTIONS = '1024', SCORE = '/leadfit.v1.Scoring/Score';
export const EDGE = 'bin/lf_bench_grpc_edge';
const living = new Set();

process.once('exit', () => living.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM'])
	process.once(signal, () => process.exit(130));

// Starts a program, and waits until ready(line) gives something of one of its lines. what names it in errors.
async function start(what, program, args, environment, ready) {
	const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
	let last = '';
	living.add(child);
	const found = await new Promise((resolve, reject) => {
		const timer = setTimeout(() => reject(new Error(`${what} is not ready after ${READY_MS / 1000} s: ${last}`)), READY_MS);
		for (const stream of [child.stdout, child.stderr])
			readline.createInterface({ input: stream }).on('line', (line) => {
				const value = ready(last = line);
				if (value) {
					clearTimeout(timer);
					resolve(value);
				}
			});
		child.once('error', reject);
		child.once('exit', (code) => {
			living.delete(child);
			reject(new Error(`${what} ended with ${code}: ${last}`));
		});
	});
	const stop = async () => {
		if (child.exitCode !== null || child.signalCode !== null)
			throw new Error(`${what} ended by itself with ${child.exitCode ?? child.signalCode}: ${last}`);
		const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
		child.kill('SIGTERM');
		const [code, signal] = await once(child, 'exit');
		clearTimeout(timer);
		if (code !== 0)
			throw new Error(`${what} ended with ${code ?? signal}: ${last}`);
	};
	return { child, found, stop };
}

// Rows of the tables `decision` of these files, that is, decisions on disk.
function countRows(packages, files) {
	const Database = createRequire(path.join(packages, 'package.json'))('better-sqlite3');
	return files.reduce((sum, file) => {
		const db = new Database(file, { fileMustExist: true });
		const { count } = db.prepare('SELECT count(*) AS count FROM decision').get();
		db.close();
		return sum + count;
	}, 0);
}

// CPU time of these processes so far, user and kernel.
export const cpuUs = (pids) => pids.reduce((sum, pid) => {
	const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
	const [user, kernel] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13);
	return sum + (Number(user) + Number(kernel)) * TICK_US;
}, 0);

// Each gives {url, path, pids, stop, count}: count() after stop() says how many decisions are on disk.
export async function startPeer(settings, subject, directory) {
	const own = { ...subject, packages: settings.packages, rubric: settings.rubricJson, directory, files: settings.files };
	const { found, stop } = await start(`the peer ${subject.name}`, process.execPath,
		[path.join(import.meta.dirname, 'service.mjs'), JSON.stringify(own)], { NODE_ENV: 'production' },
		(line) => line.startsWith('{"port"') && JSON.parse(line));
	return { url: `http://127.0.0.1:${found.port}/score`, pids: found.pids, stop, count: () =>
		countRows(settings.packages, fs.readdirSync(directory).filter((name) => name.endsWith('.db')).map((name) => path.join(directory, name))) };
}

const leadfitArguments = ({ rubric }, directory, log) => ['--db', log, '--listen', 'tcp://127.0.0.1:0', '--rubric', rubric,
	'--checkpoints', path.join(directory, 'checkpoint'), '--log', 'text', '--connections', CONNECTIONS, '--connections-per-address', CONNECTIONS];

export async function startLeadfit(settings, directory) {
	const log = path.join(directory, 'leadfit.db'), said = {};
	const { child, stop } = await start('leadfitd', path.join(settings.build, 'bin/leadfitd'),
		[...leadfitArguments(settings, directory, log), '--http', '127.0.0.1:0'], {}, (line) => {
			const listening = line.match(/ listening: listening on (http|tcp):\/\/(\S+)/);
			if (listening)
				said[listening[1]] = listening[2];
			if (line.includes(' ready: '))
				said.ready = true;
			return said.http && said.tcp && said.ready;
		});
	return { url: `http://${said.http}${SCORE}`, nng: `tcp://${said.tcp}`, pids: [child.pid], stop,
		count: () => countRows(settings.packages, [log]) };
}

// The same with gRPC C++'s server in front, where it was built.
export async function startEdge(settings, directory) {
	const log = path.join(directory, 'leadfit.db');
	const { child, found, stop } = await start('lf_bench_grpc_edge', path.join(settings.build, EDGE),
		leadfitArguments(settings, directory, log), {}, (line) => line.match(/^gRPC on (\S+)/)?.[1]);
	return { url: `http://${found}${SCORE}`, pids: [child.pid], stop, count: () => countRows(settings.packages, [log]) };
}

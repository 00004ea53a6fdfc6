// One peer: a decision service as people would build it, fastify around an engine and SQLite.
//
//	node service.mjs '{"engine": "plain", "commit": "turn", "processes": 2, "files": "own", "packages": DIR, "rubric": FILE, "directory": DIR}'
//
// Several processes are node:cluster's: the first accepts connections and hands them to the others in turn. Prints one line of JSON when all
// listen, {port, pids}; ends on SIGTERM. POST /score takes {team, project} and answers when the decision is on disk.
import cluster from 'node:cluster';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { makeJsonRules, makePlain, makeZen } from '../compare_engines.mjs';
import { answerOf, schemas } from './answer.mjs';
import { openStore } from './store.mjs';

const AS_OF_MS = Date.parse('2025-12-01'); // as the requests say, see drafts.h
const engines = { plain: makePlain, rules: makeJsonRules, zen: makeZen };
const settings = JSON.parse(process.argv[2]);

async function serve({ engine, commit, packages, rubric, directory, files }, place) {
	const { fastify } = createRequire(path.join(packages, 'package.json'))('fastify');
	const score = engines[engine](JSON.parse(fs.readFileSync(rubric, 'utf8')), AS_OF_MS, packages);
	const store = openStore(packages, path.join(directory, `peer-${files === 'own' ? place : 0}.db`), commit, place);
	const app = fastify({ logger: false, forceCloseConnections: true });

	app.post('/score', { schema: schemas }, async (request, reply) => {
		const answer = answerOf(store.nextId(), Date.now(), request.body, await score(request.body));
		const sent = reply.serializeInput(answer, 200); // printed once: what is stored is what is sent
		await store.append([answer.id, answer.at, answer.team, answer.project, answer.winner, sent]);
		return reply.type('application/json; charset=utf-8').serializer(String).send(sent);
	});
	process.once('SIGTERM', () => app.close().then(() => {
		store.close();
		process.exit(0);
	}));
	await app.listen({ host: '127.0.0.1', port: 0, backlog: 1024 });
	return app.server.address().port;
}

const ready = (port, pids) => console.log(JSON.stringify({ port, pids }));

function lead(processes) {
	const workers = Array.from({ length: processes }, (_, place) => cluster.fork({ PEER_PLACE: place }));
	let listening = 0, ending = false;
	cluster.on('listening', (worker, { port }) => {
		if (++listening === processes)
			ready(port, [process.pid, ...workers.map((one) => one.process.pid)]);
	});
	cluster.on('exit', (worker, code) => {
		if (!ending)
			process.exit(code || 1);
		if (workers.every((one) => one.isDead()))
			process.exit(0);
	});
	process.once('SIGTERM', () => {
		ending = true;
		workers.forEach((one) => one.process.kill('SIGTERM'));
	});
}

if (settings.processes > 1 && cluster.isPrimary) {
	lead(settings.processes);
} else {
	const port = await serve(settings, Number(process.env.PEER_PLACE ?? 0));
	if (!cluster.isWorker)
		ready(port, [process.pid]);
}

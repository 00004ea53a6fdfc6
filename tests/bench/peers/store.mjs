// Where a peer keeps its decisions: one table of one SQLite file, set up as better-sqlite3's documents advise (WAL, prepared
// statements, transactions), but with synchronous=FULL, so that what is committed survives a power loss. A row has the
// answer as it is sent and what one would look for; nothing of the request, and no index beside the key: less than leadfit keeps.
import { createRequire } from 'node:module';
import path from 'node:path';

const BUSY_MS = 20_000; // where two processes write one file, one waits for the other
const IDS_A_PROCESS = 1e12;

// commit is 'request', one transaction each, or 'turn', one for all that one turn of the event loop brought. append() returns when the row
// is on disk; 'turn' gives a promise of that. A commit that fails rejects everything that was in it.
export function openStore(folder, file, commit, place) {
	const Database = createRequire(path.join(folder, 'package.json'))('better-sqlite3');
	const db = new Database(file, { timeout: BUSY_MS });
	db.pragma('journal_mode = WAL');
	db.pragma('synchronous = FULL');
	db.exec('CREATE TABLE IF NOT EXISTS decision (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, team TEXT NOT NULL, project TEXT NOT NULL,'
		+ ' winner TEXT NOT NULL, answer TEXT NOT NULL)');
	const insert = db.prepare('INSERT INTO decision VALUES (?, ?, ?, ?, ?, ?)');
	const insertAll = db.transaction((waiting) => {
		for (const { row } of waiting)
			insert.run(row);
	}).immediate;
	let waiting = [], last = place * IDS_A_PROCESS;

	const flush = () => {
		const batch = waiting;
		waiting = [];
		try {
			insertAll(batch);
		} catch (error) {
			batch.forEach(({ reject }) => reject(error));
			return;
		}
		for (const { resolve } of batch)
			resolve();
	};
	const byTurn = (row) => new Promise((resolve, reject) => {
		if (waiting.push({ row, resolve, reject }) === 1)
			setImmediate(flush); // after what the sockets have brought
	});
	return { nextId: () => ++last, append: commit === 'turn' ? byTurn : (row) => insert.run(row), close: () => db.close() };
}

// What compare.mjs and peers/ share: reading the cases, whether somebody's answers are leadfit's, and figures of several runs.
import fs from 'node:fs';
import path from 'node:path';

const SAME = 1e-9;

export const lines = (file) => fs.readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
export const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
export const version = (folder, name) =>
	JSON.parse(fs.readFileSync(path.join(folder, 'node_modules', name, 'package.json'))).version;

// Scores every request, {team, project}, by score(), which gives {winner, scored: [{id, eligible, score}]} or a promise of it, and holds
// that against leadfit's answers. furthest is the greatest difference of two scores, Infinity where a gate differs.
export async function compare(name, score, requests, answers) {
	let furthest = 0, winners = 0;
	for (let i = 0; i < requests.length; i++) {
		const { winner, scored } = await score(requests[i]), ranking = answers[i].ranking;
		const expected = ranking[0].eligible ? ranking[0].candidate : '';
		const mine = new Map(scored.map((one) => [one.id, one]));
		winners += winner === expected;
		if (scored.length !== ranking.length || answers[i].team.id !== requests[i].team.id)
			throw new Error(`${name}: case ${i} is not the same case`);
		for (const { candidate, score: theirs = 0, eligible = false } of ranking) {
			const one = mine.get(candidate);
			furthest = Math.max(furthest, Number.isFinite(one?.score) ? Math.abs(one.score - theirs) : Infinity);
			if (one?.eligible !== eligible)
				furthest = Infinity;
		}
	}
	return { name, cases: requests.length, winners, furthest, good: winners === requests.length && furthest <= SAME };
}

export const tellAgreement = ({ name, cases, winners, furthest, good }) => `${good ? 'agrees  ' : 'DIFFERS '}  ${name.padEnd(18)}`
	+ ` ${winners} of ${cases} winners as leadfit's, scores within ${furthest.toExponential(1)}`;

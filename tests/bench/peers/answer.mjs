// What a peer answers, made of what an engine says: every candidate in order, each with a reason. And what goes in and out as JSON
// schemas: fastify's documents advise them, to check requests, and to print replies fast.
const text = { type: 'string' }, number = { type: 'number' }, share = { type: 'number', minimum: 0, maximum: 1 };
const strictly = (properties, required = Object.keys(properties)) => ({ type: 'object', required, properties });
const shares = { type: 'object', additionalProperties: share };

export const schemas = {
	body: strictly({
		team: strictly({
			id: text,
			members: { type: 'array', minItems: 1, maxItems: 1000, items: strictly({
				id: text, discipline: text, availability: share, expertise: shares,
				evidence: { type: 'array', maxItems: 256, items: strictly({ criterion: text, rating: number, source: text, observedOn: text }) },
			}, ['id', 'discipline', 'evidence']) },
		}),
		project: strictly({ id: text, traits: shares }),
	}),
	response: { 200: strictly({
		id: { type: 'integer' }, at: { type: 'integer' }, team: text, project: text, winner: text,
		ranking: { type: 'array', items: strictly({
			candidate: text, rank: { type: 'integer' }, score: number, eligible: { type: 'boolean' }, reason: text,
		}) },
	}) },
};

const byScore = (a, b) => b.eligible - a.eligible || b.score - a.score || (a.id < b.id ? -1 : 1);

function reasonOf(ordered, i, eligible) {
	const { score } = ordered[i], said = score.toFixed(4);
	if (i >= eligible)
		return `Not eligible with ${said}: a gate is not met.`;
	if (i > 0)
		return `${said}, ${(ordered[0].score - score).toFixed(4)} behind ${ordered[0].id}.`;
	if (eligible === 1)
		return `The only one who is eligible, with ${said}.`;
	return `First of ${eligible} with ${said}, ${(score - ordered[1].score).toFixed(4)} ahead of ${ordered[1].id}.`;
}

export function answerOf(id, at, { team, project }, { winner, scored }) {
	const ordered = [...scored].sort(byScore);
	const eligible = ordered.reduce((count, one) => count + one.eligible, 0);
	return { id, at, team: team.id, project: project.id, winner, ranking: ordered.map((one, i) => ({
		candidate: one.id, rank: i < eligible ? i + 1 : 0, score: one.score, eligible: one.eligible, reason: reasonOf(ordered, i, eligible),
	})) };
}

// The same scoring of the same cases, as closely as each way of doing it allows: see compare.sh. Every maker takes the
// rubric and the instant that evidence ages to, does all that can be done once, and gives a function from a case
// {team, project} to {winner, scored: [{id, eligible, score, ...}]}.
//
// Left out everywhere but in leadfit, since no engine here has a notion of it: the robustness of the first place (1,024
// perturbed samples), what would change it, a co-lead, words, evidence shares, thresholds and outcomes, checks of the input,
// and a record. Left out on purpose: a project trait that is absent, undated evidence and MINIMUM or HARMONIC aggregation, which
// these cases do not have.
import { createRequire } from 'node:module';
import path from 'node:path';

const DAY_MS = 86_400_000;

// ---- (c) a plain loop: what a programmer writes without an engine ----

// Stands alone: its text is also what the function node of zen-engine runs.
export function makePlain(rubric, asOfMs) {
	const respond = (amount, traits) => {
		let sum = amount.base ?? 0;
		for (const [trait, factor] of amount.entries)
			sum += factor * traits[trait];
		return sum > 0 ? sum : 0;
	};
	const amountOf = (amount) => ({ base: amount.base, entries: Object.entries(amount.traits ?? {}) });
	const halfLife = rubric.halfLifeDays;
	const covers = Object.fromEntries(rubric.disciplines.map((d) => [d.id, { ...d.covers, [d.id]: 1 }]));
	const criteria = rubric.criteria.map((c) => ({
		id: c.id,
		derived: c.derived,
		weight: amountOf(c.weight),
		needs: (c.needs ?? []).map((need) => ({ discipline: need.discipline, ...amountOf(need) })),
		strength: c.prior?.strength ?? 0,
		mean: c.prior?.mean ?? {},
		defaultMean: c.prior?.defaultMean,
		curve: c.curve?.length ? c.curve
			: [{ rating: rubric.scale.min, value: 0 }, { rating: rubric.scale.max, value: 1 }],
	}));
	const ratingGates = rubric.gates.filter((gate) => gate.criterion);
	const availabilityGates = rubric.gates.filter((gate) => !gate.criterion);
	const valueOf = (curve, rating) => {
		if (rating <= curve[0].rating)
			return curve[0].value ?? 0;
		for (let i = 1; i < curve.length; i++) {
			const from = curve[i - 1], to = curve[i], low = from.value ?? 0, high = to.value ?? 0;
			if (rating <= to.rating)
				return low + (high - low) * (rating - from.rating) / (to.rating - from.rating);
		}
		return curve[curve.length - 1].value;
	};
	const expertise = (member, discipline) =>
		member.expertise?.[discipline] ?? covers[member.discipline][discipline] ?? 0;

	return ({ team, project }) => {
		const traits = project.traits, members = team.members;
		const weights = criteria.map((c) => respond(c.weight, traits));
		const weightSum = weights.reduce((sum, w) => sum + w, 0);
		const needs = criteria.map((c) => c.needs.map((need) => respond(need, traits)));
		const scored = [];
		let labour = 0, winner = '', best = -1;
		for (const member of members)
			labour += member.availability ?? 1;
		for (const member of members) {
			const n = {}, ratings = {};
			let score = 0, eligible = true;
			for (const e of member.evidence) {
				const age = Math.floor((asOfMs - Date.parse(e.observedOn)) / 86_400_000);
				const weight = (rubric.sources[e.source] ?? 1) * halfLife / (halfLife + age);
				const sums = n[e.criterion] ??= { n: 0, rated: 0 };
				sums.n += weight;
				sums.rated += weight * e.rating;
			}
			for (let j = 0; j < criteria.length; j++) {
				const c = criteria[j];
				let value = 0;
				if (c.derived === 'DOMAIN_ALIGNMENT') {
					let sum = 0, total = 0;
					c.needs.forEach((need, i) => {
						sum += needs[j][i] * expertise(member, need.discipline);
						total += needs[j][i];
					});
					value = total > 0 ? sum / total : 0;
				} else if (c.derived === 'TEAM_COVERAGE') {
					for (const other of members)
						value += (other.availability ?? 1) * expertise(member, other.discipline);
					value = labour > 0 ? value / labour : 0;
				} else {
					const sums = n[c.id], mean = c.mean[member.discipline] ?? c.defaultMean;
					const rating = ((sums?.rated ?? 0) + c.strength * mean) / ((sums?.n ?? 0) + c.strength);
					ratings[c.id] = rating;
					value = valueOf(c.curve, rating);
				}
				score += weights[j] / weightSum * value;
			}
			for (const gate of ratingGates)
				eligible &&= ratings[gate.criterion] >= gate.atLeast;
			for (const gate of availabilityGates)
				eligible &&= (member.availability ?? 1) >= gate.availabilityAtLeast;
			scored.push({ id: member.id, eligible, score, ratings });
			if (eligible && (score > best || (score === best && member.id < winner))) {
				winner = member.id;
				best = score;
			}
		}
		return { winner, scored };
	};
}

// ---- (a) zen-engine ----

const load = (folder, name) => createRequire(path.join(folder, 'package.json'))(name);

const expressionNode = (id, rows, rest) => ({
	id, name: id, type: 'expressionNode', position: { x: 0, y: 0 },
	content: { expressions: rows.map(([key, value], i) => ({ id: `${id}${i}`, key, value })), ...rest },
});

const graphOf = (nodes) => {
	const all = [{ id: 'request', name: 'request', type: 'inputNode', position: { x: 0, y: 0 }, content: {} }, ...nodes,
		{ id: 'response', name: 'response', type: 'outputNode', position: { x: 0, y: 0 }, content: {} }];
	return { nodes: all, edges: all.slice(1).map((node, i) =>
		({ id: `edge${i}`, type: 'edge', sourceId: all[i].id, targetId: node.id })) };
};

// {a: 1} as the expression language writes it; it has no empty objects' look-up to trip over.
const literal = (map) => `{${Object.entries(map).map(([key, value]) =>
	`${key}: ${typeof value === 'object' ? literal(value) : value}`).join(', ')}}`;

const respondText = (amount) => `max([0, ${amount.base ?? 0}${Object.entries(amount.traits ?? {})
	.map(([trait, factor]) => ` + (${factor}) * project.traits.${trait}`).join('')}])`;

function curveText(rating, curve) {
	let text = `${curve[curve.length - 1].value ?? 0}`;
	for (let i = curve.length - 1; i > 0; i--) {
		const from = curve[i - 1], to = curve[i], low = from.value ?? 0, high = to.value ?? 0;
		text = `${rating} <= ${to.rating} ? ${low} + ${high - low} * (${rating} - ${from.rating}) / ${to.rating - from.rating} : (${text})`;
	}
	return `${rating} <= ${curve[0].rating} ? ${curve[0].value ?? 0} : (${text})`;
}

// A graph of three expression nodes, without JavaScript: what the project makes of weights and needs; the members, one by one
// in the engine's loop mode; who is first. Formulas stand as rows, so a reader of the graph can follow them; the rubric's figures
// are written into them, since the engine has none of its own: no weights, priors, curves or half-lives. Its numbers are
// decimals of 28 digits, so scores agree to about 1e-15, not to the bit.
export function zenGraph(rubric, asOfMs) {
	const covers = Object.fromEntries(rubric.disciplines.map((d) => [d.id, { ...d.covers, [d.id]: 1 }]));
	const expertise = (discipline) => `(expertise[${discipline}] ?? $nodes.project.covers[discipline][${discipline}] ?? 0)`;
	const shared = [['sources', literal(rubric.sources)], ['covers', literal(covers)],
		['labour', 'sum(map(team.members as m, m.availability ?? 1))']];
	const rows = [['id', 'id'], ['aged', `map(evidence as e, {c: e.criterion, r: e.rating, w: ($nodes.project.sources[e.source] ?? 1)`
		+ ` * ${rubric.halfLifeDays} / (${rubric.halfLifeDays} + floor((${asOfMs} - d(e.observedOn).timestamp()) / ${DAY_MS}))})`]];
	for (const c of rubric.criteria) {
		shared.push([`raw.${c.id}`, respondText(c.weight)]);
		if (c.prior)
			shared.push([`mean.${c.id}`, literal(c.prior.mean ?? {})]);
		if (c.derived === 'DOMAIN_ALIGNMENT') {
			c.needs.forEach((need) => shared.push([`need.${need.discipline}`, respondText(need)]));
			shared.push(['needs', c.needs.map((need) => `$.need.${need.discipline}`).join(' + ')]);
			rows.push([`value.${c.id}`, `$nodes.project.needs > 0 ? (${c.needs.map((need) =>
				`$nodes.project.need.${need.discipline} * ${expertise(`'${need.discipline}'`)}`).join(' + ')}) / $nodes.project.needs : 0`]);
		} else if (c.derived === 'TEAM_COVERAGE') {
			rows.push([`value.${c.id}`, `$nodes.project.labour > 0 ? sum(map($nodes.request.team.members as o,`
				+ ` (o.availability ?? 1) * ${expertise('o.discipline')})) / $nodes.project.labour : 0`]);
		} else {
			const { strength, defaultMean } = c.prior;
			const curve = c.curve?.length ? c.curve
				: [{ rating: rubric.scale.min, value: 0 }, { rating: rubric.scale.max, value: 1 }];
			const mine = `filter($.aged as e, e.c == '${c.id}')`;
			rows.push([`mine.${c.id}`, mine],
				[`rating.${c.id}`, `(sum(map($.mine.${c.id} as e, e.w * e.r)) + ${strength} * ($nodes.project.mean.${c.id}[discipline]`
					+ ` ?? ${defaultMean})) / (sum(map($.mine.${c.id} as e, e.w)) + ${strength})`],
				[`value.${c.id}`, curveText(`$.rating.${c.id}`, curve)]);
		}
	}
	shared.push(['weights', rubric.criteria.map((c) => `$.raw.${c.id}`).join(' + ')]);
	rows.push(['score', `(${rubric.criteria.map((c) => `$nodes.project.raw.${c.id} * $.value.${c.id}`).join(' + ')}) / $nodes.project.weights`],
		['eligible', rubric.gates.map((gate) => gate.criterion ? `$.rating.${gate.criterion} >= ${gate.atLeast}`
			: `(availability ?? 1) >= ${gate.availabilityAtLeast}`).join(' and ')]);
	return graphOf([expressionNode('project', shared, { passThrough: true }),
		expressionNode('members', rows, { passThrough: false, executionMode: 'loop', inputField: 'team.members', outputPath: 'all' }),
		expressionNode('first', [['scored', 'map(all as m, {id: m.id, eligible: m.eligible, score: m.score})'],
			['able', 'filter($.scored as m, m.eligible)'], ['best', 'len($.able) > 0 ? max(map($.able as m, m.score)) : 0'],
			['winner', "len($.able) > 0 ? filter($.able as m, m.score == $.best)[0].id : ''"]], { passThrough: false })]);
}

function zen(folder, graph) {
	const { ZenEngine, ZenDecisionContent } = load(folder, '@gorules/zen-engine');
	const decision = new ZenEngine().createDecision(new ZenDecisionContent(graph)); // compiled once, used for all
	return async (request) => (await decision.evaluate(request)).result;
}

export const makeZen = (rubric, asOfMs, folder) => zen(folder, zenGraph(rubric, asOfMs));

// The same engine with one function node: the plain loop in the engine's own JavaScript.
export const makeZenFunction = (rubric, asOfMs, folder) => zen(folder, graphOf([{
	id: 'score', name: 'score', type: 'functionNode', position: { x: 0, y: 0 },
	content: { source: `const score = (${makePlain})(${JSON.stringify(rubric)}, ${asOfMs});\nexport const handler = async (input) => score(input);` },
}]));

// ---- (b) json-rules-engine ----

// The engine decides conditions and fires events; it does no arithmetic. So the score of a member is a dynamic fact, computed in
// JavaScript, as its documentation has one do; the gates are rules, one a place in the team (a rule can't range over members);
// and the first is found among the events by the caller. Facts are cached a run, not by parameters: hashing those costs more
// than looking the score up does.
export function makeJsonRules(rubric, asOfMs, folder) {
	const { Engine } = load(folder, 'json-rules-engine');
	const members = 8;
	const score = makePlain({ ...rubric, gates: [] }, asOfMs);
	const engine = new Engine();
	engine.addFact('scores', async (params, almanac) => score(await almanac.factValue('case')).scored);
	engine.addFact('rating', async (params, almanac) =>
		(await almanac.factValue('scores'))[params.place].ratings[params.criterion], { cache: false });
	engine.addFact('availability', async (params, almanac) =>
		(await almanac.factValue('case')).team.members[params.place].availability ?? 1, { cache: false });
	for (let place = 0; place < members; place++)
		engine.addRule({
			conditions: { all: rubric.gates.map((gate) => ({
				fact: gate.criterion ? 'rating' : 'availability', params: { place, criterion: gate.criterion },
				operator: 'greaterThanInclusive', value: gate.criterion ? gate.atLeast : gate.availabilityAtLeast,
			})) },
			event: { type: 'eligible', params: { place } },
		});
	return async (request) => {
		const { events, almanac } = await engine.run({ case: request });
		const scores = await almanac.factValue('scores');
		const scored = scores.map(({ id, score }) => ({ id, eligible: false, score }));
		let winner = '', best = -1;
		for (const { params: { place } } of events) {
			const { id, score } = scored[place];
			scored[place].eligible = true;
			if (score > best || (score === best && id < winner)) {
				winner = id;
				best = score;
			}
		}
		return { winner, scored };
	};
}

#!/usr/bin/env python3
"""Plausible requests for the built-in rubric, one a line, for `leadfit batch`.

    tests/bench/synthetic.py [COUNT [SEED]]        10,000 requests by default; the same SEED gives the same bytes

Teams have 3 to 10 people of all disciplines, each with up to 12 pieces of evidence. What a person can do is that
person's own: around what is usual in a discipline, by a point on average, and for one person in six the discipline is
not the one on the label. Evidence is a noisy view of that; some is undated, some names its domain. Projects are anywhere
in the space of traits.
"""
import json
import random
import sys

CRITERIA = ("architecture", "problem_solving", "collaboration", "interaction")
# Discipline: how frequent it is, and what is usual in it on each criterion.
DISCIPLINES = {
    "BACKEND": (30, (3.6, 3.5, 3.3, 2.5)),
    "FRONTEND": (22, (2.9, 3.0, 3.2, 3.8)),
    "FULLSTACK": (14, (3.3, 3.3, 3.3, 3.3)),
    "MOBILE": (8, (3.0, 3.2, 3.1, 3.6)),
    "DATA": (7, (3.2, 3.3, 3.0, 2.4)),
    "INFRASTRUCTURE": (7, (3.4, 3.4, 3.2, 2.2)),
    "SECURITY": (4, (3.2, 3.4, 3.0, 2.3)),
    "QUALITY": (5, (2.7, 3.0, 3.3, 2.8)),
    "DESIGN": (3, (2.3, 2.4, 3.2, 3.8)),
}
TRAITS = (
    "interaction_focus",
    "iteration_pace",
    "architecture_complexity",
    "business_logic_complexity",
    "stability_need",
    "cross_team_scope",
)
# Source: how frequent it is, how far off it is, and on which side.
SOURCES = {"PEER": (40, 0.5, 0), "MANAGER": (25, 0.5, 0), "ASSESSMENT": (10, 0.3, 0), "ARTIFACT": (10, 0.4, 0), "SELF": (15, 0.6, 0.4)}
AS_OF = "2026-01-01"


def pick(dice, table):
    return dice.choices(list(table), [row[0] for row in table.values()])[0]


def on_scale(rating):
    return min(5, max(1, round(rating * 2) / 2))


def observation(dice, person):
    criterion = dice.randrange(len(CRITERIA))
    source = pick(dice, SOURCES)
    _, noise, bias = SOURCES[source]
    rating = on_scale(dice.gauss(person["levels"][criterion] + bias, noise))
    evidence = {"criterion": CRITERIA[criterion], "rating": rating, "source": source}
    if dice.random() < 0.85:
        evidence["observed_on"] = "%d-%02d-%02d" % (dice.randint(2023, 2025), dice.randint(1, 12), dice.randint(1, 28))
    if dice.random() < 0.1:
        evidence["domain"] = person["really"]
    return evidence


def make_person(dice):
    """A person as they are: label, the discipline that they really work in, and a level on each criterion."""
    label = pick(dice, DISCIPLINES)
    really = pick(dice, DISCIPLINES) if dice.random() < 1 / 6 else label
    general = dice.gauss(0, 0.5)
    usual = DISCIPLINES[really][1]
    return {"label": label, "really": really, "levels": [dice.gauss(level + general, 0.8) for level in usual]}


def make_member(dice, number, person):
    member = {"id": f"m-{number}", "discipline": person["label"]}
    if dice.random() < 0.25:
        member["availability"] = dice.randint(2, 9) / 10
    if dice.random() < 0.08:
        member["expertise"] = {person["really"]: dice.randint(5, 10) / 10}
    count = 0 if dice.random() < 0.15 else dice.randint(1, 12)
    member["evidence"] = [observation(dice, person) for _ in range(count)]
    return member


def make_request(dice, number):
    """A request, and its people as they are."""
    people = [make_person(dice) for _ in range(dice.randint(3, 10))]
    members = [make_member(dice, i, person) for i, person in enumerate(people)]
    traits = {trait: dice.randint(0, 20) / 20 for trait in TRAITS if dice.random() < 0.9}
    request = {
        "team": {"id": f"team-{number}", "members": members},
        "project": {"id": f"project-{number}", "traits": traits},
        "as_of": AS_OF + "T00:00:00Z",
    }
    return request, people


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    dice = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    for number in range(count):
        print(json.dumps(make_request(dice, number)[0], separators=(",", ":")))


if __name__ == "__main__":
    main()

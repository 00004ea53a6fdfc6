#!/bin/bash
# Pictures as their users meet them: rubric explain, score --sweep, and the files they write.
# Usage: picture_test.sh LEADFIT FAKE_SERVER SOURCE_FOLDER
set -u
leadfit=$1
fake=$2
rubric=$3/service/rubrics/tech-lead.yaml
team=$3/service/examples/team.yaml
project=$3/service/examples/project.yaml
. "$(dirname "$0")/assert.sh"

unset LEADFIT_TOKEN COLUMNS NO_COLOR
export LC_ALL=C.UTF-8 TERM=xterm LEADFIT_SERVER=ipc://$work/socket
answers=$work/answers
mkdir "$answers" "$work/pictures"
"$fake" "$LEADFIT_SERVER" "$answers" >"$work/fake.log" 2>&1 &
started+=($!)
wait_for "$work/fake.log" listening

l() { run "$leadfit" "$@"; }
sweep() { run "$leadfit" score --team "$team" --project "$project" --sweep interaction_focus "$@"; }

# svg_has FILE TEXT...: a standalone, well-formed SVG with title and desc, of which each TEXT is a whole text; nothing lies outside.
svg_has() {
	python3 - "$@" >"$work/svg.log" 2>&1 <<'END' || fail "$1: $(cat "$work/svg.log")"
import sys, xml.etree.ElementTree as tree
ns = "{http://www.w3.org/2000/svg}"
root = tree.parse(sys.argv[1]).getroot()
assert root.tag == ns + "svg", root.tag
assert root.find(ns + "title").text and root.find(ns + "desc").text, "no title or desc"
width, height = float(root.get("width")), float(root.get("height"))
texts = ["".join(e.itertext()) for e in root.iter() if e.tag in (ns + "text", ns + "title", ns + "desc")]
for wanted in sys.argv[2:]:
    assert wanted in texts, f"no {wanted!r} among {texts}"
def inside(x, y):
    assert -1 <= float(x) <= width + 1 and -1 <= float(y) <= height + 1, f"{x},{y} is outside {width}x{height}"
for e in root.iter():
    for point in (e.get("points") or "").split():
        inside(*point.split(","))
    for x, y in (("x", "y"), ("x1", "y1"), ("x2", "y2"), ("cx", "cy")):
        if e.get(x):
            inside(e.get(x), e.get(y))
END
}

cat >"$answers/Sweep.reply" <<'END'
{"rubric": {"name": "tech-lead", "digest": "0815b2257249aaaa"}, "project": {"id": "p", "title": "Shop & <till>"},
 "trait": "interaction_focus", "value": 0.75, "candidates": ["m-1", "m<2>&\"'"],
 "points": [{"value": 0, "scores": [0.5, 0.75]}, {"value": 0.5, "scores": [0.625, 0.625]}, {"value": 1, "scores": [0.75, 0.5]}],
 "stretches": [{"from": 0, "to": 0.5, "first": "m<2>&\"'"}, {"from": 0.5, "to": 1, "first": "m-1"}],
 "explanation": ["m-1 leads from 0.5 on."], "ignored": ["project.traits[\"x\"]"]}
END

# ---- score --sweep ----

claim "a sweep sends what the files and options say"
sweep --rubric r --candidate m-1042 --candidate m-1103 --as-of 2026-08-01 --ignore-undeclared --points 11; status_is 0; err_empty
for part in '"id":"payments"' '"id":"checkout-redesign"' '"rubric":"r"' '"candidates":["m-1042","m-1103"]' '"asOf":"2026-08-01T00:00:00Z"' \
	'"ignoreUndeclared":true' '"trait":"interaction_focus"' '"points":11'; do
	file_has "$answers/Sweep.request" "$part"
done
[ ! -e "$answers/Score.request" ] || fail "a decision was made"

claim "the page says who leads where, draws it, and says that nothing is stored"
sweep; status_is 0; err_empty
out_has "Shop & <till>: who leads as interaction_focus goes from 0 to 1"
out_matches "^0\.00 +0\.50  m<2>&\"'$"
out_matches '^0\.50 +1\.00  m-1 +the project: 0\.75$'
out_matches '^0\.75 \+b.* a m-1$'; out_matches '^0\.50 \+a'; out_has X; out_matches '^first  \|b '
out_has "m-1 leads from 0.5 on."; out_has 'project.traits["x"]'; out_has "Rubric tech-lead 0815b2257249, no decision was stored"

claim "a pipe gets ASCII without colour, and no line is wider than the page"
! LC_ALL=C grep -q '[^ -~]' "$work/out" || fail "more than ASCII"
for columns in 80 100; do
	COLUMNS=$columns sweep; status_is 0
	awk -v most="$columns" 'length > most { bad = 1 } END { exit bad }' "$work/out" || fail "wider than $columns"
done
COLUMNS=40 sweep; out_matches "^ +0\.00 +0\.50 +1\.00$" # not 0.000.25
sweep --color always; out_has $'\033[38;5;'

claim "a sweep as JSON is the answer itself, and keeps no trace of the picture"
sweep --output json; status_is 0; out_has '"stretches": ['
sweep --output json --svg "$work/pictures/a.svg"; status_is 0; out_has '"stretches": ['; svg_has "$work/pictures/a.svg"

claim "options that make no sense together are usage errors, and nothing is sent"
rm -f "$answers/Sweep.request"
for option in "--key k" --what-if --strict "--detail all"; do
	# shellcheck disable=SC2086
	sweep $option; status_is 2; out_empty; err_has "${option%% *} does not go with --sweep"
done
sweep --svg - --output json; status_is 2; out_empty; err_has "both want standard output"
sweep --svg ""; status_is 2; err_has "--svg is empty"
for points in 1 1002 x -3; do
	sweep --points "$points"; status_is 2; err_has "--points"
done
l score --team "$team" --project "$project" --svg "$work/x.svg"; status_is 2; err_has "--svg goes with --sweep TRAIT"
l score --team "$team" --project "$project" --points 3; status_is 2; err_has "--points goes with --sweep TRAIT"
[ ! -e "$answers/Sweep.request" ] && [ ! -e "$answers/Score.request" ] && [ ! -e "$work/x.svg" ] || fail "something was sent or written"

claim "what the service finds wrong with the trait is told by option"
printf '{"code": 3, "message": "m", "violations": [{"field": "trait", "description": "\\"x\\" is not a trait of this rubric; nearest: y"}]}' >"$answers/Sweep.error"
sweep --svg "$work/x.svg"; status_is 2; out_empty; err_has '--sweep: "x" is not a trait of this rubric; nearest: y'
[ ! -e "$work/x.svg" ] || fail "a picture of nothing"
rm "$answers/Sweep.error"

claim "the picture of a sweep is well-formed, has names, numbers and description, and text stays text"
sweep --svg "$work/pictures/a.svg"; status_is 0; out_has "who leads as"
svg_has "$work/pictures/a.svg" "m-1" "m<2>&\"'" "Shop & <till>: who leads as interaction_focus goes from 0 to 1" "0.50" "the project: 0.75" \
	"First: 0.00 to 0.50 m<2>&\"', 0.50 to 1.00 m-1. The project: 0.75."
sweep --svg -; status_is 0; err_empty; svg_has "$work/out"; cmp -s "$work/out" "$work/pictures/a.svg" || fail "standard output differs"

claim "many crossings, gaps and names without end still make a picture within its borders"
python3 - >"$answers/Sweep.reply" <<'END'
import json
ids = ["x" * 128] + [f"m-{i}" for i in range(29)]
scores = lambda k: [0.5 + 0.4 * ((k * 7 + i * 3) % 10) / 10 for i in range(30)]
print(json.dumps({"trait": "t" * 128, "value": 1, "candidates": ids,
    "points": [{"value": k / 100, "scores": [] if k % 10 == 5 else scores(k)} for k in range(101)],
    "stretches": [{"from": k / 50, "to": (k + 1) / 50, "first": "" if k % 9 == 8 else ids[k % 10]} for k in range(50)]}))
END
COLUMNS=80 sweep --svg "$work/pictures/a.svg"; status_is 0; err_empty; svg_has "$work/pictures/a.svg"; out_has "nobody"
out_has "23 more are in"; out_has "Drawn are 7 of those who lead somewhere"

# ---- rubric explain ----

claim "a rubric file is explained without a service, in words for people"
LEADFIT_SERVER=ipc://$work/none l rubric explain "$rubric"; status_is 0; err_empty
for part in "Technical lead of a project" "4 criteria are rated from evidence, on a scale from 1 to 5; 2 are computed" \
	"4: Has brought the team out of critical incidents with solutions that lasted." \
	"Counts more the higher architecture complexity and business-logic complexity are; counts less" \
	"Share of the weight: 19% where all traits are as assumed." "3 of them outweigh" "540 days old (about 18 months)" "SELF" \
	"Whoever is below 2 on Collaboration across teams" "less than 30% of their time" "less than 0.02 apart" "never a verdict" \
	"Full stack is taken to cover Backend by 70% and Front end by 70%." \
	"A label, or expertise that is stated, counts as 1 piece of fresh evidence" \
	"Backend is shown by evidence on Global perspective and architecture." \
	"Infrastructure and operations is shown by evidence on Technical depth and problem solving." \
	"Every other discipline is shown only by evidence that names it as its domain." "less than 25% of the weight rests on"; do
	out_has "$part"
done
# By hand, with interaction focus 0 and 1: 0.31 0.28 0.31 0.09 0.16 0.12 of 1.27, and 0.21 0.20 0.31 0.45 0.16 0.12 of 1.45.
out_has "  0.00 |A 24%                |B 22%               |C 24%                |D 7%  |E 13%     |F 9%    |"
out_has "  1.00 |A 14%       |B 14%       |C 21%              |D 31%                      |E 11%    |F 8%   |"
! LC_ALL=C grep -q '[^ -~]' "$work/out" || fail "more than ASCII"
awk 'length > 100 { bad = 1 } END { exit bad }' "$work/out" || fail "a line is too wide"
run "$leadfit" rubric explain - <"$rubric"; status_is 0; out_has "Technical lead of a project"
COLUMNS=80 l rubric explain "$rubric"; awk 'length > 80 { bad = 1 } END { exit bad }' "$work/out" || fail "a line is too wide"

claim "explain says what a label weighs, and what counts where nothing is known, only where the rubric does"
# Lines are joined, so that a sentence may be looked for wherever it was broken.
in_words() { l rubric explain "$1"; tr -s ' \n' ' ' <"$work/out" >"$work/words"; mv "$work/words" "$work/out"; }
printf '%s\n' 'name: r' 'scale: {min: 1, max: 5}' 'disciplines: [{id: A, title: Law, shown_by: [c, d]}]' 'expertise: {strength: 2.5}' \
	'thresholds: {evidence_share: 0.5}' 'criteria:' '- {id: c, title: Cases, weight: {base: 1}, unknown_value: 0.4}' \
	'- {id: d, weight: {base: 1}, prior: {strength: 0}, unknown_value: 0.25}' '- {id: e, weight: {base: 1}}' >"$work/label.yaml"
in_words "$work/label.yaml"; status_is 0; err_empty
out_has "counts as 2.5 pieces of fresh evidence"; out_has "Law is shown by evidence on Cases and d."; out_lacks "Every other discipline is shown"
out_has "Nothing is expected before there is evidence: without any, the rating is unknown and counts as the value 0.4."
out_has "That weighs nothing: without evidence the rating is unknown and counts as the value 0.25."
out_has "without any, the rating is unknown and counts as 0."; out_has "less than 50% of the weight rests on evidence."
grep -v -e expertise -e disciplines "$work/label.yaml" >"$work/no-label.yaml"
in_words "$work/no-label.yaml"; status_is 0; out_lacks "label"; out_lacks "Disciplines"
out_has "less than 50% of the weight of what is rated rests on evidence."
sed -e 's/^disciplines.*//' "$work/label.yaml" >"$work/any-label.yaml"
in_words "$work/any-label.yaml"; out_has "A discipline is shown only by evidence that names it as its domain."
out_lacks "names a domain shows that discipline"

claim "one trait is drawn alone and more finely; an unknown one is refused with the nearest"
l rubric explain "$rubric" --trait interaction_focus; status_is 0; out_has "  0.10 |A 23%"; out_lacks "  0.25 |"
l rubric explain "$rubric" --trait interaction_fokus; status_is 2; out_empty; err_has "nearest: interaction_focus"

claim "a stored rubric is explained by name or digest"
printf '{"rubric": {"name": "r", "title": "A rubric", "criteria": [{"id": "a", "weight": {"base": 1}}]}, "version": {"ref": {"name": "r", "digest": "%064d"}, "active": true, "putBy": "local"}}' 7 >"$answers/Get.reply"
l rubric explain r; status_is 0; err_empty; out_has "A rubric"; out_has "Digest 0000"; file_has "$answers/Get.request" '"name":"r"'
l rubric explain; status_is 0; file_lacks "$answers/Get.request" '"name"'
l rubric explain --digest "$(printf '%064d' 7)"; status_is 0; file_has "$answers/Get.request" '"digest":"0000'

claim "explain refuses what it can't do"
l rubric explain "$rubric" --digest 12345678; status_is 2; out_empty; err_has "--digest is for stored rubrics"
l rubric explain "$rubric" --output json; status_is 2; out_empty; err_has "rubric show --output json"
l rubric explain "$work/none.yaml"; status_is 2; out_empty; err_has "none.yaml: No such file"
printf 'name: r\n' >"$work/empty.yaml"
l rubric explain "$work/empty.yaml"; status_is 2; out_empty; err_has "has no criteria"
printf 'name: r\ncriteria: [{idd: a}]\n' >"$work/odd.yaml"
l rubric explain "$work/odd.yaml"; status_is 2; out_empty; err_has "odd.yaml:2: criteria[0].idd"

claim "the picture of a rubric has a panel for each trait, a legend, and the shares"
l rubric explain "$rubric" --svg "$work/pictures/w.svg"; status_is 0; err_empty
svg_has "$work/pictures/w.svg" "interaction focus" "cross-team scope" "Fit with the team's division of labour" "31%" "7%" "0.50 is assumed"
l rubric explain "$rubric" --trait iteration_pace --svg -; status_is 0; svg_has "$work/out" "iteration pace"; out_lacks "cross-team scope"

claim "a rubric whose weights no project moves says so, in words and as a picture"
printf 'name: r\nscale: {min: 1, max: 5}\ntraits: [{id: t}, {id: u}]\ncriteria:\n  - {id: a, weight: {base: 0.7}}\n  - {id: b, weight: {base: 299.3}}\n' >"$work/still.yaml"
l rubric explain "$work/still.yaml" --svg "$work/pictures/w.svg"; status_is 0; err_empty
out_has "each has a weight, the same for every project"; out_has "more than 99%, whatever the project"; out_lacks "as assumed"; out_lacks "conditions"
svg_has "$work/pictures/w.svg" "whatever the project" "A" "B" ">99%"
printf 'name: r\nscale: {min: 1, max: 5}\nhalf_life_days: 1\ncriteria: [{id: a, weight: {base: 0.7}}]\n' >"$work/single.yaml"
l rubric explain "$work/single.yaml"; status_is 0; out_has "that is the score"; out_has "when it is 1 day old, a third"
l rubric explain "$work/single.yaml" --trait t; status_is 2; err_has "which has none"
l rubric explain "$work/still.yaml" --trait none; status_is 2; err_has "it has t, u"

claim "a rubric of the largest size, with texts of all kinds, still makes a picture within its borders"
python3 - >"$work/large.json" <<'END'
import json
traits = [{"id": f"t{i}<&>\"'", "title": "Eigenschaft <&> \"'\u6771" * 9, "default": i / 63} for i in range(64)]
print(json.dumps({"name": "r", "title": "<&>\"'\u0085\u2028 \U0001f642" * 20, "traits": traits, "criteria": [
    {"id": f"c{i}", "title": "Kriterium <&>\"' \u6771" * 9, "weight": {"base": 0.1, "traits": {t["id"]: (i * 7 + k) % 13 / 13 - 0.5
    for k, t in enumerate(traits)}}} for i in range(64)]}))
END
l rubric explain "$work/large.json" --svg "$work/pictures/w.svg"; status_is 0; err_empty; svg_has "$work/pictures/w.svg" "all others (57 criteria)"

# ---- files ----

claim "a picture replaces its file whole: the mode stays, a link stays a link, and nothing else is left"
chmod 640 "$work/pictures/w.svg"; ln -s w.svg "$work/pictures/link.svg"
l rubric explain "$rubric" --svg "$work/pictures/link.svg"; status_is 0
[ "$(stat -c %a "$work/pictures/w.svg")" = 640 ] || fail "the mode changed"
[ -L "$work/pictures/link.svg" ] || fail "the link is a file now"
svg_has "$work/pictures/w.svg" "31%"
[ "$(ls "$work/pictures")" = "$(printf 'a.svg\nlink.svg\nw.svg')" ] || fail "left over: $(ls "$work/pictures")"

claim "a file that can't be written is named, with status 3, nothing on standard output, and the old file as it was"
for path in "$work/none/x.svg" "$work" "$work/fake.log/x.svg"; do
	l rubric explain "$rubric" --svg "$path"; status_is 3; out_empty; err_has "--svg: $path: "
	sweep --svg "$path"; status_is 3; out_empty; err_has "--svg: $path: "
done
if [ -w /dev/full ]; then
	l rubric explain "$rubric" --svg /dev/full; status_is 3; out_empty; err_has "--svg: /dev/full: No space left on device"
	[ -c /dev/full ] || fail "/dev/full is no device any more"
	status=0; "$leadfit" rubric explain "$rubric" --svg - >/dev/full 2>"$work/err" || status=$?
	: >"$work/out"; status_is 3; err_has "can't write to standard output"
fi
(ulimit -f 4; trap '' XFSZ; "$leadfit" rubric explain "$rubric" --svg "$work/pictures/w.svg" >"$work/out" 2>"$work/err"; echo $? >"$work/status")
status=$(cat "$work/status"); status_is 3; out_empty; err_has "File too large"; svg_has "$work/pictures/w.svg" "31%"
[ "$(ls "$work/pictures")" = "$(printf 'a.svg\nlink.svg\nw.svg')" ] || fail "left over: $(ls "$work/pictures")"

claim "a picture can go through a pipe, and a reader that goes away ends it quietly"
l rubric explain "$rubric" --svg >(cat >"$work/piped.svg"); status_is 0; out_has "What counts"
for _ in $(seq 1200); do grep -q '</svg>' "$work/piped.svg" 2>/dev/null && break; sleep 0.05; done
svg_has "$work/piped.svg" "31%"
{ "$leadfit" rubric explain "$work/large.json" --svg - 2>"$work/err"; echo $? >"$work/status"; } | head -n 1 >"$work/out"
status=$(cat "$work/status"); err_empty; [ "$status" = 0 ] || [ "$status" = 141 ] || fail "odd status"

finish

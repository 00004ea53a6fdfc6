#!/bin/bash
# What became of decisions, and whether groups are treated alike: first with answers that the test gives, then with the service.
# Usage: people_test.sh LEADFIT FAKE_SERVER LEADFITD SOURCE_FOLDER
set -u
leadfit=$1
fake=$2
leadfitd=$3
source_folder=$4
. "$(dirname "$0")/assert.sh"

unset LEADFIT_TOKEN COLUMNS NO_COLOR
export LC_ALL=C.UTF-8
answers=$work/answers
mkdir "$answers"
export LEADFIT_SERVER=ipc://$work/fake
"$fake" "$LEADFIT_SERVER" "$answers" >"$work/fake.log" 2>&1 &
started+=($!)
wait_for "$work/fake.log" listening
l() { run "$leadfit" "$@"; }

# id NUMBER: a decision's id.
id() { printf '0196f0a4-8b6e-7c3d-9f21-%012d' "$1"; }
# exported SEQUENCE TEAM OUTCOME RECOMMENDED SCORE [MORE]: a decision about two people as Export gives it; a- has the score, b- half of it.
exported() {
	printf '{"sequence": "%s", "decision": {"decisionId": "%s", "team": {"id": "%s"}, "project": {"id": "p"}, "outcome": "%s",
 "recommended": "%s", "purpose": "DECISION"%s, "ranking": [
 {"candidate": "a-%s", "rank": 1, "score": %s, "eligible": true}, {"candidate": "b-%s", "rank": 2, "score": %s, "eligible": true}]}}' \
		"$1" "$(id "$1")" "$2" "$3" "$4" "${6-}" "$2" "$5" "$2" "$(awk "BEGIN { print $5 / 2 }")"
}
# recorded ID SEQUENCE DISPOSITION LEAD RESULT [REASON]
recorded() {
	printf '{"id": "%s", "decisionId": "%s", "disposition": "%s", "lead": "%s", "result": %s, "reason": "%s", "caller": "ann",
 "recordedAt": "2026-06-01T12:00:00Z"}' "$1" "$(id "$2")" "$3" "$4" "$5" "${6-}"
}
joined() { local IFS=,; echo "$*"; }

# ---- impact ----

cat >"$work/groups.csv" <<'END'
candidate,sex,race_ethnicity
a-t1,female,Asian
b-t1,male,White
a-t2,male,Asian
b-t2,female,White
a-t3,male,
absent,female,White
END
{
	printf '{"newestSequence": "9", "decisions": ['
	joined "$(exported 9 t1 RECOMMENDED a-t1 0.8)" "$(exported 8 t2 RECOMMENDED a-t2 0.6)" "$(exported 7 t1 RECOMMENDED b-t1 0.1)" \
		"$(exported 6 t3 TOO_CLOSE "" 0.4)" "$(exported 5 t4 RECOMMENDED a-t4 0.9 ', "redactions": ["pruned"]' | sed '/^ {/d; s/, "ranking": \[/}}/')"
	printf ']}'
} >"$answers/Export.reply"

claim "impact counts the latest decision of each rubric, team and project, and says what it is made of"
l audit impact --groups "$work/groups.csv"; status_is 0; err_empty
out_has "6 assessments of 6 people in 3 decisions, the latest of each rubric, team and project (1 earlier"
out_has "2 were selected: recommended. 2 have a score strictly above the median of all, 0.400"
out_has "1 person who was assessed is not in the file"; out_has "1 person in the"
out_has "1 decision is left out: "
out_has "By sex and race_ethnicity"
out_matches '^female +2 +1  0\.500  1\.000 .* ref'
out_matches '^male +3 +1  0\.333  0\.667 ! +1\.000 few +1  0\.333  0\.667 ! +1\.000 few'
out_has "1 assessment is left out: its category is not known."
out_has "6 RCNY 5-300"; out_has "29 CFR 1607.4(D)"

claim "the file's content never leaves this machine, and what a later decision replaced does not come back by a filter"
l audit impact --groups "$work/groups.csv" --team t1 --outcome too-close --candidate a-t3; status_is 0
file_has "$answers/Export.request" '"newestFirst":true'; file_has "$answers/Export.request" '"decisionsOnly":true'
file_has "$answers/Export.request" '"team":"t1"'
for word in female Asian a-t1 a-t3 TOO_CLOSE brief; do file_lacks "$answers/Export.request" "$word"; done
out_has "2 assessments of 2 people in 1 decision,"; out_has "0 were selected"; out_has "With one category there is nothing to"

claim "impact as JSON, CSV and SVG has the same numbers"
l audit impact --groups "$work/groups.csv" --output json; status_is 0; err_empty
out_has '"medianScore": 0.4'; out_has '"category": ["male"], "assessed": 3, "underTwoPercent": false'
out_has '"impactRatio": 0.6666666666666666, "belowFourFifths": true'
l audit impact --groups "$work/groups.csv" --csv - ; status_is 0
out_matches '^sex,male,3,no,1,0\.333+,0\.666+,yes,no,1,0\.[01]'; out_matches '^sex,\(unknown\),1,'; out_matches '^sex and race_ethnicity,"male, White",1,'
[ "$(awk -F'","|,' '{ print NF }' <(grep -v '"' "$work/out" | tr -d '\r') | sort -u | wc -l)" = 1 ] || fail "lines of CSV differ in length"
l audit impact --groups - --svg "$work/impact.svg" --csv "$work/impact.csv" <"$work/groups.csv"; status_is 0; out_has "By sex"
file_has "$work/impact.svg" "</svg>"; file_has "$work/impact.svg" "0.667 !"; file_has "$work/impact.csv" "dimension,category"
l audit impact --groups "$work/groups.csv" --svg -; out_matches '^<\?xml|^<svg'; out_lacks "How to read it"

claim "what is wrong with the arguments and the file is told"
l audit impact; status_is 2; err_has "audit impact needs --groups FILE"
l audit impact --groups "$work/none.csv"; status_is 2; err_has "No such file"
l audit impact --groups "$work/groups.csv" --svg - --csv -; status_is 2; err_has "both want standard output"
l audit impact --groups "$work/groups.csv" --csv - --output json; status_is 2; err_has "both want standard output"
l audit impact --groups "$work/groups.csv" --outcome nothing; status_is 2; err_has "--outcome: NOTHING is not"
printf 'candidate,sex\na,x\na,y\n' >"$work/twice.csv"
l audit impact --groups "$work/twice.csv"; status_is 2; out_empty; err_has "twice.csv: A3: candidate: a is there twice"
printf 'people:\n  - {candidate: a, categories: {sex: x}}\n  - {candidate: a, categories: {sex: X}}\n' >"$work/twice.yaml"
l audit impact --groups "$work/twice.yaml"; status_is 2; err_has "twice.yaml:3: people[1].candidate: a is there twice"; err_has "sex: \"x\" is one category with \"X\""
l audit impact --groups "$work/groups.csv" --svg "$work/none/x.svg"; status_is 3; err_has "--svg: "
l audit impact --groups "$work/groups.csv" --csv "$work/none/x.csv"; status_is 3; err_has "--csv: "

# ---- report ----

claim "the report gives rates with intervals, and says that results are too few instead of a number"
{
	printf '{"outcomes": ['
	joined "$(recorded 1 9 OVERRIDDEN b-t1 0 old)" "$(recorded 2 9 OVERRIDDEN b-t1 2 "on leave")" "$(recorded 3 8 ACCEPTED a-t2 5)" \
		"$(recorded 4 7 ACCEPTED b-t1 1)" "$(recorded 5 6 OVERRIDDEN elsewhere 3 "on leave")"
	printf ']}'
} >"$answers/ListOutcomes.reply"
l decisions report; status_is 0; err_empty
out_matches '^RECOMMENDED +3 +2 +1 +1 +50% \(9%-91%\) +50% \(9%-91%\)'
out_matches '^TOO_CLOSE +1 +1 +0 +1 +0% \(0%-79%\)'
out_matches '^all +4 +3 +1 +2 +33%'
out_has "1 x the second place"; out_has "1 x somebody who was no candidate"; out_has "2 x on leave"; out_lacks "old"
out_has "Too few: 2 results with the score of who led, at least 20 are needed."
out_has "1 more without a score"; out_has "Left out are the outcomes of 1 other"
out_matches '^0\.4\.\.0\.5 +1 +too few'
l decisions report --output json; status_is 0; out_has '"kendallTauB": null'; out_has '"resultsNeeded": 20'; out_has '"secondPlace": 1'
l decisions report --outcome too-close; status_is 0; out_lacks RECOMMENDED; out_matches '^all +1 +1'

claim "with enough results the report says whether a higher score goes with a better result"
decisions=(); outcomes=()
for i in $(seq 30); do
	decisions+=("$(exported "$i" "t$i" RECOMMENDED "a-t$i" "$(awk "BEGIN { print 0.3 + $i / 50 }")")")
	outcomes+=("$(recorded "$i" "$i" ACCEPTED "" $((1 + (i + i % 4) / 8)))")
done
{ printf '{"decisions": ['; joined "${decisions[@]}"; printf ']}'; } >"$answers/Export.reply"
{ printf '{"outcomes": ['; joined "${outcomes[@]}"; printf ']}'; } >"$answers/ListOutcomes.reply"
l decisions report --svg "$work/report.svg"; status_is 0; err_empty
out_has "Kendall's tau-b of score and result is 0."; out_has "over 30 results (95% interval 0."; out_has "score goes with a better result."
out_matches '^RECOMMENDED +30 +30 +30 +0 +100% \(89%-100%\) +0% \(0%-11%\)'
out_matches '^0\.5\.\.0\.6 +5 +[0-9]\.[0-9][0-9]$'; out_lacks "Overridden in favour of"
file_has "$work/report.svg" "</svg>"; file_has "$work/report.svg" "tau-b"
l decisions report --svg -; out_lacks "override (95%)"; out_has "</svg>"
l decisions report --output json; out_has '"overrideInterval": {"low": 0, "high": 0.11'

claim "what was decided under two rubrics is counted by each, and their scores are not put together"
others=(); rubric='"rubric": {"name": "lead"}, "purpose"'
for i in $(seq 31 40); do
	others+=("$(exported "$i" "t$((i - 30))" TOO_CLOSE "" 0.2 ', "rubric": {"name": "other"}')")
	outcomes+=("$(recorded "$i" "$i" OVERRIDDEN "a-t$((i - 30))" 5 "because")")
done
{ printf '{"decisions": ['; joined "${others[@]}" "${decisions[@]/\"purpose\"/$rubric}"; printf ']}'; } >"$answers/Export.reply"
{ printf '{"outcomes": ['; joined "${outcomes[@]}"; printf ']}'; } >"$answers/ListOutcomes.reply"
l decisions report --svg "$work/report.svg"; status_is 0; err_empty
out_matches '^all +40 +40 +30 +10'; out_matches '^lead +30 +30 +30 +0 +100% \(89%-100%\)'; out_matches '^other +10 +10 +0 +10 +0% \(0%-28%\)'
out_has "Everything else on this page counts 2 rubrics together; --rubric NAME counts one alone."
out_has "Not computed over 2 rubrics together: their scores are not comparable."
out_has "- lead: Kendall's tau-b of score and result is 0."; out_has "- other: Too few: 10 results"
out_matches '^any, accepted +30 '; out_lacks "0.5..0.6"
file_has "$work/report.svg" "Not computed over 2 rubrics"; file_lacks "$work/report.svg" "0.5..0.6"
l decisions report --output json; status_is 0
out_matches '^    \{"rubric": "lead", "decisions": 30, .*"calibration": \{$'; out_has '"text": "Not computed over 2 rubrics together'
[ "$(grep -c '"kendallTauB": null' "$work/out")" = 2 ] || fail "the rubric with enough results has no figure, or the others have one"
l decisions report --rubric lead; status_is 0; file_has "$answers/Export.request" '"rubric":"lead"'
l audit impact --groups "$work/groups.csv" --rubric lead; status_is 0; file_has "$answers/Export.request" '"rubric":"lead"'
out_has "80 assessments of 60 people in 40 decisions, the latest of each rubric, team and project. 30 were"
out_has "2 rubrics are counted together: each score is compared with the median under its own rubric."
out_has "- lead: median 0.405 of 60 assessments"; out_has "- other: median 0.150 of 20 assessments"; out_has "under the same rubric."
l audit impact --groups "$work/groups.csv" --output json; status_is 0; out_has '"medianScore": null'
out_has '"rubrics": [{"rubric": "lead", "assessed": 60, "medianScore": 0.405'
l audit impact --groups "$work/groups.csv" --svg -; out_has "assessments under several rubrics;"
l decisions report --rubric ""; status_is 2; err_has "--rubric is empty"

claim "a report about nothing says so"
echo '{}' >"$answers/Export.reply"; echo '{}' >"$answers/ListOutcomes.reply"
l decisions report; status_is 0; out_is "No decision matches."
l audit impact --groups "$work/groups.csv"; status_is 0; out_is "No decision matches."

# ---- outcome ----

claim "an outcome's options become the request"
{ printf '{"outcomes": ['; recorded 7 9 OVERRIDDEN b-t1 2 "on leave"; printf ']}'; } >"$answers/RecordOutcome.reply"
l decisions outcome "$(id 9)" --overridden --lead b-t1 --by "the head" --reason "on leave" --result 2; status_is 0; err_empty
out_matches '^2026-06-01 12:00 +ann +overridden +b-t1 +2 +on leave$'
file_has "$answers/RecordOutcome.request" '"disposition":"OVERRIDDEN","lead":"b-t1","overriddenBy":"the head","reason":"on leave","result":2'
l decisions outcome "$(id 9)" --result 4 --output json; status_is 0; out_has '"outcomes": ['
file_has "$answers/RecordOutcome.request" "{\"decisionId\":\"$(id 9)\",\"result\":4}"
l decisions outcome "$(id 9)" --accepted --overridden; status_is 2; err_has "exclude each other"
l decisions outcome "$(id 9)" --accepted --result 6; status_is 2; err_has "--result: 6 is not a whole number 1..5"
l decisions outcome "$(id 9)" --accepted --lead ""; status_is 2; err_has "--lead is empty"
l decisions outcome; status_is 2; err_has "decisions outcome needs ID"

# ---- the service ----

export LEADFIT_SERVER=ipc://$work/socket
"$leadfitd" --db "$work/log.db" --listen "$LEADFIT_SERVER" --rubric "$source_folder/service/rubrics/tech-lead.yaml" 2>"$work/daemon.log" &
started+=($!)
wait_for "$work/daemon.log" ready
value() { sed -n "s/^  \"$1\": \"\(.*\)\",\{0,1\}$/\1/p" "$work/out"; }
score() { l score --team "$source_folder/service/examples/team.yaml" --project "$source_folder/service/examples/project.yaml" --output json "$@"; }

claim "the service keeps every outcome, lists them in their order, and the last one holds"
score; status_is 0; decision=$(value decisionId); lead=$(value recommended)
[ -n "$lead" ] || fail "nobody is recommended"
l decisions outcome "$decision"; status_is 0; out_is "Nothing was recorded of what became of it."
l decisions outcome "$decision" --result 4; status_is 2; err_has "--accepted or --overridden: is required: nothing was recorded before"
l decisions outcome "$decision" --accepted; status_is 0; out_matches "local +accepted +$lead +-"
l decisions outcome "$decision" --result 4; status_is 0; out_matches "accepted +$lead +4"
l decisions outcome "$decision" --overridden --lead other --by boss --reason "for a change"; status_is 0
l decisions outcome "$decision"; status_is 0; [ "$(grep -c local "$work/out")" = 3 ] || fail "not three"; out_has "The last one holds."
out_matches 'overridden +other +- +boss +for a change$'
l decisions outcome "$decision" --output json; status_is 0; [ "$(grep -c '"recordedAt"' "$work/out")" = 3 ] || fail "not three"
l call Decisions/ListOutcomes '{"pageSize": 2}'; status_is 0; out_has '"next": "'

claim "everything wrong with an outcome is told at once, by option"
l decisions outcome "$decision" --overridden --lead "$lead"; status_is 2; out_empty
err_has "--lead: \"$lead\" is who was recommended: that is ACCEPTED"; err_has "--by: is required"; err_has "--reason: is required"
l decisions outcome "$decision" --accepted --lead other --by boss; status_is 2
err_has "that is OVERRIDDEN"; err_has "--by: stands beside ACCEPTED"
l decisions outcome "$decision" --lead other; status_is 2; err_has "--accepted or --overridden: is required"
l decisions outcome nonsense --accepted; status_is 2; err_has 'decisions outcome: "nonsense" is not a UUID'
l decisions outcome 00000000-0000-7000-8000-000000000000 --accepted; status_is 2; out_empty
l decisions outcome 00000000-0000-7000-8000-000000000000; status_is 2; out_empty
l call Decisions/RecordOutcome "{\"decisionId\": \"$decision\", \"disposition\": \"ACCEPTED\", \"result\": 6}"; status_is 2; err_has "result: 6 is outside 1..5"
score --what-if; what_if=$(value decisionId)
l decisions outcome "$what_if" --accepted; status_is 4; err_has "WHAT_IF"

claim "report and impact count what the service has"
l decisions report; status_is 0; err_empty; out_matches '^all +1 +1 +0 +1'; out_has "1 x for a change"
printf 'candidate,sex\n%s,female\n' "$lead" >"$work/one.csv"
l audit impact --groups "$work/one.csv"; status_is 0; err_empty; out_has " in 1 decision,"; out_has "With one category there is nothing to"

claim "who was erased counts as of unknown category, and neither report nor impact names them"
score --key again; again=$(value decisionId)
l decisions outcome "$again" --accepted --result 5; status_is 0
l decisions erase --candidate "$lead" --reason "they asked for it" --yes; status_is 0
l audit impact --groups "$work/one.csv"; status_is 0; out_has "1 decision has somebody who was erased since"; out_lacks "$lead"
out_has "1 was selected"; out_has "No category of those assessed is known."
l decisions report; status_is 0; out_lacks "$lead"; out_matches '^all +1 +1 +1 +0'; out_has "Too few: 1 result with the score"
l decisions outcome "$again"; status_is 0; out_lacks "$lead"; out_matches "accepted +erased-"
kill -TERM "${started[1]}"
wait "${started[1]}"; status=$?; status_is 0
unset 'started[1]'

claim "recording needs the role score, reading and reports the role read"
"$leadfit" token reader --roles read --token-out "$work/reader" >"$work/tokens"
"$leadfit" token scorer --roles score --token-out "$work/scorer" >>"$work/tokens"
chmod 600 "$work/tokens"
"$leadfitd" --db "$work/log.db" --listen "$LEADFIT_SERVER" --tokens "$work/tokens" 2>"$work/daemon2.log" &
started+=($!)
wait_for "$work/daemon2.log" ready
l decisions outcome "$again" --result 3 --token-file "$work/reader"; status_is 4; err_has "lacks the role score"
l decisions outcome "$again" --result 3 --token-file "$work/scorer"; status_is 0; out_has scorer
l decisions outcome "$again" --token-file "$work/reader"; status_is 0; out_matches "scorer +accepted"
l decisions report --token-file "$work/reader"; status_is 0; out_matches '^all +1 +1 +1'
l audit impact --groups "$work/one.csv" --token-file "$work/scorer"; status_is 4; err_has "lacks the role read"

finish

#!/bin/bash
# Teams in spreadsheets, as Excel, Google Sheets, LibreOffice and HR systems write them: read right, or refused by cell.
# Usage: sheets_test.sh LEADFIT LEADFITD
set -u
leadfit=$1
leadfitd=$2
. "$(dirname "$0")/assert.sh"

unset LEADFIT_TOKEN COLUMNS NO_COLOR
export LC_ALL=C.UTF-8
export LEADFIT_SERVER=ipc://$work/socket
l() { run "$leadfit" "$@"; }

cat >"$work/rubric.yaml" <<'END'
name: people
scale: {min: 1, max: 5}
sources: {PEER: 1}
disciplines: [{id: BACKEND, title: Back end}, {id: FRONTEND, title: Front end}]
criteria:
  - {id: architecture, title: Global perspective, weight: {base: 1}}
  - {id: interaction, title: User experience, weight: {base: 1}}
END
echo 'id: p' >"$work/p.yaml"

# The same team, as YAML.
cat >"$work/expected.yaml" <<'END'
id: team
members:
  - id: m-1
    discipline: BACKEND
    availability: 0.8
    evidence:
      - {criterion: architecture, rating: 4.5, source: PEER, observed_on: 2026-05-01, note: ok}
  - id: m-2
    discipline: FRONTEND
    evidence: [{criterion: interaction, rating: 4, source: PEER, observed_on: 2026-05-01, note: é}]
END
"$leadfit" convert "$work/expected.yaml" >"$work/expected"

# understood [OPTION]...: the file on standard input is that team.
understood() {
	cat >"$work/team.csv"
	l convert "$work/team.csv" --rubric "$work/rubric.yaml" "$@"; status_is 0
	cmp -s "$work/out" "$work/expected" || fail "another team: $(diff "$work/expected" "$work/out")"
}

claim "commas, semicolons and tabs, CRLF, LF and CR, with and without a byte order mark, are the same team"
rows() { printf 'id,discipline,availability,criterion,rating,source,observed_on,note\nm-1,BACKEND,0.8,architecture,4.5,PEER,2026-05-01,ok\nm-2,FRONTEND,,interaction,4,PEER,2026-05-01,é\n'; }
rows | understood; err_empty
rows | sed 's/$/\r/' | understood; err_empty
rows | tr '\n' '\r' | understood; err_empty
{ printf '\xef\xbb\xbf'; rows; } | understood; err_empty
rows | tr , ';' | understood; err_has "team.csv: note: cells are separated by semicolons"
rows | tr , '\t' | understood; err_has "cells are separated by tabs"
rows | tr , ';' | sed 's/4\.5/4,5/; s/0\.8/0,8/' | understood
rows | sed 's/$/,,,/' | understood; err_empty
rows | sed 's/\(.*\)/"\1"/; s/,/","/g' | understood; err_empty
rows | sed 's/,/ , /g' | understood; err_empty
{ echo sep=,; rows; } | understood; err_empty
{ printf 'sep=;\r\n'; rows | tr , ';'; } | understood
{ printf 'Skills of the team\n\n'; rows; } | understood; err_has "the headings are in row 3"
{ rows; printf ',,,,,,,\n\n'; } | understood; err_empty
rows | iconv -t windows-1252 | understood; err_has "team.csv: note: the text is not in UTF-8: it was read as Windows-1252"
{ printf '\xff\xfe'; rows | tr , '\t' | iconv -t utf-16le; } | understood; err_has "it was read as UTF-16"
rows | sed 's/2026-05-01/01.05.2026/' | understood --date-format DD.MM.YYYY; err_empty
rows | sed 's/2026-05-01/2026-05-01 00:00:00/' | understood; err_empty

claim "headings and names count in any case, by common synonyms and by title, in any order"
rows | sed 's/BACKEND/back-end/; s/FRONTEND/Front End/; s/PEER/Peer/; s/architecture/GLOBAL PERSPECTIVE/; 1s/.*/Employee ID,Role,FTE,Competency,Score,Rated by,Date,Comments/; s/0.8/80%/' | understood; err_empty
rows | awk -F, -v OFS=, '{ print $8, $7, $6, $5, $4, $3, $2, $1 }' | understood; err_empty

claim "a row may be a person, with a column for each criterion"
understood <<'END'
Employee;Discipline;FTE;Architecture;User experience;Source;Observed on;Note
m-1;Back end;0,8;4,5;;peer;2026-05-01;ok
m-2;Front end;;;4;peer;2026-05-01;é
END
err_has semicolons

claim "sheets of Excel and LibreOffice are the same team, with their dates, percentages, formulas and repetitions"
made() { python3 "$(dirname "$0")/make_sheet.py" "$1" "$work/$1" || fail "make_sheet.py $1"; }
for kind in team.xlsx 1904.xlsx team.ods; do
	made "$kind"
	l convert "$work/$kind" --rubric "$work/rubric.yaml" --team-id team; status_is 0
	cmp -s "$work/out" "$work/expected" || fail "$kind: another team: $(diff "$work/expected" "$work/out")"
done
err_has 'team.ods: note: the sheet "Team" was read; 1 more have cells'
run "$leadfit" convert - --rubric "$work/rubric.yaml" --team-id team <"$work/team.xlsx"; status_is 0; cmp -s "$work/out" "$work/expected" || fail "standard input"

claim "what is wrong with such a sheet is told, and nothing of it takes much memory"
made bad.xlsx; l convert "$work/bad.xlsx" --rubric "$work/rubric.yaml"; status_is 2; out_empty
err_has 'bad.xlsx: C2: rating: "#N/A" is not a number; expected is 1..5'; err_has 'the first sheet, "Sheet 1", was read; there are 3'
made wide.xlsx; l convert "$work/wide.xlsx" --rubric "$work/rubric.yaml"; status_is 2; err_has 'Z3: "x" is in a column without a heading'
made bomb.xlsx; l convert "$work/bomb.xlsx"; status_is 2; err_has "xl/worksheets/sheet1.xml: unpacks to more than 67108864 bytes"
made entities.xlsx; l convert "$work/entities.xlsx"; status_is 2; err_has "xl/sharedStrings.xml: has a document type"
made cells.xlsx; l convert "$work/cells.xlsx"; status_is 2; err_has "AMK1: a sheet has at most 1024 columns"
made text.xlsx; l convert "$work/text.xlsx"; status_is 2; err_has "A1: has a text that the file lacks"
made other.zip; l convert "$work/other.zip"; status_is 2; err_has "is a zip file, but no spreadsheet"
made rows.ods; l convert "$work/rows.ods"; status_is 0
made broken.ods; l convert "$work/broken.ods"; status_is 2; err_has "content.xml: is not valid XML"
head -c 500 "$work/team.ods" >"$work/cut.ods"; l convert "$work/cut.ods"; status_is 2; err_has "cut.ods: is a zip file that is damaged"
printf '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1' >"$work/old.xls"; l convert "$work/old.xls"; status_is 2; err_has "is an old Excel file, or has a password"

claim "what can't be understood is named by cell, with what is expected, all at once"
cat >"$work/bad.csv" <<'END'
id,discipline,rating,criterion,observed_on
m-1,Backend,7,architecture,2026-05-01
m-2,Frontent,four,design,5/1/2026
END
l convert "$work/bad.csv" --rubric "$work/rubric.yaml"; status_is 2; out_empty
err_has "bad.csv: C2: rating: 7 is outside 1..5"
err_has 'bad.csv: B3: discipline: "Frontent" is not a discipline of this rubric; nearest: FRONTEND'
err_has 'bad.csv: D3: criterion: "design" is not a criterion of this rubric; known: architecture (Global perspective), interaction (User experience)'
err_has 'bad.csv: C3: rating: "four" is not a number; expected is 1..5'
err_has 'bad.csv: E3: observed_on: "5/1/2026" is not a date as 2026-05-01; --date-format says how dates are written'
l convert "$work/team.csv" --date-format %d; status_is 2; err_has "--date-format: %d"

claim "without a service and a rubric's file names are taken as they stand, which is said; a column for a criterion needs them"
rows >"$work/team.csv"
l convert "$work/team.csv"; status_is 0; cmp -s "$work/out" "$work/expected" || fail "another team"; err_has "the rubric's names are not known here"
printf 'id,architecture\nm-1,3\n' >"$work/wide.csv"
l convert "$work/wide.csv"; status_is 2; err_has 'wide.csv: B1: unknown column "architecture"'

claim "ids that look alike are warned about, in a sheet and in YAML"
printf 'id\nm-10\nm-1O\n' >"$work/alike.csv"
l convert "$work/alike.csv" --rubric "$work/rubric.yaml"; status_is 0; err_has 'note: the id "m-1O" (A3) looks like "m-10" (A2): are they one person?'
printf 'id: t\nmembers:\n  - id: "m-1"\n  - id: "m-1\\u200B"\n  - id: "m\\u202E-1"\n' >"$work/alike.yaml"
l convert "$work/alike.yaml"; status_is 0; err_has 'the id "m-1?" (line 4) looks like "m-1" (line 3)'; err_has 'the id "m?-1" (line 5) looks like'
out_has '"m-1\u200b"'; out_has '"m\u202e-1"'

"$leadfitd" --db "$work/log.db" --listen "$LEADFIT_SERVER" --rubric "$work/rubric.yaml" 2>"$work/daemon.log" &
started+=($!)
wait_for "$work/daemon.log" ready

claim "score, profile and convert take the names of the service's rubric"
cat >"$work/wide.csv" <<'END'
Employee;Discipline;Global perspective;interaction
m-1;back end;4,5;3
m-2;FRONTEND;2;4
END
l score --team "$work/wide.csv" --project "$work/p.yaml" --what-if --output json; status_is 0; out_has '"candidate": "m-1"'; err_has semicolons
l convert "$work/wide.csv"; status_is 0; out_has "discipline: BACKEND"; out_has "{criterion: architecture, rating: 4.5}"
l profile --project "$work/p.yaml" --team "$work/wide.csv"; status_is 0
run "$leadfit" score --team - --team-id t --project "$work/p.yaml" --what-if <"$work/wide.csv"; status_is 0
l score --team "$work/wide.csv" --project "$work/p.yaml" --rubric none; status_is 2; err_has none

claim "what only the service can judge is named by cell, too"
printf 'id,criterion,rating,observed_on\nm-1,architecture,3,2026-05-01\n,interaction,3,2099-01-01\n' >"$work/late.csv"
l score --team "$work/late.csv" --project "$work/p.yaml" --what-if; status_is 2; err_has "late.csv: D3: observed_on: "

claim "a sheet with a column team has several teams: --team-id says which, and convert gives each"
cat >"$work/teams.csv" <<'END'
team,id,discipline,architecture
pay,m-1,Backend,4
pay,m-2,Frontend,
shop,m-1,Backend,2
,m-3,Backend,5
pay,m-2,,3
END
l convert "$work/teams.csv" --output json; status_is 0; err_empty; cp "$work/out" "$work/teams.ndjson"
out_matches '^\{"id":"pay","members":\[\{"id":"m-1".*"m-2".*"rating":3\}\]\}\]\}$'; out_matches '^\{"id":"shop","members":\[\{"id":"m-1".*\{"id":"m-3"'
[ "$(wc -l <"$work/out")" = 2 ] || fail "lines"
l batch --cross "$work/teams.ndjson" "$work/p.yaml" --what-if; status_is 0; out_has '"team":"pay"'; out_has '"team":"shop"'
l convert "$work/teams.csv"; status_is 0; [ "$(grep -c '^---$' "$work/out")" = 2 ] || fail "documents"
l convert "$work/teams.csv" --team-id shop; status_is 0; out_has "id: shop"; out_lacks m-2
l score --team "$work/teams.csv" --project "$work/p.yaml" --what-if; status_is 2; err_has "teams.csv: has 2 teams, pay, shop: --team-id says which"
l score --team "$work/teams.csv" --team-id shop --project "$work/p.yaml" --what-if --output json; status_is 0; out_has '"id": "shop"'
sed -i 's/2$/9/; s/Frontend/Frontent/' "$work/teams.csv"
l convert "$work/teams.csv"; status_is 2; err_has "C3: discipline:"; err_has "D4: architecture: 9 is outside 1..5"
printf 'team,id\npay,m-1\n' >"$work/one.csv"; l convert "$work/one.csv"; status_is 0; out_has "id: pay"
printf 'team,id\n,m-1\n' >"$work/none.csv"; l convert "$work/none.csv"; status_is 2; err_has "A2: team is empty"
printf 'team,name\na,x\nb,y\n' >"$work/none.csv"; l convert "$work/none.csv"; status_is 2; [ "$(grep -c 'no column is named id' "$work/err")" = 1 ] || fail "headings are told once"

claim "100,000 people are refused for what they are"
{ echo id,discipline; seq -f 'm-%.0f,BACKEND' 0 99999; } >"$work/many.csv"
l score --team "$work/many.csv" --project "$work/p.yaml" --what-if; status_is 2; out_empty
err_has "many.csv: members: has 100000 entries; allowed are at most 1000"

claim "with --ignore-undeclared, columns and names that are not known are left out, and that is said"
printf 'id,discipline,Salary,architecture\nm-1,Zookeeping,1000,3\n' >"$work/more.csv"
l score --team "$work/more.csv" --project "$work/p.yaml" --what-if; status_is 2; err_has 'more.csv: C1: unknown column "Salary"'
l score --team "$work/more.csv" --project "$work/p.yaml" --what-if --ignore-undeclared; status_is 0
err_has 'column "Salary" is left out'; out_has Zookeeping

finish

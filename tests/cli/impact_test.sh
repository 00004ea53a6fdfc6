#!/bin/bash
# Whether groups are treated alike, in cases with a known answer: whole, from the requests to the page.
# Usage: impact_test.sh LEADFIT LEADFITD
set -u
leadfit=$1
leadfitd=$2
. "$(dirname "$0")/assert.sh"

unset LEADFIT_TOKEN COLUMNS NO_COLOR
export LC_ALL=C.UTF-8
l() { run "$leadfit" "$@"; }

# A score is the one rating, 0 to 1.
cat >"$work/rubric.yaml" <<'END'
name: flat
scale: {min: 0, max: 1}
criteria:
  - {id: c, weight: {base: 1}}
END

# decide: a service of its own that has answered these requests, "TEAM MEMBER RATING" a line, the lines of a team together.
served=0
decide() {
	served=$((served + 1))
	export LEADFIT_SERVER=ipc://$work/socket$served
	"$leadfitd" --db "$work/log$served.db" --listen "$LEADFIT_SERVER" --rubric "$work/rubric.yaml" 2>"$work/daemon$served.log" &
	started+=($!)
	wait_for "$work/daemon$served.log" ready
	awk '$1 != team { if (team != "") print end; team = $1; printf "{\"team\": {\"id\": \"%s\", \"members\": [", team; comma = "" }
		{ printf "%s{\"id\": \"%s\", \"evidence\": [{\"criterion\": \"c\", \"rating\": %s}]}", comma, $2, $3; comma = ", " }
		BEGIN { end = "]}, \"project\": {\"id\": \"p\"}}" } END { print end }' >"$work/requests.ndjson"
	l batch "$work/requests.ndjson"; status_is 0
}
# members FIRST LAST TEXT: a line "m-NUMBER,TEXT" for each.
members() { seq -f "m-%.0f,$3" "$1" "$2"; }

claim "a rate of 0 beside others is a rate: its ratio is 0, below four fifths"
{
	for i in $(seq 0 16); do
		if [ "$i" -lt 12 ]; then echo "t-$i m-$((30 + i)) 1"; else echo "t-$i m-$((60 + i - 12)) 1"; fi
		for who in $(seq 0 29) $(seq 42 59); do [ $((who % 17)) = "$i" ] && echo "t-$i m-$who 0"; done
	done
} >"$work/people"
decide <"$work/people"
{ echo candidate,g; members 0 29 A; members 30 59 B; members 60 64 C; } >"$work/groups.csv"
l audit impact --groups "$work/groups.csv"; status_is 0; err_empty
out_has "65 assessments of 65 people in 17 decisions"
out_matches '^A +30 +0  0\.000  0\.000 ! +<0\.001 +0  0\.000  0\.000 ! +<0\.001$'
out_matches '^B +30 +12  0\.400  0\.400 ! +0\.019 +12  0\.400  0\.400 ! +0\.019$'
out_matches '^C +5 +5  1\.000  1\.000 +ref +5  1\.000  1\.000 +ref$'

claim "a score that is above the median by rounding alone is not above it"
printf 't m-0 0.30000000000000004\nt m-1 0.3\nt m-2 0.3\nt m-3 0.3\n' >"$work/people"
decide <"$work/people"
{ echo candidate,g; members 0 1 A; members 2 3 B; } >"$work/groups.csv"
l audit impact --groups "$work/groups.csv"; status_is 0
out_has "0 have a score strictly above the median of all, 0.300."

# The example of 6 RCNY 5-301(d): 28, 40, 32, 8 and 24 applicants; the two groups that it does not give are such that half of all are above.
claim "the published example of scoring rates comes out"
{
	echo candidate,race_ethnicity >"$work/groups.csv"
	first=0
	while IFS=: read -r group assessed above; do
		members "$first" $((first + assessed - 1)) "$group" >>"$work/groups.csv"
		for i in $(seq 1 "$assessed"); do echo "t m-$((first + i - 1)) $([ "$i" -le "$above" ] && echo 1 || echo 0)"; done
		first=$((first + assessed))
	done <<-END
		Hispanic or Latino:28:18
		White (Not Hispanic or Latino):40:15
		Black or African American:32:16
		Native Hawaiian or Pacific Islander:8:5
		Asian:24:10
		Native American or Alaska Native:16:10
		Two or More Races:20:10
	END
} >"$work/people"
decide <"$work/people"
l audit impact --groups "$work/groups.csv"; status_is 0; err_empty
out_has "168 assessments of 168 people in 1 decision"; out_has "84 have a score strictly above the median"
out_matches '^Hispanic or Latino +28 .* 18  0\.643  1\.000 +ref$'
out_matches '^White .* 40 .* 15  0\.375  0\.583 !'
out_matches '^Black .* 32 .* 16  0\.500  0\.778 !'
out_matches '^Native Hawaiian .* 8 .* 5  0\.625  0\.972  '
out_matches '^Asian +24 .* 10  0\.417  0\.648 !'
out_has "Nobody was selected: so there is no ratio."; out_lacks "Nobody is above"

claim "who was selected, and is of a category too small for a ratio, is not nobody"
decide < <(awk 'BEGIN { print "t m-60 1"; for (i = 0; i < 60; i++) print "t m-" i, 0 }')
{ echo candidate,g; members 0 29 A; members 30 59 B; members 60 60 C; } >"$work/groups.csv"
l audit impact --groups "$work/groups.csv"; status_is 0; err_empty
out_has "1 was"; out_lacks "Nobody"
tr '\n' ' ' <"$work/out" >"$work/line"
file_has "$work/line" "Of the categories that can have a ratio nobody was selected, so there is none; C was, and is under 2%."
file_has "$work/line" "Of the categories that can have a ratio nobody is above the median, so there is none; C is, and is under 2%."
l audit impact --groups "$work/groups.csv" --small-too; status_is 0; out_lacks "nobody"; out_matches '^C +1 +1  1\.000  1\.000 '
sed -i '/^m-60,/d' "$work/groups.csv"
l audit impact --groups "$work/groups.csv"; status_is 0
tr '\n' ' ' <"$work/out" >"$work/line"
file_has "$work/line" "Nobody whose category is known was selected: so there is no ratio."
file_has "$work/line" "Nobody whose category is known is above the median: so there is no ratio."

# Eight people with different scores, for what follows.
decide < <(awk 'BEGIN { for (i = 0; i < 8; i++) print "t m-" i, 1 - i / 10 }')

claim "the CSV of the tables has no cell that a spreadsheet takes for a formula"
printf 'candidate,+sex\nm-0,=1+1\nm-1,@x\nm-2,"a ""b"", c"\n' >"$work/groups.csv"
l audit impact --groups "$work/groups.csv" --csv -; status_is 0; err_empty
out_matches "^'\+sex,'=1\+1,1,"; out_matches "^'\+sex,'@x,1,"; out_has "'+sex,\"a \"\"b\"\", c\",1,"; out_matches "^'\+sex,\(unknown\),5,"

l audit impact --groups "$work/groups.csv" --csv - --excel; status_is 0; [ "$(head -c 12 "$work/out")" = $'\xef\xbb\xbfdimension' ] || fail "no byte order mark"
l audit impact --groups "$work/groups.csv" --excel; status_is 2; err_has "--excel goes with --csv only"

claim "a file that is not in UTF-8 is read as Windows-1252, which is said, and written in UTF-8"
{ printf 'candidate,sex\n'; for i in 0 2 4 6; do printf 'm-%s,M\xe4nnlich\nm-%s,Weiblich\n' "$i" $((i + 1)); done; } >"$work/latin.csv"
l audit impact --groups "$work/latin.csv"; status_is 0; out_matches '^Männlich +4 '; err_has "latin.csv: note: the text is not in UTF-8: it was read as Windows-1252"
l audit impact --groups "$work/latin.csv" --csv -; status_is 0; iconv -f utf-8 -t utf-8 "$work/out" >/dev/null || fail "the CSV is not UTF-8"; out_matches '^sex,Männlich,4,'
printf 'candidate,sex\nm-0,M\x81nnlich\n' >"$work/latin.csv"
l audit impact --groups "$work/latin.csv"; status_is 2; out_empty; err_has "latin.csv: line 2: is text neither in UTF-8 nor in Windows-1252 (it has the byte 0x81)"

claim "spellings that differ only in case, composition and white space are one category, as it was first written"
{ echo candidate,sex; for i in 0 2 4 6; do printf 'm-%s,Äthiopisch\nm-%s,äthiopisch\n' "$i" $((i + 1)); done; } >"$work/groups.csv"
l audit impact --groups "$work/groups.csv"; status_is 0; out_matches '^Äthiopisch +8 '; out_lacks 'äthiopisch'
err_has 'groups.csv: note: sex: "Äthiopisch" is one category with "äthiopisch"'
printf 'candidate,sex\nm-0,Caf\xc3\xa9\nm-1,Cafe\xcc\x81\nm-2,Caf\xc3\xa9\xc2\xa0\nm-3,CAF\xc3\x89\n' >"$work/groups.csv"
l audit impact --groups "$work/groups.csv"; status_is 0; out_matches '^Café +4 '
printf 'candidate,sex\nm-0,Männlich\n' >"$work/utf8.csv"
l audit impact --groups "$work/utf8.csv"; status_is 0; out_matches '^Männlich +1 '

claim "what is left empty in YAML is not known, as in CSV"
cat >"$work/groups.yaml" <<'END'
people:
  - {candidate: m-0, categories: {sex: Female}}
  - {candidate: m-1, categories: {sex: Male}}
  - {candidate: m-2, categories: {sex: }}
  - {candidate: m-3, categories: {sex: ~}}
  - {candidate: m-4, categories: {sex: Female}}
  - {candidate: m-5, categories: {sex: Male}}
  - {candidate: m-6, categories: {sex: ""}}
  - {candidate: m-7, categories: {sex: unknown}}
END
l audit impact --groups "$work/groups.yaml"; status_is 0; err_empty
out_matches '^Female +2 '; out_matches '^Male +2 '; out_has "4 assessments are left out: their category is not known."

claim "--unknown says which other words mean that a category is not known"
printf 'candidate,sex\nm-0,Female\nm-1,Male\nm-2,N/A\nm-3,Prefer not to say\nm-4,-\nm-5,n/a \nm-6,Female\nm-7,Male\n' >"$work/groups.csv"
l audit impact --groups "$work/groups.csv" --unknown N/A --unknown - --unknown "prefer not to say"; status_is 0; err_empty
out_matches '^Female +2 '; out_matches '^Male +2 '; out_lacks "N/A"; out_lacks "Prefer"; out_has "4 assessments are left out: their category is not known."
l audit impact --groups "$work/groups.csv" --unknown N/A --output json; status_is 0; out_has '"unknown": 2,'; out_has '["Prefer not to say"]'
err_has "sex: is \"Prefer not to say\" a category? If it means that it is not known, say --unknown 'Prefer not to say'"; err_lacks N/A
l audit impact --groups "$work/groups.csv" --unknown ""; status_is 2; err_has "--unknown is empty"

claim "a list in a pipe has whole ids, whatever COLUMNS says"
decide <<<"payments-platform-of-the-north m-1 1"
COLUMNS=40 l decisions list; status_is 0
out_matches '^[0-9-]+ [0-9:]+  [0-9a-f-]{36}  payments-platform-of-the-north  p +m-1$'

finish

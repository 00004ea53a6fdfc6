#!/bin/bash
# 40 spreadsheets made by LibreOffice of two teams, a row a piece of evidence and a row a person: .xlsx, .ods, and CSV by three separators, in
# three encodings, with few quotes and with all. Each is read as the team that it is. Needs libreoffice-calc; takes minutes.
# Usage: libreoffice.sh LEADFIT
set -u
leadfit=$(realpath "$1")
. "$(dirname "$0")/assert.sh"
command -v soffice >/dev/null || { echo "skipped: there is no soffice (libreoffice-calc)"; exit 77; }
export LC_ALL=C.UTF-8 HOME=$work
cd "$work" || exit 1

cat >rubric.yaml <<'END'
name: people
scale: {min: 1, max: 5}
sources: {PEER: 1}
disciplines: [{id: BACKEND, title: Back end}, {id: FRONTEND, title: Front end}]
criteria: [{id: architecture, title: Global perspective, weight: {base: 1}}, {id: interaction, title: User experience, weight: {base: 1}}]
END
cat >long.csv <<'END'
Employee ID,Role,FTE,Competency,Score,Rated by,Date,Comments
m-1,Back end,0.8,Global perspective,4.5,Peer,2026-05-01,"Größe, ""gut""; ja"
m-1,,,User experience,3,Peer,2026-05-02,
0042,front end,,User experience,4,PEER,2026-05-01,é
END
cat >wide.csv <<'END'
Member,Discipline,Availability,Architecture,Interaction,Observed on,Note
m-1,BACKEND,0.8,4.5,3,2026-05-01,Größe
m-2,FRONTEND,1,,4,2026-05-02,
END
for team in long wide; do "$leadfit" convert $team.csv --rubric rubric.yaml >$team.yaml || fail "$team.csv"; done

spreadsheets=0
# check FOLDER ENDING NAME
check() {
	for team in long wide; do
		spreadsheets=$((spreadsheets + 1))
		run "$leadfit" convert "$1/$team.$2" --rubric rubric.yaml; status_is 0
		cmp -s out $team.yaml || fail "$3, $team: $(diff $team.yaml out)"
	done
}
# convert FOLDER FILTER
convert() {
	soffice --headless --infilter="CSV:44,34,76,1,1/2/2/1/3/1/4/1/5/1/6/1/7/1/8/2,1033,false,true" --convert-to "$2" --outdir "$1" long.csv wide.csv >soffice.log 2>&1 </dev/null ||
		fail "soffice: $(cat soffice.log)"
}

claim "Excel's and LibreOffice's own"
for ending in xlsx ods; do convert $ending $ending; check $ending $ending $ending; done
claim "CSV by every separator, in every encoding"
for separator in 44 59 9; do
	for encoding in 76 1 65535; do
		for quoted in false true; do
			name=csv-$separator-$encoding-$quoted
			convert "$name" "csv:Text - txt - csv (StarCalc):$separator,34,$encoding,1,,1033,$quoted,true"
			check "$name" csv "$name"
		done
	done
done
echo "$spreadsheets spreadsheets"
finish

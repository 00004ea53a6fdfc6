#!/bin/bash
# The life of rubrics as its users meet it: the first default, putting, activating, deactivating, and what is refused.
# Usage: rubrics_test.sh LEADFIT LEADFITD SOURCE_FOLDER
set -u
leadfit=$1
leadfitd=$2
source_folder=$3
. "$(dirname "$0")/assert.sh"

unset LEADFIT_TOKEN COLUMNS NO_COLOR
export LC_ALL=C.UTF-8 LEADFIT_SERVER=ipc://$work/socket
team=$source_folder/service/examples/team.yaml
project=$source_folder/service/examples/project.yaml
rubric=$source_folder/service/rubrics/tech-lead.yaml

# start DB [OPTION]...: the service on this log.
start() {
	: >"$work/daemon.log" # the last one's "ready" is not this one's
	"$leadfitd" --db "$work/$1" --listen "$LEADFIT_SERVER" --log text "${@:2}" 2>"$work/daemon.log" &
	started=($!)
	wait_for "$work/daemon.log" ready
}
stop() {
	kill -TERM "${started[0]}"
	wait "${started[0]}"
	started=()
}
l() { run "$leadfit" "$@"; }
# digest_of FILE: the digest that the service gives it.
digest_of() { "$leadfit" rubric check "$1" --output json | sed -n 's/.*"digest": "\(.*\)".*/\1/p'; }
# answers DIGEST: a request that names no rubric gets that version.
answers() { l score --team "$team" --project "$project" --what-if --output json; status_is 0; out_has "\"digest\": \"$1\""; }
refused() { l score --team "$team" --project "$project"; status_is 4; out_empty; err_has "$1"; }

sed -e 's/^title: .*/title: A second version/' "$rubric" >"$work/second.yaml"
sed -e 's/^name: .*/name: own/' "$rubric" >"$work/own.yaml"

claim "leadfitd --db alone answers: an empty log gets the built-in rubric"
start built-in.db
first=$(digest_of "$rubric") second=$(digest_of "$work/second.yaml") own=$(digest_of "$work/own.yaml")
file_has "$work/daemon.log" "rubric tech-lead ${first:0:12} from this program: stored, active, and the default"
answers "$first"
l rubric list; status_is 0; out_matches "^tech-lead +default +${first:0:12} .* leadfitd "
l rubric list --output json; status_is 0; out_has '"defaultName": "tech-lead"'
l rubric default; status_is 0; out_is "tech-lead $first"
l rubric default --output json; status_is 0; out_has '"to": "tech-lead"'
l rubric show --output json; status_is 0; out_has '"isDefault": true'
l rubric show; out_has "Active, the default rubric"
stop

claim "--rubric on a log that has a default makes no difference to callers, and says what would"
start built-in.db --rubric "$work/second.yaml" --rubric "$work/own.yaml" --rubric "$rubric"
file_has "$work/daemon.log" "rubric tech-lead ${second:0:12} from $work/second.yaml: stored, not active (leadfit rubric activate ${second:0:12} makes it so)"
file_has "$work/daemon.log" "rubric own ${own:0:12} from $work/own.yaml: stored, not active (leadfit rubric activate ${own:0:12} makes it so)"
file_has "$work/daemon.log" "rubric tech-lead ${first:0:12} from $rubric: known, active"
answers "$first"
l rubric show own; status_is 2; err_has 'no rubric "own" is active'
stop

claim "the first --rubric of an empty log becomes active and the default, a second does not"
start own.db --rubric "$work/own.yaml" --rubric "$rubric"
file_has "$work/daemon.log" "own ${own:0:12} from $work/own.yaml: stored, active, and the default"
file_has "$work/daemon.log" "tech-lead ${first:0:12} from $rubric: stored, not active"
answers "$own"

claim "putting makes no difference to anybody"
l rubric put "$work/second.yaml"; status_is 0; err_empty; out_has ": stored"; out_has "It is not active. To make it so: leadfit rubric activate ${second:0:12}"
answers "$own"
l score --rubric tech-lead --team "$team" --project "$project"; status_is 2; err_has 'no rubric "tech-lead" is active'
l rubric put --activate "$rubric"; status_is 0; out_has "was stored already"; out_has "It is the active version now."
answers "$own"
l rubric put --activate "$work/second.yaml" --output json; status_is 0; out_lacks '"added"'; out_has '"activated": true'; out_has "\"digest\": \"$first\""
l rubric put --activate "$rubric"; out_has "It is the active version now, instead of ${second:0:12}"; out_has "To go back: leadfit rubric activate ${second:0:12}"
l rubric put --activate "$rubric"; out_has "It is the active version."

claim "a name, a file or a digest is activated"
l rubric activate tech-lead; status_is 0; out_has "tech-lead: ${second:0:12} is the active version now, instead of ${first:0:12}"
l rubric activate "$rubric"; status_is 0; out_has "${first:0:12} is the active version now"
l rubric activate - <"$work/second.yaml"; status_is 0; out_has "${second:0:12} is the active version now"
l rubric activate "tech-lead@${first:0:12}"; status_is 0; out_has "${first:0:12} is the active version now"
l rubric activate "${second:0:8}" --rubric tech-lead; status_is 0; out_has "${second:0:12} is the active version now"
l rubric activate "$rubric" --rubric own; status_is 2; out_empty; err_has "--rubric own: $rubric is a version of tech-lead"
sed -e 's/^title: .*/title: A third version/' "$rubric" >"$work/third.yaml"
l rubric activate "$work/third.yaml"; status_is 2; out_empty
err_has "$work/third.yaml: this version is not stored: leadfit rubric put --activate $work/third.yaml stores it and makes it active"
l rubric activate tech-laed; status_is 2; out_empty; err_has 'no rubric "tech-laed" is stored; nearest: tech-lead'
l rubric activate nothing.yaml; status_is 2; out_empty; err_has "nothing.yaml: No such file"
printf 'name: [' >"$work/bad.yaml"; l rubric activate "$work/bad.yaml"; status_is 2; out_empty; err_has "bad.yaml:"
l rubric activate ""; [ "$status" = 2 ] || fail "an empty name"; out_empty
l call Rubrics/Activate '{}'; status_is 2; err_has "digest: is required where no name is given"

claim "the default is set, told and kept; it needs an active version"
l rubric default tech-lead; status_is 0; err_empty; out_has "tech-lead is the default rubric now, instead of own"; out_has "To go back: leadfit rubric default own"
answers "$second"
l rubric default tech-lead; status_is 0; out_is "tech-lead is the default rubric already"
l rubric default tech-lead --output json; status_is 0; out_lacks '"changed"'
l rubric default tech-laed; status_is 4; out_empty; err_has 'no rubric "tech-laed" is active; nearest: tech-lead'
l rubric default ""; [ "$status" = 2 ] || fail "an empty name"; out_empty; err_has "an operand is empty"
stop; start own.db; answers "$second"

claim "a deactivated rubric is out of use until it is activated again, the default among them"
l rubric deactivate own; status_is 0; err_empty; out_has "own has no active version any more; ${own:0:12} was active"; out_has "To go back: leadfit rubric activate ${own:0:12}"
l rubric deactivate own; status_is 0; out_is "own had no active version"
l rubric deactivate onw; status_is 2; out_empty; err_has 'no rubric "onw" is stored; nearest: own'
answers "$second"
l rubric deactivate tech-lead --output json; status_is 0; out_has '"isDefault": true'; out_has '"changed": true'
refused 'the default rubric "tech-lead" has no active version: give it one (leadfit rubric activate tech-lead)'
l rubric list; status_is 0; out_matches "^tech-lead +no "; out_has "The default rubric tech-lead has no active version"
l rubric default; status_is 1; out_has "The default rubric tech-lead has no active version"
stop; start own.db --rubric "$rubric"
file_has "$work/daemon.log" 'the default rubric "tech-lead" has no active version: give it one'
file_has "$work/daemon.log" "known, not active (leadfit rubric activate ${first:0:12} makes it so)"
refused 'the default rubric "tech-lead" has no active version'
l rubric activate own; status_is 0; refused "active are: own"
l rubric default own; status_is 0; answers "$own"

claim "who did what, when, is told"
l rubric history; status_is 0
out_matches "default +own +tech-lead +own +local$"
out_matches "default +own +- +own +local$"
out_matches "deactivated +tech-lead +${second:0:12} +- +local$"
out_matches "activated +own +- +${own:0:12} +local$"
[ "$(grep -cE '^20' "$work/out")" = 15 ] || fail "not 15 acts"
sort -r "$work/out" | grep '^20' | cut -c1-19 >"$work/sorted"; grep '^20' "$work/out" | cut -c1-19 | cmp -s - "$work/sorted" || fail "not newest first"
l rubric history own --output json; status_is 0; out_has '"defaults": ['; out_has '"changedBy": "local"'; out_lacks '"to": ""'
l rubric history own; out_lacks "deactivated  tech-lead"
l decisions verify; status_is 0
stop
run "$leadfitd" verify --db "$work/own.db"; status_is 0; out_matches "findings +0"

claim "a log of the release before gets its only active rubric as its default"
cp "$source_folder/tests/storage/old/schema-2.db" "$work/old.db"
chmod 600 "$work/old.db"
start old.db
file_has "$work/daemon.log" "the decision log is of an older release"
file_has "$work/daemon.log" "tech-lead is the default rubric from now on: it is the only active one"
l rubric history; status_is 0; out_matches "default +tech-lead +- +tech-lead +leadfitd$"
l rubric default; status_is 0; out_matches "^tech-lead ad691e2de01c"
answers "$(sed -n 's/^tech-lead //p' "$work/out")"
l decisions verify; status_is 0
stop

claim "a rubric that can't be used is told before a log and a key are made"
mkdir "$work/clean"
sed '0,/first: be/s//first: fe/' "$rubric" >"$work/fails.yaml"
for file in /no/such.yaml "$work/bad.yaml" "$work/fails.yaml" "$work"; do
	run "$leadfitd" --db "$work/clean/c.db" --listen "ipc://$work/clean/s" --rubric "$file"; status_is 2; out_empty
	[ -z "$(ls "$work/clean")" ] || fail "$file: $(ls "$work/clean")"
done
run "$leadfitd" --db "$work/clean/c.db" --listen "ipc://$work/clean/s" --rubric /no/such.yaml
[ "$(cat "$work/err")" = "leadfitd: /no/such.yaml: No such file or directory" ] || fail "not said once"
finish

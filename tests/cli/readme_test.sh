#!/bin/bash
# Every output in a README is what the commands really print, apart from ids, times and digests.
# Usage: readme_test.sh LEADFIT LEADFITD SOURCE_FOLDER README [--update]
# README is client/README.md, say. --update writes the real outputs into the README instead of comparing.
#
# A block is fenced by ```console and ```; in it each line "$ COMMAND" is run by bash in service/examples, and the lines up
# to the next one are its output.
set -u
leadfit=$(realpath "$1")
leadfitd=$(realpath "$2")
source_folder=$(realpath "$3")
update=${5-}
. "$(dirname "$0")/assert.sh"
readme=$source_folder/$4
[ -f "$readme" ] || { echo "$readme: no such file"; exit 1; }

unset LEADFIT_TOKEN COLUMNS NO_COLOR
export LC_ALL=C.UTF-8 LEADFIT_SERVER=ipc://$work/socket TMPDIR=$work
mkdir "$work/bin"
ln -s "$leadfit" "$work/bin/leadfit"
PATH=$work/bin:$PATH
"$leadfitd" --db "$work/log.db" --listen "$LEADFIT_SERVER" --rubric "$source_folder/service/rubrics/tech-lead.yaml" \
	2>"$work/daemon.log" &
started+=($!)
wait_for "$work/daemon.log" ready
cd "$source_folder/service/examples" || exit 1

claim "every output in the README is real"
in_block=""
while IFS= read -r line; do
	case $in_block$line in
	'```console') in_block=yes; printf '%s\n' "$line" ;;
	'yes```') in_block=""; printf '%s\n' "$line" ;;
	'yes$ '*)
		printf '%s\n' "$line"
		bash -c "${line#\$ }" </dev/null
		;;
	yes*) ;; # the output that stands there
	*) printf '%s\n' "$line" ;;
	esac
done <"$readme" >"$work/real.md" 2>"$work/err"
[ ! -s "$work/err" ] || { : >"$work/out"; fail "a command wrote to standard error"; }
: >"$work/out"

# What differs from run to run: UUIDs, times, digests, this program's version, and the columns that these move.
normalize() {
	sed -E -e 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/ID/g' -e 's/[0-9a-f]{64}/DIGEST/g' -e 's/\b[0-9a-f]{12}\b/DIGEST/g' \
		-e 's/20[0-9]{2}-[0-9]{2}-[0-9]{2}[ T][0-9:.]+(Z| UTC)?/TIME/g' -e 's/^leadfit [0-9.]+$/VERSION/' "$1"
}
if [ "$update" = --update ] && [ "$failures" = 0 ]; then
	cat "$work/real.md" >"$readme"
elif ! diff <(normalize "$readme") <(normalize "$work/real.md") >"$work/out"; then
	fail "the README differs; readme_test.sh ... --update corrects it"
fi
finish

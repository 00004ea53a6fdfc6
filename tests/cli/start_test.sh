#!/bin/bash
# Starts of the service that fail: each says why, and leaves what is there as it was.
# Usage: start_test.sh LEADFIT LEADFITD SOURCE_FOLDER
set -u
leadfit=$1
leadfitd=$2
source_folder=$3
. "$(dirname "$0")/assert.sh"

unset LEADFIT_TOKEN COLUMNS NO_COLOR
export LC_ALL=C.UTF-8
export LEADFIT_SERVER=ipc://$work/socket
mkdir "$work/data"
cd "$work/data" || exit 1

# Options that take one value, or none; "" begins those of leadfitd itself.
one_value=(
	"--db --tokens --publish --workers --key --origin --checkpoints --checkpoint-every --checkpoint-seconds"
	"key --db --key"
	"verify --db --key"
	"restore --db --from --key"
)
many=("--listen --rubric" "" "verify --checkpoint" "restore --checkpoint")
# each TABLE-LINE: calls try with the command (none for leadfitd itself) and each of its options.
each() {
	local words command=()
	read -ra words <<<"$1"
	case ${words[0]-} in --*) ;; ?*) command=("${words[0]}"); words=("${words[@]:1}") ;; esac
	for option in "${words[@]}"; do try "$option" "${command[@]}"; done
}

claim "an option that takes one value is given once, in every command"
try() {
	local option=$1
	shift
	run timeout 20 "$leadfitd" "$@" "$option" 1 "$option" 2
	status_is 2; out_empty; err_has "leadfitd: $option is given twice"
}
for line in "${one_value[@]}"; do each "$line"; done
run timeout 20 "$leadfitd" --db a.db --accept-rewound --accept-rewound; status_is 2; err_has "--accept-rewound is given twice"

claim "an empty value is a mistake, in every option of every command"
try() {
	local option=$1
	shift
	run timeout 20 "$leadfitd" "$@" "$option" ""; status_is 2; out_empty; err_has "leadfitd: $option is empty (a variable that is not set?)"
	run timeout 20 "$leadfitd" "$@" "$option="; status_is 2; out_empty; err_has "leadfitd: $option is empty"
}
for line in "${one_value[@]}" "${many[@]}"; do each "$line"; done
[ -z "$(ls -A)" ] || fail "left behind: $(ls -A)"

finish

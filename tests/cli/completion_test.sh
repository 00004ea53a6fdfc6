#!/bin/bash
# The bash completion offers what the program has: every command, and every option of every command.
# Usage: completion_test.sh LEADFIT COMPLETION
set -u
leadfit=$1
# shellcheck disable=SC1090
. "$2"
failures=0

# complete_words WORD...: what is offered for the last word.
complete_words() {
	COMP_WORDS=(leadfit "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_leadfit
}

expect() { # expect CONTEXT WORD
	local offered
	for offered in "${COMPREPLY[@]}"; do
		[ "$offered" = "$2" ] && return
	done
	echo "FAILED: after '$1', $2 is not offered"
	failures=$((failures + 1))
}

check_options() { # check_options COMMAND...
	local option
	complete_words "$@" --
	for option in $("$leadfit" help "$@" | grep -oE '^  --[a-z-]+'); do
		expect "$*" "$option"
	done
}

complete_words ""
for command in $("$leadfit" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\).*/\1/p' | sort -u); do
	expect "" "$command"
done
for command in "decisions export" "decisions watch" "decisions erase" retention backup "jobs list" "jobs show"; do
	# shellcheck disable=SC2086
	check_options $command
done
for command in score batch profile "decisions list" "decisions show" "decisions outcome" "decisions report" "audit access" "audit impact" "decisions prove" "decisions verify" "decisions verify-proof" "rubric check" "rubric list" "rubric show" "rubric explain" "rubric test" "rubric put" \
	"rubric activate" "rubric history" "rubric backtest" "decisions replay" "rubric diff" "rubric fmt" "rubric weights" call health version token help; do
	# shellcheck disable=SC2086
	check_options $command
done
complete_words decisions ""; expect decisions export; expect decisions watch; expect decisions replay
complete_words decisions ""; expect decisions list; expect decisions show; expect decisions outcome; expect decisions report
expect decisions prove; expect decisions verify; expect decisions verify-proof
complete_words audit ""; expect audit access; expect audit impact
complete_words rubric ""; expect rubric check; expect rubric list; expect rubric show
expect rubric explain; expect rubric test; expect rubric put; expect rubric activate; expect rubric history
expect rubric backtest; expect rubric diff; expect rubric fmt; expect rubric weights
complete_words --output json rubric ""; expect "--output json rubric" show
complete_words --output j; expect --output json
complete_words batch --output ""; expect "batch --output" csv
complete_words score --detail ""; expect "score --detail" all
complete_words call ""
for method in $("$leadfit" call --list); do
	expect call "$method"
done
[ "$failures" = 0 ] && echo "the completion knows every command and option"

#!/bin/bash
# The Python program in storage/tlog/DESIGN.md, as it stands there, agrees with the client about proofs, right and wrong.
# Usage: auditor_test.sh MAKE_PROOFS SOURCE_FOLDER
set -u
make_proofs=$1
source_folder=$2
. "$source_folder/tests/cli/assert.sh"

mkdir "$work/proofs"
"$make_proofs" "$work/proofs" || { echo "FAILED: no proofs"; exit 1; }
awk '/^```python$/ { on = 1; next } /^```$/ { on = 0 } on' "$source_folder/storage/tlog/DESIGN.md" >"$work/check.py"
vkey=$(cat "$work/proofs/vkey")
check() { run python3 "$work/check.py" "$work/proofs/$1.tlog-proof" "${2-$vkey}"; }
: >"$work/out"; : >"$work/err"

claim "a proof holds by hashlib and openssl alone"
check good; status_is 0; err_empty
for part in record team project rubric; do out_has "$part is as it was decided from"; done
out_has "record 260 of 300 of example.com/leadfit"
check redacted; status_is 0; out_has "team was erased or pruned since"; out_has "rubric is as it was decided from"

claim "what the client refuses, it refuses"
count=0
for file in "$work"/proofs/bad.*.tlog-proof; do
	name=${file##*/}
	# Not looked at there: what the parts mean.
	case $name in bad.record.time.* | bad.team.message.*) continue ;; esac
	check "${name%.tlog-proof}"
	[ "$status" != 0 ] || fail "$name passes"
	count=$((count + 1))
done
[ "$count" = 15 ] || fail "$count wrong proofs"

claim "a signature that does not fit is refused by openssl"
check good "$(cat "$work/proofs/other.vkey")"; [ "$status" != 0 ] || fail "another key passes"
sed 's/^300$/301/' "$work/proofs/good.tlog-proof" >"$work/proofs/altered.tlog-proof"
check altered; [ "$status" != 0 ] || fail "an altered checkpoint passes"; err_has openssl

finish

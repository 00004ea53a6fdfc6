#!/bin/bash
# Evidence that the client checks by itself, right and wrong in every way, with answers that the test gives.
# Usage: proofs_test.sh LEADFIT FAKE_SERVER MAKE_PROOFS
set -u
leadfit=$1
fake=$2
make_proofs=$3
. "$(dirname "$0")/assert.sh"

unset LEADFIT_SERVER LEADFIT_TOKEN COLUMNS NO_COLOR
export LC_ALL=C.UTF-8
proofs=$work/proofs
answers=$work/answers
server=ipc://$work/socket
id=0196f0a4-8b6e-7c3d-9f21-5d2f6f1f7a10
mkdir "$proofs" "$answers"
"$make_proofs" "$proofs" || { echo "FAILED: no proofs"; exit 1; }
vkey=$(cat "$proofs/vkey")
: >"$work/out"; : >"$work/err"

l() { run "$leadfit" --server "$server" "$@"; }
# serve [ANSWER FILE]...: a service whose calls count from 1, with these answers.
serve() {
	local pid
	for pid in "${started[@]}"; do kill -KILL "$pid"; wait "$pid" 2>/dev/null; done
	started=()
	rm -f "$answers"/* "$work/socket"
	while [ $# -gt 0 ]; do cp "$proofs/$2" "$answers/$1"; shift 2; done
	: >"$work/fake.log"
	"$fake" "$server" "$answers" >"$work/fake.log" 2>&1 &
	started=($!)
	wait_for "$work/fake.log" listening
}

# ---- a proof, offline ----

verify_proof() { run "$leadfit" --server "ipc://$work/none" decisions verify-proof "$@"; }

claim "a proof is checked without a service, by the key as text or file"
for key in "$vkey" "$proofs/vkey"; do
	verify_proof "$proofs/good.tlog-proof" --key "$key"; status_is 0; err_empty
	out_has "Proved: the log has decision $id of 2026-05-01 12:00:03 UTC"
	out_matches 'outcome +RECOMMENDED'; out_matches 'recommended +m-1042'; out_matches 'team +payments'; out_matches 'project +checkout'
	out_matches 'rubric +tech-lead [0-9a-f]{12}'; out_matches 'log +example.com/leadfit'; out_matches 'position +260 of 300 records'
	out_lacks "Not checked"
done
run "$leadfit" decisions verify-proof --key "$vkey" - <"$proofs/good.tlog-proof"; status_is 0

claim "as JSON it has the whole record"
verify_proof "$proofs/good.tlog-proof" --key "$vkey" --output json; status_is 0; err_empty
for part in '"origin": "example.com/leadfit"' '"size": "300"' '"position": "260"' "\"decisionId\": \"$id\"" '"decidedAt": "2026-05-01T12:00:03Z"' \
	'"outcome": "RECOMMENDED"' '"caller": "local"' '"asOfUs": "1777636803000000"' '"name": "tech-lead"'; do
	out_has "$part"
done

claim "what was redacted since is said, and not claimed to be proved"
verify_proof "$proofs/redacted.tlog-proof" --key "$vkey"; status_is 0
out_has "Proved: the log has a decision of 2026-05-01 12:00:03 UTC, number 77"; out_has "erased or pruned since: record, team"; out_lacks m-1042
out_matches 'rubric +tech-lead'; out_lacks payments
verify_proof "$proofs/redacted.tlog-proof" --key "$vkey" --output json; out_has '"notChecked": ['; out_lacks '"decisionId"'; out_has '"sequence": "77"'

claim "every part that does not hold is refused by name"
count=0
for file in "$proofs"/bad.*.tlog-proof; do
	part=${file#"$proofs"/bad.}
	verify_proof "$file" --key "$vkey"; status_is 1; out_empty; err_has "leadfit: $file: ${part%%.*}: "
	count=$((count + 1))
done
[ "$count" = 17 ] || fail "$count wrong proofs"

claim "another key, a changed signature and text that is no proof are refused"
verify_proof "$proofs/good.tlog-proof" --key "$proofs/other.vkey"; status_is 1; out_empty; err_has "checkpoint: the checkpoint has no signature by this key"
sed 's/^300$/301/' "$proofs/good.tlog-proof" >"$work/altered"
verify_proof "$work/altered" --key "$vkey"; status_is 1; out_empty; err_has "checkpoint: the checkpoint's signature by this key does not fit it"
for cut in 10 200 1000; do
	head -c "$cut" "$proofs/good.tlog-proof" >"$work/altered"
	verify_proof "$work/altered" --key "$vkey"; status_is 1; out_empty; err_has "$work/altered: "
done
verify_proof "$proofs/vkey" --key "$vkey"; status_is 1; err_has "is no proof in the form of C2SP tlog-proof"

claim "no byte of a proof can change"
python3 - "$proofs/good.tlog-proof" "$work/altered" >"$work/places" <<'END'
import sys
data = open(sys.argv[1], "rb").read()
for number, place in enumerate(range(0, len(data), len(data) // 40)):
    altered = bytearray(data)
    altered[place] ^= 1
    open(f"{sys.argv[2]}.{number}", "wb").write(altered)
print(number + 1)
END
for number in $(seq 0 $(($(cat "$work/places") - 1))); do
	verify_proof "$work/altered.$number" --key "$vkey"; out_empty
	[ "$status" = 1 ] || [ "$status" = 2 ] || fail "change $number"
done

claim "without a key that can be read nothing is checked"
verify_proof "$proofs/good.tlog-proof"; status_is 2; out_empty; err_has "verify-proof needs --key VKEY|FILE: a proof can't vouch for itself"
verify_proof "$proofs/good.tlog-proof" --key nonsense; status_is 2; out_empty; err_has "--key: nonsense is neither a verifier key"
verify_proof "$proofs/good.tlog-proof" --key "$proofs/good.tlog-proof"; status_is 2; err_has "does not hold a verifier key alone"
verify_proof "$work/none" --key "$vkey"; status_is 2; err_has "none: No such file"
verify_proof --key "$vkey"; status_is 2

# ---- prove ----

claim "prove writes the proof that the service gives"
serve Prove.reply Prove.json
l decisions prove "$id"; status_is 0; err_empty; cmp -s "$work/out" "$proofs/good.tlog-proof" || fail "another proof"
file_has "$answers/Prove.request" "\"decisionId\":\"$id\""
l decisions prove "$id" --proof "$work/proof" --key "$proofs/vkey"; status_is 0; cmp -s "$work/proof" "$proofs/good.tlog-proof" || fail "another proof"
out_has "Proved: the log has decision $id"; out_has "leadfit decisions verify-proof $work/proof --key $vkey"
l decisions prove "$id" --output json; status_is 0; out_has '"verifierKey": "example.com/leadfit+'

claim "prove writes nothing that does not hold"
rm -f "$work/proof"
l decisions prove "$id" --proof "$work/proof" --key "$proofs/other.vkey"; status_is 1; out_empty; err_has "does not hold: checkpoint: "
l decisions prove "${id%0}1" --proof "$work/proof"; status_is 1; out_empty; err_has "is of decision $id, not of the one that was asked for"
sed -e 's/index 260/index 261/' "$proofs/Prove.json" >"$answers/Prove.reply"
l decisions prove "$id" --proof "$work/proof"; status_is 1; out_empty; err_has "does not hold: inclusion: "
sed -e 's/"verifierKey": "example/"verifierKey": "fxample/' "$proofs/Prove.json" >"$answers/Prove.reply"
l decisions prove "$id" --proof "$work/proof"; status_is 1; out_empty; err_has "verifier_key: "
[ ! -e "$work/proof" ] || fail "it wrote one"
cp "$proofs/Prove.json" "$answers/Prove.reply"
l decisions prove "$id" --proof "$work/none/proof"; status_is 3; out_empty; err_has "--proof: $work/none/proof: No such file"
l decisions prove; status_is 2
printf '{"code": 5, "message": "there is no such decision"}' >"$answers/Prove.error"
l decisions prove "$id"; status_is 2; out_empty; err_has "there is no such decision"

# ---- verify ----

whole=(Verify.reply.1 Verify.1.json Verify.reply.2 Verify.2.json Checkpoint.reply Checkpoint.json)

claim "verify asks slice by slice, sums up, and ends in the signed checkpoint"
serve "${whole[@]}"
l decisions verify; status_is 0; err_empty
out_has "The log is whole: all 300 records are as they were written."
out_matches 'records +300, with 1\.8 MB of content'; out_matches 'erased +2 records'; out_matches 'pruned +1 record, in whole or part'
out_has "as the service says; --key checks with one that you trust"
tail -n 5 "$work/out" | cmp -s - "$proofs/checkpoint.300" || fail "no checkpoint at the end"
file_has "$answers/Verify.request" '"first":"256"'; file_has "$answers/Verify.request" '"size":"300"'
serve "${whole[@]}"
l decisions verify --key "$proofs/vkey" --output json; status_is 0; err_empty
out_has '"size": "300"'; out_has '"payloadBytes": "1750000"'; out_has '"checkpoint": "example.com/leadfit'; out_lacks findings

claim "checkpoints that were kept are proved to be what the log went through"
serve "${whole[@]}" Consistency.reply.4 Consistency.100.json Consistency.reply.5 Consistency.299.json
l decisions verify --key "$vkey" --checkpoint "$proofs/checkpoint.100" --checkpoint "$proofs/checkpoint.299" --checkpoint "$proofs/checkpoint.300" \
	--checkpoint "$proofs/checkpoint.0"
status_is 0; err_empty; out_has "the first 100 records are those that $proofs/checkpoint.100 signs"; out_lacks "as the service says"
file_has "$answers/Consistency.request" '"fromSize":"299"'; file_has "$answers/Consistency.request" '"toSize":"300"'

claim "a log that was altered, swapped or set back is found by a kept checkpoint"
serve "${whole[@]}" Consistency.reply Consistency.100.json
l decisions verify --checkpoint "$proofs/forked.100"; status_is 1; err_empty
out_has "FINDING $proofs/forked.100: the log does not begin with the 100 records that this checkpoint signs"
out_has "The log is not as it was written: 1 finding."; out_lacks "The log is whole"
serve "${whole[@]}"
l decisions verify --checkpoint "$proofs/forked.300"; status_is 1; out_has "does not begin with the 300 records"
# The service has 100 records now, and is sound in itself.
serve Verify.reply Verify.2.json Checkpoint.reply Checkpoint.json
python3 - "$proofs" "$answers" <<'END'
import base64, json, sys
proofs, answers = sys.argv[1:]
text = open(f"{proofs}/checkpoint.100").read()
verify = json.load(open(f"{proofs}/Verify.2.json"))
verify["size"], verify["records"], verify["root"] = "100", "100", text.split("\n")[2]
json.dump(verify, open(f"{answers}/Verify.reply", "w"))
checkpoint = json.load(open(f"{proofs}/Checkpoint.json"))
checkpoint["checkpoint"], checkpoint["size"] = text, "100"
json.dump(checkpoint, open(f"{answers}/Checkpoint.reply", "w"))
END
l decisions verify; status_is 0; out_has "all 100 records"
l decisions verify --checkpoint "$proofs/checkpoint.299"; status_is 1
out_has "$proofs/checkpoint.299: the log had 299 records then, and has 100 now: it was cut or set back"

claim "a kept checkpoint must be signed by the key, and whole"
serve "${whole[@]}"
l decisions verify --key "$proofs/other.vkey"; status_is 1; out_has "FINDING the service's own checkpoint: the checkpoint has no signature by this key"
sed 's/^100$/101/' "$proofs/checkpoint.100" >"$work/altered"
serve "${whole[@]}"
l decisions verify --checkpoint "$work/altered"; status_is 1; out_has "FINDING $work/altered: the checkpoint's signature by this key does not fit it"
serve "${whole[@]}"
l decisions verify --checkpoint "$proofs/vkey"; status_is 2; out_empty; err_has "vkey is no signed checkpoint"
l decisions verify --checkpoint "$work/none"; status_is 2; out_empty; err_has "none: No such file"
l decisions verify --key "$work/none"; status_is 2; out_empty; err_has "--key: "

claim "a service that signs another log than it stores is found"
serve Verify.reply.1 Verify.1.json Verify.reply.2 Verify.2.json Checkpoint.reply Checkpoint.forked.json
l decisions verify; status_is 1; out_has "FINDING the service signs another log than it stores"

claim "findings of the service are told in order, the first one first"
serve "${whole[@]}"
python3 - "$proofs" "$answers" "$id" <<'END'
import json, sys
proofs, answers, identity = sys.argv[1:]
for call, findings in ((1, [(7, "decision", identity, "its team is not what the leaf commits to \x1b[2J"), (9, "rubric", "", "is missing")]),
                       (2, [(270, "erasure", "", "its hash differs")])):
    verify = json.load(open(f"{proofs}/Verify.{call}.json"))
    verify["findings"] = [dict(position=str(p), kind=k, decisionId=i, what=w) for p, k, i, w in findings]
    json.dump(verify, open(f"{answers}/Verify.reply.{call}", "w"))
END
cp -r "$answers" "$work/findings"
l decisions verify; status_is 1; err_empty
sed -n 1,3p "$work/out" >"$work/first"
file_has "$work/first" "FINDING record 7, decision $id: its team is not what the leaf commits to ?[2J"
file_has "$work/first" "FINDING record 9, rubric: is missing"; file_has "$work/first" "FINDING record 270, erasure: its hash differs"
out_has "The log is not as it was written: 3 findings."
serve "${whole[@]}"; cp "$work/findings"/* "$answers/"
l decisions verify --output json; status_is 1; err_empty; out_has '"findingCount": "3"'; out_has '"what": "is missing"'
python3 -m json.tool <"$work/out" >/dev/null || fail "no JSON"

claim "a log so damaged that it has no root is still held against what was signed"
serve "${whole[@]}" Consistency.reply Consistency.100.json
sed -i 's/"root": "[^"]*"/"root": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="/' "$answers/Verify.reply.2"
l decisions verify --checkpoint "$proofs/checkpoint.100"; status_is 1; err_empty
out_has "FINDING no root can be recomputed"; out_has "is not as it was written: 1 finding."; out_matches 'root +none'; out_has "100 records are those that"

claim "answers that make no sense together end it"
serve Verify.reply Verify.1.json
l decisions verify; status_is 3; err_has "do not fit each other"; out_lacks "The log is whole"
serve "${whole[@]}"
sed -i 's/"root": "[^"]*"/"root": "AAAA"/' "$answers/Verify.reply.2"
l decisions verify; status_is 3; err_has "do not fit each other"
serve "${whole[@]}"; printf '{"code": 14, "message": "not now"}' >"$answers/Checkpoint.error"
l decisions verify; status_is 3; err_has "not now"; out_lacks "The log is whole"
serve "${whole[@]}" Consistency.reply Consistency.100.json
sed -i '0,/"[A-Za-z0-9+/]*="/s//"AAAA"/' "$answers/Consistency.reply"
l decisions verify --checkpoint "$proofs/checkpoint.100"; status_is 1; out_has "does not begin with"

finish

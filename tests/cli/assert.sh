# Assertions for shell tests of the CLI. Source it; end with finish. Each claim is named, and prints one line.

work=$(mktemp -d "${TMPDIR:-/tmp}/leadfit-cli.XXXXXX")
started=()
claims=0
failures=0
claim=""

clean_up() {
	local pid
	for pid in "${started[@]}"; do
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	rm -rf "$work"
}
trap clean_up EXIT

# claim TEXT: what the following checks show.
claim() {
	claim=$1
	claims=$((claims + 1))
	echo "- $1"
}

fail() {
	failures=$((failures + 1))
	printf 'FAILED: %s: %s\n' "$claim" "$1"
	printf '  status %s\n  stdout: %s\n  stderr: %s\n' "${status-}" "$(head -c 2000 "$work/out")" "$(head -c 2000 "$work/err")"
}

# run COMMAND...: keeps its status, stdout and stderr.
run() {
	status=0
	"$@" >"$work/out" 2>"$work/err" || status=$?
}

status_is() { [ "$status" = "$1" ] || fail "expected status $1"; }
out_has() { grep -qF -- "$1" "$work/out" || fail "stdout lacks: $1"; }
out_lacks() { ! grep -qF -- "$1" "$work/out" || fail "stdout has: $1"; }
out_matches() { grep -qE -- "$1" "$work/out" || fail "stdout matches nothing like: $1"; }
out_is() { [ "$(cat "$work/out")" = "$1" ] || fail "expected stdout: $1"; }
out_empty() { [ ! -s "$work/out" ] || fail "expected nothing on stdout"; }
err_has() { grep -qF -- "$1" "$work/err" || fail "stderr lacks: $1"; }
err_lacks() { ! grep -qF -- "$1" "$work/err" || fail "stderr has: $1"; }
err_empty() { [ ! -s "$work/err" ] || fail "expected nothing on stderr"; }
file_has() { grep -qF -- "$2" "$1" || fail "$1 lacks: $2 ($(head -c 1000 "$1" 2>&1))"; }
file_lacks() { ! grep -qF -- "$2" "$1" || fail "$1 has: $2"; }

# wait_for FILE TEXT: until the file has the text; 60 s at most.
wait_for() {
	local i
	for i in $(seq 1200); do
		grep -qF -- "$2" "$1" 2>/dev/null && return 0
		sleep 0.05
	done
	echo "FAILED: $1 never had: $2" && exit 1
}

finish() {
	echo "$claims claims, $failures failures"
	[ "$failures" = 0 ]
}

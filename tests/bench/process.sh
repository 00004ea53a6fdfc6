#!/bin/bash
# What `leadfit score` costs as a process, start to exit, beyond the call itself. Starts a leadfitd on a new log, and runs in turns: a program
# that does nothing, `leadfit version` (which calls nobody), `leadfit health` and `leadfit score` for 8 members with 4 pieces of evidence each. The
# call's own latency is leadfit-bench's with one in flight, measured before and after. No verdict: read it on a quiet machine, or
# under `chrt -f 10`, which keeps neighbours out of the way of everything that is measured here.
set -u

usage() {
	cat <<'EOF'
Usage: process.sh [OPTION]...
  --runs N       of each command, in turns, 1..10000 (default 200)
  --build DIR    where leadfit was built (default: build/release of this tree)
  --dir DIR      where logs go; must be a real disk (default: the current directory)
  --help         print this
Exit status: 0 measured; 2 usage, or something is missing; 3 a command failed.
EOF
}

complain() {
	echo "process.sh: $1" >&2
	exit "${2-2}"
}

here=$(cd "$(dirname "$0")" && pwd)
runs=200 build=$here/../../build/release directory=.
while [ $# -gt 0 ]; do
	case $1 in
	--runs | --build | --dir)
		[ $# -gt 1 ] || complain "$1 needs a value"
		declare "$(case $1 in --dir) echo directory ;; *) echo "${1#--}" ;; esac)=$2"
		shift 2
		;;
	--help) usage && exit 0 ;;
	*) complain "unknown option $1; --help lists them" ;;
	esac
done
[[ $runs =~ ^[0-9]+$ && $runs -ge 1 && $runs -le 10000 ]] || complain "--runs $runs: allowed are 1..10000"
for program in leadfit leadfitd leadfit-bench; do
	[ -x "$build/bin/$program" ] || complain "$build/bin/$program is missing: cmake --build --preset release"
done
build=$(cd "$build" && pwd)

work=$(mktemp -d "$directory/leadfit-process.XXXXXX") || complain "$directory can't be written"
work=$(cd "$work" && pwd)
daemon=
clean_up() {
	[ -n "$daemon" ] && kill "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

write_case() {
	local m c
	printf 'id: team\nmembers:\n'
	for m in 1 2 3 4 5 6 7 8; do
		printf '  - id: m-%s\n    discipline: BACKEND\n    evidence:\n' $m
		for c in architecture planning mentoring collaboration; do
			printf '      - {criterion: %s, rating: 3.%s, source: PEER, observed_on: "2025-01-0%s"}\n' $c $m $m
		done
	done
}
write_case >"$work/team.yaml"
printf 'id: project\ntraits: {interaction_focus: 0.9, architecture_complexity: 0.3}\n' >"$work/project.yaml"

# Microseconds: the p50 of one call in flight, within one process.
call_us() {
	(cd "$work" && "$build/bin/leadfit-bench" --runs 1 --seconds 1 --in-flight 1 --output json) >"$work/bench.json" || return
	sed -n '/"leadfit": {/,$p' "$work/bench.json" | grep -A1 -m1 '"p50Us"' | sed -n 's/.*"median": \([0-9.]*\).*/\1/p' | grep .
}

# timed NAME COMMAND...: appends to NAME's file how long it took.
timed() {
	local name=$1 start end
	shift
	start=${EPOCHREALTIME/[.,]/}
	"$@" >"$work/out" 2>&1 || complain "$* ended with $?: $(head -3 "$work/out")" 3
	end=${EPOCHREALTIME/[.,]/}
	echo $((end - start)) >>"$work/$name.us"
}

# Least, median and 90% of a file of numbers; and the median of the differences of two files, line by line.
figures() { sort -n "$work/$1.us" | awk '{v[NR] = $1} END {printf "%8.2f %8.2f %8.2f\n", v[1] / 1000, v[int((NR + 1) / 2)] / 1000, v[int(NR * 0.9 + 0.99)] / 1000}'; }
median() { sort -n "$work/$1.us" | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)] / 1000}'; }
beyond() { paste "$work/$1.us" "$work/$2.us" | awk '{print $1 - $2}' | sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)] / 1000}'; }

before=$(call_us) || complain "leadfit-bench failed" 3
"$build/bin/leadfitd" --db "$work/log.db" --listen tcp://127.0.0.1:0 --rubric "$here/rubric.yaml" --checkpoints "$work/checkpoint" --log text \
	>"$work/daemon.log" 2>&1 &
daemon=$!
for _ in $(seq 200); do
	grep -q ' ready: ' "$work/daemon.log" && break
	kill -0 $daemon 2>/dev/null || break
	sleep 0.05
done
url=$(sed -n 's/.* listening: listening on //p' "$work/daemon.log")
grep -q ' ready: ' "$work/daemon.log" && [ -n "$url" ] || complain "leadfitd did not start: $(tail -1 "$work/daemon.log")" 3
load=$(cut -d' ' -f1 /proc/loadavg)
for _ in $(seq "$runs"); do
	timed nothing /bin/true
	timed version "$build/bin/leadfit" version
	timed health "$build/bin/leadfit" --server "$url" health
	timed score "$build/bin/leadfit" --server "$url" score --team "$work/team.yaml" --project "$work/project.yaml"
done
kill $daemon && wait $daemon || complain "leadfitd ended with $?" 3
daemon=
after=$(call_us) || complain "leadfit-bench failed" 3
call=$(awk "BEGIN {print ($before + $after) / 2000}")

echo "runs      $runs of each command, in turns; load average $load"
echo
echo "ms, start to exit                 least   median      90%"
for row in "nothing:/bin/true" "version:leadfit version" "health:leadfit health" "score:leadfit score"; do
	printf '%-30s %s\n' "${row#*:}" "$(figures "${row%%:*}")"
done
printf '\n%-30s %8.2f  (p50 with one in flight, %.2f before and %.2f after)\n' "the call itself" "$call" \
	"$(awk "BEGIN {print $before / 1000}")" "$(awk "BEGIN {print $after / 1000}")"
printf '%-30s %8.2f  target <= 10\n' "leadfit score beyond the call" "$(awk "BEGIN {print $(median score) - $call}")"
printf '%-30s %8.2f\n' "  of which any process" "$(median nothing)"
printf '%-30s %8.2f  (pairwise)\n' "  loading and options" "$(beyond version nothing)"
printf '%-30s %8.2f  (pairwise)\n' "  threads, connecting, closing" "$(beyond health version)"

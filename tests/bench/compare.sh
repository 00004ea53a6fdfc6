#!/bin/bash
# What a person would otherwise run, side by side: the same weighted scoring of the same teams in npm's @gorules/zen-engine and
# json-rules-engine, in process and without a log, in a plain JavaScript loop, and in leadfit with RPC and a durable log. Installs both packages
# with npm into a temporary folder, checks that all agree with leadfit on winners and scores, and prints decisions/s. Not part
# of ctest: it needs the network.
#
# The scoring: 8 criteria with weights that depend on the project's traits; ratings as means weighted by source and age, drawn
# towards a prior; piecewise-linear curves; fit with the project and the team; a gate on a rating and one on availability; the sum.
# What each engine can't do (compare_engines.mjs shows how near it gets):
#
#   zen-engine          All of it can be said in expressions, with the rubric's figures written into the formulas: it has no notion of
#                       weights, priors, curves, evidence or half-lives. Numbers are decimals. No robustness; a trace of each
#                       node on request, in place of an explanation. No log.
#   json-rules-engine   Conditions and events, no arithmetic: scores are dynamic facts, that is JavaScript of the caller. Only the gates are
#                       rules, one a place in the team, for a rule can't range over members. Says which conditions held. No log.
#   plain loop          Anything that one writes. Here: the scores, and nothing else.
#
# Engines get cases that are parsed already, rules that are compiled once, and as much concurrency as helps. leadfit's figures include the client,
# the wire, decoding, 1,024 samples of robustness, the explanation, and one commit to disk for each answer (or group of answers).
set -u

usage() {
	cat <<'EOF'
Usage: compare.sh [OPTION]...
  --runs N         interleaved runs, medians of which are printed, 1..100 (default 5)
  --seconds S      of each measurement (default 1)
  --teams N        distinct teams, 1..16384 (default 1000)
  --build DIR      where leadfit was built (default: build/release of this tree)
  --dir DIR        where the log goes; must be a real disk (default: the current directory)
  --smoke          one short run on few teams: whether everything works and agrees
  --help           print this
Needs node 18 and npm, and lf_bench_compare: cmake --build --preset release --target leadfit_cli lf_bench_compare
Exit status: 0 measured, and all agree; 1 somebody differs from leadfit; 2 usage, or something is missing; 3 a run failed.
EOF
}

complain() {
	echo "compare.sh: $1" >&2
	exit 2
}

here=$(cd "$(dirname "$0")" && pwd)
runs=5 seconds=1 teams=1000 build=$here/../../build/release directory=.
while [ $# -gt 0 ]; do
	case $1 in
	--runs | --seconds | --teams | --build | --dir)
		[ $# -gt 1 ] || complain "$1 needs a value"
		declare "$(case $1 in --dir) echo directory ;; *) echo "${1#--}" ;; esac)=$2"
		shift 2
		;;
	--smoke) runs=1 seconds=0.2 teams=40 && shift ;;
	--help) usage && exit 0 ;;
	*) complain "unknown option $1; --help lists them" ;;
	esac
done
[[ $runs =~ ^[0-9]+$ && $runs -ge 1 && $runs -le 100 ]] || complain "--runs $runs: allowed are 1..100"
[[ $teams =~ ^[0-9]+$ && $teams -ge 1 && $teams -le 16384 ]] || complain "--teams $teams: allowed are 1..16384"
[[ $seconds =~ ^[0-9]+(\.[0-9]+)?$ ]] || complain "--seconds $seconds: allowed are 0.05..60"
for program in node npm; do
	command -v $program >/dev/null || complain "$program is missing: install node 18 or later with npm (Debian: nodejs npm)"
done
node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' || complain "node $(node --version) is too old: 18 or later"
for program in leadfit leadfitd lf_bench_compare; do
	[ -x "$build/bin/$program" ] || complain "$build/bin/$program is missing: cmake --build --preset release --target leadfit_cli lf_bench_compare"
done

work=$(mktemp -d "$directory/leadfit-compare.XXXXXX") || complain "$directory can't be written"
work=$(cd "$work" && pwd)
trap 'rm -rf "$work"' EXIT
mkdir "$work/packages"
(cd "$work/packages" && npm init -y && npm install --no-audit --no-fund @gorules/zen-engine json-rules-engine) \
	>"$work/npm.log" 2>&1 || { tail -5 "$work/npm.log" >&2 && complain "npm could not install the packages"; }
"$build/bin/leadfit" rubric fmt --output json "$here/rubric.yaml" >"$work/rubric.json" || exit 3
node "$here/compare.mjs" "$work/packages" "$work/rubric.json" "$build/bin/lf_bench_compare" "$work" "$runs" "$seconds" "$teams"

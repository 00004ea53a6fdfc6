#!/bin/bash
# leadfit beside the same decision service as people would build it: fastify around zen-engine, json-rules-engine or a plain loop, with
# better-sqlite3, the answer on disk before it is sent. Same teams, same scoring (../compare_engines.mjs), a reason a candidate. Each peer in
# two processes and in one, with a transaction a request and with one a turn of the event loop; leadfit over HTTP/1.1 with JSON, over gRPC and over
# nng. First all must agree with leadfit on winners, gates and scores. README.md says what was chosen, and why.
set -u

usage() {
	cat <<'EOF'
Usage: run.sh [OPTION]...
  --rounds N        interleaved rounds, medians of which are printed, 1..100 (default 5)
  --seconds N       of each measurement, whole ones, 1..60 (default 1)
  --teams N         distinct teams, 1..4096 (default 1000)
  --files own|shared   whether each process of a peer has a file of its own (default own)
  --build DIR       where leadfit was built (default: build/release of this tree)
  --packages DIR    where npm's packages are; installed there where they are not (default: peers-packages in the build)
  --offline         install nothing: exit status 77 where something is missing
  --dir DIR         where files go; must be a real disk (default: the current directory)
  --smoke           one round on few teams, some numbers in flight: whether everything works and agrees
  --help            print this
Needs node 20 or later, npm, wrk, h2load (Debian: nghttp2-client), what better-sqlite3 is compiled with where npm finds it
not built (g++, make, python3, node's headers), and cmake --build --preset release --target lf_bench_peers
Exit status: 0 measured, and all agree; 1 somebody differs from leadfit; 2 usage, or something is missing; 3 a run failed.
EOF
}

complain() {
	echo "run.sh: $1" >&2
	exit "${2-2}"
}

here=$(cd "$(dirname "$0")" && pwd)
rounds=5 seconds=1 teams=1000 files=own build=$here/../../../build/release packages= directory=. smoke=false missing=2
while [ $# -gt 0 ]; do
	case $1 in
	--rounds | --seconds | --teams | --files | --build | --packages | --dir)
		[ $# -gt 1 ] || complain "$1 needs a value"
		declare "$(case $1 in --dir) echo directory ;; *) echo "${1#--}" ;; esac)=$2"
		shift 2
		;;
	--offline) missing=77 && shift ;;
	--smoke) rounds=1 teams=40 smoke=true && shift ;;
	--help) usage && exit 0 ;;
	*) complain "unknown option $1; --help lists them" ;;
	esac
done
[[ $rounds =~ ^[0-9]{1,3}$ && 10#$rounds -ge 1 && 10#$rounds -le 100 ]] || complain "--rounds $rounds: allowed are 1..100"
[[ $seconds =~ ^[0-9]{1,2}$ && 10#$seconds -ge 1 && 10#$seconds -le 60 ]] || complain "--seconds $seconds: allowed are 1..60"
[[ $teams =~ ^[0-9]{1,4}$ && 10#$teams -ge 1 && 10#$teams -le 4096 ]] || complain "--teams $teams: allowed are 1..4096"
[[ $files = own || $files = shared ]] || complain "--files $files: allowed are own and shared"
for program in node npm wrk h2load; do
	command -v $program >/dev/null || complain "$program is missing: --help says what is needed" $missing
done
node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' || complain "node $(node --version) is too old: 20 or later" $missing
for program in leadfit leadfitd lf_bench_peers; do
	[ -x "$build/bin/$program" ] || complain "$build/bin/$program is missing: cmake --build --preset release --target lf_bench_peers" $missing
done
build=$(cd "$build" && pwd)

# Beside the build, as better-sqlite3 takes minutes to compile. A release of node has its headers beside it, Debian's in /usr/include.
packages=${packages:-$build/peers-packages}
if ! cmp -s "$here/package.json" "$packages/package.json" || [ ! -e "$packages/installed" ]; then
	[ $missing = 2 ] || complain "the packages are not in $packages: run.sh without --offline installs them" $missing
	headers=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
	[ -e "$headers/include/node/node.h" ] && export npm_config_nodedir=$headers
	mkdir -p "$packages" && rm -f "$packages/installed" && cp "$here/package.json" "$packages/" || complain "$packages can't be written"
	(cd "$packages" && npm install --no-audit --no-fund --no-package-lock && node -e "new (require('better-sqlite3'))(':memory:')") \
		>"$packages/npm.log" 2>&1 || { tail -5 "$packages/npm.log" >&2 && complain "npm could not install the packages; see $packages/npm.log"; }
	touch "$packages/installed"
fi
packages=$(cd "$packages" && pwd)

work=$(mktemp -d "$directory/leadfit-peers.XXXXXX") || complain "$directory can't be written"
work=$(cd "$work" && pwd)
trap 'rm -rf "$work"' EXIT
rubric=$here/../rubric.yaml
"$build/bin/leadfit" rubric fmt --output json "$rubric" >"$work/rubric.json" || exit 3
node "$here/drive.mjs" "$(node -p 'const [packages, build, directory, rubric, rubricJson, files, ...rest] = process.argv.slice(1);
	const [rounds, seconds, teams, smoke] = rest.map((one) => JSON.parse(one));
	JSON.stringify({packages, build, directory, rubric, rubricJson, files, rounds, seconds, teams, smoke})' \
	"$packages" "$build" "$work" "$rubric" "$work/rubric.json" "$files" "$((10#$rounds))" "$((10#$seconds))" "$((10#$teams))" "$smoke")"

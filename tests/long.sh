#!/bin/bash
# What takes too long for every commit, or needs a Docker engine: run before an issue closes, and reported. Each part's time
# is printed.
#
#   tests/long.sh            everything
#   tests/long.sh PART...    these parts only
#
#   tsan        the whole suite under the thread sanitizer (.ci/run: the concurrent tests)
#   clang       the whole suite as clang builds it
#   fuzz        each libFuzzer target for LF_FUZZ_SECONDS (60), starting from its corpus
#   load        HTTP under load beside slow readers, LF_LOAD_SECONDS (600) under each sanitizer
#   kills       500 kills of the service under load (run.sh: 50)
#   random      the random engine tests on 40 seeds
#   clients     the example for TypeScript; other people's clients, each protocol of theirs, plain and over TLS: a table (needs npm's registry)
#   containers  the image and the compose file, really built and run
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=$(nproc)
logs=build/long
mkdir -p "$logs"

build() { cmake --preset "$1" >/dev/null; cmake --build --preset "$1" >"$logs/build-$1.log" 2>&1 || { tail -n 40 "$logs/build-$1.log"; return 1; }; }

part_tsan() { build tsan; ctest --preset tsan -j "$jobs" -E '^(install|bench_smoke|determinism)'; }
part_clang() { build clang; ctest --preset clang -j "$jobs"; }
part_fuzz() {
	build fuzz
	for target in build/fuzz/bin/fuzz_*; do
		name=$(basename "$target")
		found=$(mktemp -d)
		"$target" -max_total_time="${LF_FUZZ_SECONDS:-60}" -artifact_prefix="$logs/" -print_final_stats=1 \
			"$found" "tests/fuzz/corpus/${name#fuzz_}" 2>&1 | tail -n 8
		rm -rf "$found"
	done
}
part_load() {
	for preset in asan tsan; do
		build "$preset"
		/usr/bin/python3 tests/http/load_test.py "build/$preset/bin/leadfitd" "$PWD" "${LF_LOAD_SECONDS:-600}" "$preset"
	done
}
part_kills() { build release; LF_KILLS=500 ctest --preset release -R '^service_kill$' --timeout 3600; }
part_random() {
	build release
	for seed in $(seq 40); do
		LF_TEST_SEED=$seed ctest --preset release -R '^engine_(properties|robust|robust_kernel|co_lead|explain|sweep|changes)$' -Q
	done
}
part_clients() {
	service/install-packages.sh matrix
	build release
	tests/clients/typescript_test.sh build/release/bin/leadfit build/release/bin/leadfitd "$PWD"
	tests/clients/matrix.sh build/release
}
part_containers() { tests/containers.sh; }

[ $# -gt 0 ] || set -- tsan clang fuzz load kills random clients containers
for part; do
	echo "==== $part"
	began=$SECONDS
	"part_$part" 2>&1 | tee "$logs/$part.log"
	printf '%-10s %5d s\n' "$part" $((SECONDS - began)) >>"$logs/times.$$"
done
printf '\nparts and their times\n'
cat "$logs/times.$$"

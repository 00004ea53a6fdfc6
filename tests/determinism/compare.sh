#!/bin/bash
# The same requests give byte-identical decisions from gcc and clang, -O0 and -O3: builds `decide` in each of those four ways and
# compares what it prints with the golden file, with every variant of robustness' inner loops that this machine runs. Arguments: a folder to build in (kept for the next run).
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
work=${1:?usage: compare.sh BUILD-FOLDER}
golden=$top/tests/determinism/golden.txt

failures=0
for compiler in gcc clang; do
	for level in -O0 -O3; do
		build=$work/$compiler$level
		cmake -S "$top" -B "$build" -G Ninja -DCMAKE_C_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=None \
			-DCMAKE_C_FLAGS="$level" >"$work-configure.log" 2>&1 || { cat "$work-configure.log"; exit 1; }
		cmake --build "$build" --target decide >"$work-build.log" 2>&1 || { tail -n 40 "$work-build.log"; exit 1; }
		for kernel in baseline avx2 avx512; do
			status=0
			LF_TEST_KERNEL=$kernel "$build/bin/decide" "$top/service/rubrics/tech-lead.yaml" >"$work-decisions" || status=$?
			if [ "$status" -eq 77 ]; then
				echo "$compiler $level $kernel: skipped"
			elif [ "$status" -eq 0 ] && cmp "$work-decisions" "$golden"; then
				echo "$compiler $level $kernel: $(wc -l <"$golden") decisions identical"
			else
				echo "$compiler $level $kernel: decisions differ"
				failures=$((failures + 1))
			fi
		done
	done
done
[ "$failures" -eq 0 ]

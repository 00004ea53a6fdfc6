#!/bin/bash
# Every header compiles alone, as C11 and twice in one unit. Arguments: the compiler, the build folder.
set -u
cc=${1:-cc}
build=${2:-build/asan}
cd "$(dirname "$0")/../.."

# Debian 12 has llhttp's header in a place of its own (CMakeLists.txt).
llhttp=/usr/share/include/llhttp
# libpq's, too. Without it the headers that need it are not looked at.
libpq=$(pkg-config --variable=includedir libpq 2>/dev/null)
without=${libpq:+nothing}
failures=0
checked=0
while IFS= read -r header; do
	checked=$((checked + 1))
	printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
		"$cc" -std=c11 -D_GNU_SOURCE -DLF_VERSION='""' -Wall -Wextra -Werror -Wno-unused -I. \
			-isystem "$build/proto/generated" -isystem "$build/proto/generated/descgen" -isystem "$llhttp" ${libpq:+-isystem "$libpq"} -fsyntax-only -x c - || {
		echo "$header does not compile alone"
		failures=$((failures + 1))
	}
done < <(find proto service storage client tests -name '*.h' -not -path "${without:-storage/postgres}/*")
echo "$checked headers checked, $failures wrong"
[ "$checked" -gt 10 ] && [ "$failures" -eq 0 ]

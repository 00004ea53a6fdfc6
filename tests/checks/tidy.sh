#!/bin/sh
# clang-tidy with the fixed list of .clang-tidy over the product's own files. Any finding fails.
#
#   tests/checks/tidy.sh BUILD [FILE...]     BUILD: a build folder with compile_commands.json; FILE: these only
set -eu
cd "$(dirname "$0")/../.."
build=${1:?usage: tidy.sh BUILD [FILE...]}
shift
ours() {
	git ls-files 'proto/*.c' 'service/*.c' 'storage/*.c' 'client/*.c' | grep -v '^proto/gen/'
}
built() { # what stands in for a part that is left out is not
	sed -n "s|.*\"file\": \"$PWD/\(.*\)\".*|\1|p" "$build/compile_commands.json"
}
[ $# -gt 0 ] || set -- $({ ours; built | sort -u; } | sort | uniq -d)
echo "$# files"
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 8 clang-tidy --quiet -p "$build" 2>/dev/null
echo "clang-tidy found nothing"

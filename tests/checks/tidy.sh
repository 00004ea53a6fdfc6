#!/bin/sh
# clang-tidy with the fixed list of .clang-tidy over the product's own files. Any finding fails.
#
#   tests/checks/tidy.sh BUILD [FILE...]     BUILD: a build folder with compile_commands.json; FILE: these only
set -eu
cd "$(dirname "$0")/../.."
build=${1:?usage: tidy.sh BUILD [FILE...]}
shift
[ $# -gt 0 ] || set -- $(git ls-files 'proto/*.c' 'service/*.c' 'storage/*.c' 'client/*.c' | grep -v '^proto/gen/')
echo "$# files"
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 8 clang-tidy --quiet -p "$build" 2>/dev/null
echo "clang-tidy found nothing"

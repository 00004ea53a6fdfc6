#!/bin/sh
# Installs what is missing, builds with address and undefined-behaviour sanitizers, and runs every test.
#
#   ./tests/run.sh [CTEST ARGUMENTS]     e.g. ./tests/run.sh -R engine
#
# The last lines are ctest's own summary; the exit status is ctest's.
set -eu
cd "$(dirname "$0")/.."

service/install-packages.sh test
cmake --preset asan >/dev/null
cmake --build --preset asan
# Byte-identical answers are shown with other compilers and optimisation levels: tests/determinism/compare.sh builds those.
# Many tests wait for something, so one more runs than there are processors.
exec ctest --preset asan -j "$(($(nproc) + 1))" "$@"

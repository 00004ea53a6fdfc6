#!/bin/sh
# Every C file is as clang-format 14 (Debian 12's) writes it by .clang-format. Later versions format some things otherwise.
#
#   tests/checks/format.sh          names the files that are not, and fails
#   tests/checks/format.sh --fix    formats them
set -eu
cd "$(dirname "$0")/../.."

format=$(command -v clang-format-14 || command -v clang-format || true)
case $("${format:-false}" --version 2>/dev/null || true) in
*"version 14."*) ;;
*)
	echo "$0: clang-format 14 is needed (Debian 12: apt-get install clang-format-14)" >&2
	exit 2
	;;
esac
files() {
	find proto service storage client tests -name '*.[ch]' -print0
}
if [ "${1:-}" = --fix ]; then
	files | xargs -0 "$format" -i
	exit 0
fi
bad=$(files | xargs -0 "$format" --dry-run 2>&1 | sed -n 's/:[0-9]*:[0-9]*: warning: .*//p' | sort -u)
if [ -n "$bad" ]; then
	printf '%s is not formatted\n' $bad
	echo "run tests/checks/format.sh --fix"
	exit 1
fi
echo "every C file is formatted"

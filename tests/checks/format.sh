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
if [ "${1:-}" = --fix ]; then
	git ls-files -z '*.c' '*.h' | xargs -0 "$format" -i
	exit 0
fi
git ls-files -z '*.c' '*.h' | xargs -0 "$format" --dry-run -Werror 2>&1 | sed -n 's/: error: .*//p' | cut -d: -f1 | sort -u >/tmp/format.$$
bad=$(wc -l </tmp/format.$$)
sed 's/$/ is not formatted/' /tmp/format.$$
rm -f /tmp/format.$$
[ "$bad" -eq 0 ] || { echo "$bad files: run tests/checks/format.sh --fix"; exit 1; }
echo "every C file is formatted"

#!/bin/bash
# Who may include whom (service/README.md, "Layers"): reads every #include "…" and fails on one that goes the wrong way.
set -u
cd "$(dirname "$0")/.."

# Longest folder first. Beside these, every folder may include itself and system headers. Generated headers count as proto/.
allowed() {
	case $1 in
	proto) echo "leadfit/v1 google/protobuf grpc/health" ;;
	service/engine) echo "" ;;
	storage/tlog) echo "" ;;
	storage) echo "storage/tlog proto/status.h proto/limits.h" ;;
	service) echo "service/engine storage/log.h storage/verify.h storage/tlog proto leadfit/v1 google/protobuf grpc/health" ;;
	client) echo "storage/tlog proto leadfit/v1 google/protobuf grpc/health" ;;
	esac
}

failures=0
checked=0
while IFS= read -r file; do
	case $file in
	service/engine/*) folder=service/engine ;;
	storage/tlog/*) folder=storage/tlog ;;
	*) folder=${file%%/*} ;;
	esac
	while IFS= read -r include; do
		checked=$((checked + 1))
		good=no
		for prefix in "$folder/" $(allowed "$folder"); do
			case $include in "$prefix"*) good=yes ;; esac
		done
		# A folder inside another is not "itself" for its parent's sake.
		[ "$folder" = service ] && case $include in service/engine/engine.h) ;; service/engine/*) good=no ;; esac
		# Without a folder: a header beside the file.
		case $include in */*) ;; *) [ -e "$(dirname "$file")/$include" ] && good=yes ;; esac
		if [ $good = no ]; then
			echo "$file includes \"$include\", which $folder may not"
			failures=$((failures + 1))
		fi
	done < <(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$file")
done < <(find proto service storage client -name '*.c' -o -name '*.h' | grep -v /generated/)

[ "$checked" -gt 50 ] || { echo "only $checked includes were found: the test looks in the wrong place"; exit 1; }
echo "$checked includes checked, $failures wrong"
[ "$failures" -eq 0 ]

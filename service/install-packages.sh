#!/bin/sh
# Installs what is missing of Debian's packages (12 or 13), as root or through sudo.
#
#   service/install-packages.sh build    to build leadfit
#   service/install-packages.sh test     to build and test it
#   service/install-packages.sh ci       for all that .ci/run does (Debian 12: clang-format 14)
#   service/install-packages.sh clients  for the examples in other languages (client/examples) and their tests
#   service/install-packages.sh matrix   for tests/clients/matrix.sh: those, a browser, npm and further languages
#   service/install-packages.sh run      to run what was built elsewhere
#
# Where everything is there already it does nothing and needs no root.
set -eu

build="cmake ninja-build gcc libc6-dev pkg-config protobuf-compiler libprotobuf-dev protobuf-c-compiler libprotobuf-c-dev
  libnng-dev libsqlite3-dev libjansson-dev libyaml-dev libssl-dev libsmartcols-dev libnghttp2-dev libunistring-dev libzip-dev
  libexpat1-dev scdoc
  libcmocka-dev libpq-dev"
run="libnng1 libprotobuf-c1 libsqlite3-0 libjansson4 libyaml-0-2 libssl3 libsmartcols1 libnghttp2-14 libexpat1 libpq5"
# What metrics, alerts and dashboards are tested with: promtool and a Prometheus, and disks that are slow.
metrics="prometheus strace"
# What the log in PostgreSQL is tested with: the distribution's newest, 15 or 17.
postgres="postgresql postgresql-client"
clients="python3-grpcio python3-protobuf python3-jsonschema python3-yaml nghttp2-client curl"
# Other languages' clients, and what tests/clients/matrix.sh has beyond those.
languages="python3 openssl curl jq protobuf-compiler protobuf-compiler-grpc python3-grpcio
  protobuf-compiler-grpc-java-plugin libgrpc-java libnetty-java libperfmark-java libprotobuf-java libgoogle-gson-java libguava-java
  libgeronimo-annotation-1.3-spec-java
  golang-go protoc-gen-go protoc-gen-go-grpc golang-google-grpc-dev golang-google-protobuf-dev golang-github-golang-protobuf-1-5-dev"
matrix="g++ pkg-config libgrpc++-dev ruby-grpc nghttp2-client chromium"
# A JDK or a Node.js that came another way does as well.
command -v javac >/dev/null || languages="$languages default-jdk-headless"
command -v npm >/dev/null || matrix="$matrix nodejs npm"
# llhttp is a library from Debian 13 on; Debian 12 has its sources in node-llhttp, which are compiled in.
case $(. /etc/os-release && echo "${VERSION_ID:-}") in
12)
	build="$build node-llhttp"
	run="$run libunistring2 libzip4"
	;;
*)
	build="$build libllhttp-dev"
	run="$run libllhttp9.2 libunistring5 libzip5"
	;;
esac

case ${1:-} in
build) wanted=$build ;;
test) wanted="$build $clients $metrics $postgres clang python3 sqlite3 openssl faketime" ;;
ci) wanted="$build $clients $metrics $postgres $languages clang clang-format clang-tidy python3 sqlite3 openssl git faketime" ;;
clients) wanted=$languages ;;
matrix) wanted="$languages $matrix" ;;
run) wanted=$run ;;
*)
	echo "usage: $0 build|test|ci|clients|matrix|run" >&2
	exit 2
	;;
esac

missing=
for package in $wanted; do
	status=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
	# Debian 13 renamed some libraries for 64-bit time; the new package provides the old name.
	case $status in ii*) continue ;; esac
	case $package in
	libssl3) dpkg-query -W libssl3t64 >/dev/null 2>&1 && continue ;;
	esac
	missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "installing:$missing" >&2
as_root=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || { echo "$0: not root, and there is no sudo; install these by hand:$missing" >&2; exit 1; }
	as_root=sudo
fi
$as_root apt-get update -q >&2
# shellcheck disable=SC2086 # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends $missing >&2

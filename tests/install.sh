#!/bin/bash
# What `cmake --install` leaves can be used as Debian users would. Arguments: the build folder, a C compiler.
set -eu
build=$(cd "${1:?usage: install.sh BUILD-FOLDER [CC]}" && pwd)
cc=${2:-cc}
top=$(cd "$(dirname "$0")/.." && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

cmake --install "$build" --prefix "$root" >/dev/null
lib=$(dirname "$(find "$root" -name libleadfit.so)")
for path in bin/leadfit sbin/leadfitd share/leadfit/rubrics/tech-lead.yaml share/man/man1/leadfit.1 share/man/man8/leadfitd.8 \
	share/bash-completion/completions/leadfit include/leadfit/client.h include/leadfit/v1/scoring.pb-c.h; do
	[ -e "$root/$path" ] || { echo "not ok - $path is installed"; exit 1; }
	echo "ok - $path is installed"
done

# The sanitizers of the build must be in a program that links its library.
flags=$(sed -n 's/^LF_SANITIZE:STRING=\(..*\)/-fsanitize=\1/p' "$build/CMakeCache.txt")

# The library exports what the headers declare; each header that users name compiles alone.
# shellcheck disable=SC2086 # a list of words
"$top/tests/checks/exports.py" "$lib/libleadfit.so" "$root/include" "$cc" $(pkg-config --cflags libprotobuf-c)
echo "ok - the library exports what its headers declare, and nothing else"
for header in client.h version.h proto/arena.h proto/json.h proto/limits.h proto/status.h proto/wire.h; do
	echo "#include <leadfit/$header>" | "$cc" -std=c11 -fsyntax-only -I"$root/include" -I"$root/include/leadfit" -x c - ||
		{ echo "not ok - leadfit/$header compiles alone"; exit 1; }
done
cat >"$root/names.c" <<EOT
#include <leadfit/proto/json.h>
int main(void) { return lf_nearest == 0 || lf_parse_instant == 0 || lf_parse_date == 0 || lf_buffer_append == 0; }
EOT
"$cc" -std=c11 -fsyntax-only -I"$root/include" -I"$root/include/leadfit" "$root/names.c"
echo "ok - headers compile alone, and json.h declares what it always did"

export PKG_CONFIG_PATH=$lib/pkgconfig
cp "$top/client/examples/c/score.c" "$root/example.c"
# shellcheck disable=SC2046,SC2086 # lists of words
"$cc" $flags -o "$root/example" "$root/example.c" $(pkg-config --cflags --libs leadfit) -Wl,-rpath,"$lib"
echo "ok - the example builds with pkg-config, whose file follows --prefix"
within() {
	[ "$(realpath "$(pkg-config --variable=includedir leadfit)")" = "$1/include" ] &&
		[ "$(realpath "$(pkg-config --variable=libdir leadfit)")" = "$1/${lib#"$root"/}" ] || { echo "not ok - leadfit.pc is of $1"; exit 1; }
}
within "$root"
mkdir "$root/moved"
cp -r "$root/include" "$root/moved"
mkdir -p "$root/moved/${lib#"$root"/}"
cp -r "$lib/pkgconfig" "$root/moved/${lib#"$root"/}"
(export PKG_CONFIG_PATH=$root/moved/${lib#"$root"/}/pkgconfig && within "$root/moved")
echo "ok - it follows a tree that is moved"

mkdir "$root/user"
cat >"$root/user/CMakeLists.txt" <<EOT
cmake_minimum_required(VERSION 3.25)
project(user C)
find_package(leadfit 0.1 REQUIRED)
add_executable(user ../example.c)
target_link_libraries(user PRIVATE leadfit::leadfit)
EOT
cmake -S "$root/user" -B "$root/user/build" -G Ninja -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$root" -DCMAKE_C_FLAGS="$flags" >/dev/null
cmake --build "$root/user/build" >/dev/null
echo "ok - the example builds with the CMake package"

LD_LIBRARY_PATH=$lib "$root/bin/leadfit" version | grep -q '^leadfit ' && echo "ok - the installed program runs"

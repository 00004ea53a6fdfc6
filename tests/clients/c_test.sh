#!/bin/bash
# The example for C, against what `cmake --install` leaves. A fourth argument: the build folder; a fifth: the compiler.
. "$(dirname "$0")/lib.sh"
build=$4
cc=$5
must cmake --install "$build" --prefix "$work/installed"
lib=$(dirname "$(find "$work/installed" -name libleadfit.so)")
# The sanitizers of the build must be in a program that links its library.
flags=$(sed -n 's/^LF_SANITIZE:STRING=\(..*\)/-fsanitize=\1/p' "$build/CMakeCache.txt")
export PKG_CONFIG_PATH=$lib/pkgconfig
# shellcheck disable=SC2046,SC2086 # lists of words
must "$cc" $flags -Wall -Wextra -Werror -o "$work/score" "$examples/c/score.c" $(pkg-config --cflags --libs leadfit) -Wl,-rpath,"$lib"
example() { SSL_CERT_FILE=${3:-} "$work/score" "$1" "$2"; }
services

claim "over nng, tcp:// or ipc://, the answer is the same"
run example "ipc://$work/open" "$request"; status_is 0; out_is "$answer"

example_claims "$examples/c/score.c"
finish

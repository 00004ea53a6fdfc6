#!/bin/bash
# The example for TypeScript, with Connect from npm. Needs its registry, so that tests/long.sh runs it and ctest does not.
. "$(dirname "$0")/lib.sh"
need npm npm
need protoc protobuf-compiler
mkdir -p "$work/client/examples"
cp -r "$examples/typescript" "$work/client/examples/typescript"
ln -s "$source_folder/proto" "$work/proto"
cd "$work/client/examples/typescript" || exit 1
rm -rf node_modules gen build
must npm install --no-audit --no-fund --no-package-lock
mkdir gen
must npm run generate
must npm run build
example() { node build/score.js "$1" "$2" ${3:+"$3"}; }
services
example_claims score.ts
finish

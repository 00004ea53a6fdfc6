#!/bin/bash
# The example for Python, with Debian's grpcio.
. "$(dirname "$0")/lib.sh"
need protoc protobuf-compiler
need grpc_python_plugin protobuf-compiler-grpc
"$python" -c 'import grpc, google.protobuf' 2>/dev/null || need python3-grpcio python3-grpcio
mkdir "$work/gen"
generate --plugin=protoc-gen-grpc_python="$(command -v grpc_python_plugin)" --python_out="$work/gen" --grpc_python_out="$work/gen"
example() { PYTHONPATH=$work/gen "$python" "$examples/python/score.py" "$1" "$2" ${3:+"$3"}; }
services
example_claims "$examples/python/score.py"
finish

#!/bin/bash
# The example for Go, with Debian's grpc-go and without modules, whose proxy Debian does not need.
. "$(dirname "$0")/lib.sh"
go=/usr/share/gocode/src
need go golang-go
need protoc-gen-go protoc-gen-go
need protoc-gen-go-grpc protoc-gen-go-grpc
need $go/google.golang.org/grpc/grpclog golang-google-grpc-dev
need $go/google.golang.org/protobuf/encoding/protojson golang-google-protobuf-dev
need $go/github.com/golang/protobuf/ptypes/any golang-github-golang-protobuf-1-5-dev
mkdir -p "$work/go/src"
generate --go_out="$work/go/src" --go-grpc_out="$work/go/src"
export GOCACHE=${GOCACHE:-${XDG_CACHE_HOME:-${HOME:-$work}/.cache}/go-build} GO111MODULE=off GOFLAGS="" GOPATH=$work/go:/usr/share/gocode
must go build -o "$work/score" "$examples/go/score.go"
example() { SSL_CERT_FILE=${3:-} "$work/score" "$1" "$2"; }
services
example_claims "$examples/go/score.go"
finish

#!/bin/bash
# The example for Java, with Debian's grpc-java. Its netty can't do TLS: "JDK provider does not support ALPN".
. "$(dirname "$0")/lib.sh"
java=/usr/share/java
need javac default-jdk-headless
need grpc_java_plugin protobuf-compiler-grpc-java-plugin
need $java/grpc-netty.jar libgrpc-java
need $java/netty-codec-http2.jar libnetty-java
need $java/perfmark-api.jar libperfmark-java
need $java/protobuf-util.jar libprotobuf-java
need $java/gson.jar libgoogle-gson-java
need $java/geronimo-annotation-1.3-spec.jar libgeronimo-annotation-1.3-spec-java
mkdir "$work/gen"
generate --plugin=protoc-gen-grpc-java="$(command -v grpc_java_plugin)" --java_out="$work/gen" --grpc-java_out="$work/gen"
jars=$(printf '%s:' $java/{grpc,netty}-*.jar $java/{protobuf,protobuf-util,guava,gson,perfmark-api,geronimo-annotation-1.3-spec}.jar)
must javac -nowarn -d "$work/classes" -cp "$jars" -sourcepath "$work/gen" "$examples/java/Score.java"
example() { java -XX:TieredStopAtLevel=1 -cp "$jars$work/classes" Score "$1" "$2" ${3:+"$3"}; }
services
example_claims "$examples/java/Score.java" no-tls

claim "https: it works, or the library says that it lacks ALPN"
run example "https://$open" "$request" "$ca"
[ "$status" = 0 ] && { out_is "$answer"; true; } || err_has ALPN
finish

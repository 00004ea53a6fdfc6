#!/bin/bash
# Other people's clients against the service, each protocol that they have, plain and over TLS: prints a table, and fails where
# a cell does. A cell is "ok" where the client got the answer that the CLI gets, and was told the invalid field of a request that
# has one. What npm's packages need is kept in BUILD/clients.
#
#   tests/clients/matrix.sh [BUILD]        default: build/release
#
# Needs what service/install-packages.sh matrix installs, and npm's registry on the first run.
build=$(cd "${1:-build/release}" && pwd) || exit 2
set -- "$build/bin/leadfit" "$build/bin/leadfitd" "$(cd "$(dirname "$0")/../.." && pwd)"
. "$(dirname "$0")/lib.sh"
matrix=$source_folder/tests/clients/matrix
node_folder=$build/clients
page_host=127.0.0.1 # what a page is asked for, and so its origin
failed=0

# What is built

build_node() {
	mkdir -p "$node_folder/gen"
	cp "$matrix/package.json" "$matrix"/*.mjs "$node_folder"
	(cd "$node_folder" && must npm install --no-audit --no-fund --no-package-lock) || exit 1
	generate --plugin=protoc-gen-es="$node_folder/node_modules/.bin/protoc-gen-es" --es_out="$node_folder/gen" --es_opt=target=js,import_extension=js
}
build_python() {
	mkdir "$work/python"
	generate --plugin=protoc-gen-grpc_python="$(command -v grpc_python_plugin)" --python_out="$work/python" --grpc_python_out="$work/python"
}
build_ruby() {
	mkdir "$work/ruby"
	generate --plugin=protoc-gen-grpc="$(command -v grpc_ruby_plugin)" --ruby_out="$work/ruby" --grpc_out="$work/ruby"
}
build_cpp() {
	local name
	mkdir "$work/cpp"
	generate --plugin=protoc-gen-grpc="$(command -v grpc_cpp_plugin)" --cpp_out="$work/cpp" --grpc_out="$work/cpp"
	set --
	for name in audit error rubric rubrics scoring team; do set -- "$@" "$work/cpp/leadfit/v1/$name.pb.cc"; done
	# shellcheck disable=SC2046 # a list of words
	must g++ -std=c++17 -O0 -I"$work/cpp" -o "$work/cpp/score" "$matrix/score.cc" "$@" "$work/cpp/leadfit/v1/scoring.grpc.pb.cc" \
		$(pkg-config --cflags --libs grpc++ protobuf)
}
build_go() {
	mkdir -p "$work/go/src"
	generate --go_out="$work/go/src" --go-grpc_out="$work/go/src"
	must env GO111MODULE=off GOFLAGS="" GOPATH="$work/go:/usr/share/gocode" go build -o "$work/go/score" "$examples/go/score.go"
}
build_java() {
	mkdir "$work/java"
	generate --plugin=protoc-gen-grpc-java="$(command -v grpc_java_plugin)" --java_out="$work/java" --grpc-java_out="$work/java"
	jars=$(printf '%s:' /usr/share/java/{grpc,netty}-*.jar /usr/share/java/{protobuf,protobuf-util,guava,gson,perfmark-api,geronimo-annotation-1.3-spec}.jar)
	must javac -nowarn -d "$work/java/classes" -cp "$jars" -sourcepath "$work/java" "$examples/java/Score.java"
}

# Clients: NAME... URL REQUEST [CA] prints the answer, or fails and says why

from_json() { # a Decision in JSON as the examples print it
	"$python" -c 'import json, sys
reply = json.load(sys.stdin)
if "code" in reply: sys.exit(reply["message"])
print(reply["recommended"], reply["outcome"], reply["explanation"][0], sep="\n")'
}
by_curl() { # HTTP-OPTION URL REQUEST [CA]
	curl -sS --max-time 20 "$1" ${4:+--cacert "$4"} -H 'content-type: application/json' --data-binary @"$3" "$2/leadfit.v1.Scoring/Score" | from_json
}
by_curl_get() { # HTTP-OPTION URL REQUEST [CA]
	local message
	message=$("$python" -c 'import json, sys; print(json.dumps({"project": json.load(open(sys.argv[1]))["project"]}))' "$3")
	curl -sS --max-time 20 "$1" ${4:+--cacert "$4"} -G --data-urlencode "message=$message" -d encoding=json -d connect=v1 \
		"$2/leadfit.v1.Scoring/Profile" | "$python" -c 'import json, sys
reply = json.load(sys.stdin)
if "code" in reply: sys.exit(reply["message"])
print(reply["explanation"][0])'
}
by_python() { PYTHONPATH=$work/python "$python" "$examples/python/score.py" "$1" "$2" ${3:+"$3"}; }
by_ruby() { ruby -I "$work/ruby" "$matrix/score.rb" "$1" "$2" ${3:+"$3"}; }
by_cpp() { "$work/cpp/score" "$1" "$2" ${3:+"$3"}; }
by_go() { SSL_CERT_FILE=${3:-} "$work/go/score" "$1" "$2"; }
by_java() { java -XX:TieredStopAtLevel=1 -cp "$jars$work/java/classes" Score "$1" "$2" ${3:+"$3"}; }
by_connect_node() { node "$node_folder/connect.mjs" "$1" "$2" "$3" "$4" "$5" ${6:+"$6"}; }
by_grpc_js() { node "$node_folder/grpc_js.mjs" "$1" "$2" ${3:+"$3"}; }
by_buf() { # BUF-OPTIONS URL REQUEST [CA]
	# shellcheck disable=SC2086 # a list of words
	"$node_folder/node_modules/.bin/buf" curl $1 ${4:+--cacert "$4"} -d @"$3" "$2/leadfit.v1.Scoring/Score" | from_json
}
by_chromium() { # URL REQUEST [CA]; the page is told by which of the two requests it is
	local page=/ spki
	[ "$2" = "$request" ] || page=/bad
	spki=$(openssl x509 -in "$work/tls.pem" -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64)
	timeout 120 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$work/chromium" --ignore-certificate-errors-spki-list="$spki" \
		--virtual-time-budget=20000 --dump-dom "http://$page_host:$page_port$page?$1" 2>"$work/chromium.log" |
		sed -n '/<pre id="answer">/,/^end/ { s/.*<pre id="answer">//; /^end/d; p }' | { if [ $page = / ]; then cat; else cat >&2; false; fi; }
}
by_cli() { # URL REQUEST [CA]
	"$leadfit" --server "$1" ${3:+--ca "$3"} call leadfit.v1.Scoring/Score "$(cat "$2")" | from_json
}
by_h2load() { # URL: 256 health checks over 4 connections
	printf '\0\0\0\0\0' >"$work/empty.grpc"
	h2load -n 256 -c 4 -m 16 -d "$work/empty.grpc" -H 'content-type: application/grpc' -H 'te: trailers' "$1/grpc.health.v1.Health/Check" |
		grep -q '256 succeeded, 0 failed, 0 errored'
}

# The table

# try SCHEME COMMAND...: one cell.
try() {
	local scheme=$1 trusted=
	shift
	if [ "$1" = by_h2load ]; then
		"$@" "$scheme://$open" >"$work/out" 2>"$work/err" && echo ok || echo FAILED
		return
	fi
	[ "$scheme" = http ] || trusted=$ca
	if ! "$@" "$scheme://$open" "$good" "$trusted" >"$work/out" 2>"$work/err" || [ "$(cat "$work/out")" != "$want" ]; then
		grep -q 'does not support ALPN' "$work/err" && echo "no: ALPN" || echo FAILED
		return
	fi
	if "$@" "$scheme://$open" "$bad" "$trusted" >"$work/out" 2>"$work/err" || ! grep -qF "$names" "$work/err"; then
		echo "FAILED (error)"
		return
	fi
	echo ok
}
row() { # CLIENT PROTOCOL COMMAND...
	local plain tls client=$1 protocol=$2
	shift 2
	plain=$(try http "$@")
	[[ $plain != FAILED* ]] || { failed=$((failed + 1)); show; }
	tls=$(try https "$@")
	[[ $tls != FAILED* ]] || { failed=$((failed + 1)); show; }
	printf '| %-34s | %-34s | %-8s | %-8s |\n' "$client" "$protocol" "$plain" "$tls"
}
show() { head -n 5 "$work/out" "$work/err" >&2; }
version() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null | sed 's/^[0-9]*://; s/[-+].*//'; }
npm_version() { sed -n 's/^  "version": "\(.*\)",*/\1/p' "$node_folder/node_modules/$1/package.json"; }

for part in node python ruby cpp go java; do
	echo "building: $part" >&2
	build_$part
done
# The page's server ends when its input does, with this script.
coproc PAGE { exec "$matrix/page.py" "$request" "$bad"; }
read -r page_port <&"${PAGE[0]}"
services --allow-origin "http://127.0.0.1:$page_port"

want=$answer good=$request names=$refusal
line=$(printf -- '-%.0s' $(seq 34))
printf '| %-34s | %-34s | %-8s | %-8s |\n|-%s-|-%s-|----------|----------|\n' client protocol plain TLS "$line" "$line"
row "curl $(version curl)" "Connect JSON, HTTP/1.1" by_curl --http1.1
row "curl $(version curl)" "Connect JSON, HTTP/2" by_curl --http2-prior-knowledge
row "Chromium $(version chromium), fetch" "Connect JSON" by_chromium
row "grpcio $(version python3-grpcio)" gRPC by_python
row "grpc-java $(version libgrpc-java)" gRPC by_java
row "grpc-go $(version golang-google-grpc-dev)" gRPC by_go
row "gRPC C++ $(version libgrpc++-dev)" gRPC by_cpp
row "Ruby grpc $(version ruby-grpc)" gRPC by_ruby
row "grpc-js $(npm_version @grpc/grpc-js)" gRPC by_grpc_js
node="connect-node $(npm_version @connectrpc/connect-node)"
row "$node" gRPC by_connect_node grpc 2 proto
for http in 1.1 2; do
	row "$node" "gRPC-Web, HTTP/$http" by_connect_node grpc-web $http proto
	for format in json proto; do row "$node" "Connect $format, HTTP/$http" by_connect_node connect $http $format; done
done
buf="buf curl $(npm_version @bufbuild/buf)"
schema="--schema $source_folder/proto"
row "$buf" "gRPC, reflection" by_buf "--reflect --protocol grpc --http2-prior-knowledge"
row "$buf" gRPC by_buf "$schema --protocol grpc --http2-prior-knowledge"
row "$buf" gRPC-Web by_buf "$schema --protocol grpcweb"
row "$buf" Connect by_buf "$schema --protocol connect"
row "leadfit $("$leadfit" version | sed -n 's/^leadfit //p' | head -n 1)" gRPC by_cli
row "h2load $(version nghttp2-client)" "gRPC, 64 in flight" by_h2load

# What only reads is called by GET, too.
want=$("$leadfit" --server "ipc://$work/open" call leadfit.v1.Scoring/Profile "$("$python" -c 'import json, sys
print(json.dumps({"project": json.load(open(sys.argv[1]))["project"]}))' "$request")" | "$python" -c 'import json, sys
print(json.load(sys.stdin)["explanation"][0])')
bad=$work/bad_trait.json names='project.traits["interaction_focus"]'
sed 's/"interaction_focus": 0.9/"interaction_focus": 7/' "$request" >"$bad"
row "curl $(version curl)" "Connect GET JSON, HTTP/1.1" by_curl_get --http1.1
row "curl $(version curl)" "Connect GET JSON, HTTP/2" by_curl_get --http2-prior-knowledge
for format in json proto; do row "$node" "Connect GET $format, HTTP/2" by_connect_node get 2 $format; done

# A page of another origin gets nothing.
if [[ $(page_host=localhost by_chromium "http://$open" "$request" 2>/dev/null) == refused:* ]]; then
	echo "A page of another origin is refused."
else
	failed=$((failed + 1))
	echo "A page of another origin is NOT refused."
fi
echo "$failed failed"
[ "$failed" = 0 ]

#!/bin/bash
# The image and the compose file, really built and run: scores the example, stops everything, starts it again, and finds the decision.
# Needs a Docker engine (and docker-compose); everything that it makes is removed at the end. Arguments: none.
set -eu
cd "$(dirname "$0")/.."
export DOCKER_BUILDKIT=0 COMPOSE_DOCKER_CLI_BUILD=0
project=leadfit-test-$$
compose() { docker-compose -p "$project" "$@"; }
trap 'compose down -v --remove-orphans >/dev/null 2>&1 || true' EXIT

claim() { echo "ok - $*"; }
fail() { echo "not ok - $*"; compose logs --no-color leadfitd || true; exit 1; }
wait_healthy() {
	for _ in $(seq 120); do
		[ "$(docker inspect -f '{{.State.Health.Status}}' "$(compose ps -q leadfitd)")" = healthy ] && return
		sleep 0.5
	done
	fail "the service becomes healthy"
}

docker build --network host -t leadfit -f service/Dockerfile . >"/tmp/$project.log" 2>&1 || { tail -n 30 "/tmp/$project.log"; exit 1; }
claim "the image builds"
[ "$(docker inspect -f '{{.Config.User}}' leadfit)" = leadfit ] || fail "the image does not run as root"
claim "the image does not run as root"

compose up -d leadfitd
wait_healthy
claim "the service becomes healthy by the CLI's own health command"

answer=$(compose run --rm score --output json score --team /usr/share/doc/leadfit/examples/team.yaml \
	--project /usr/share/doc/leadfit/examples/project.yaml 2>/dev/null) || fail "the example is scored"
id=$(printf '%s' "$answer" | sed -n 's/.*"decisionId": *"\([^"]*\)".*/\1/p' | head -n 1)
[ -n "$id" ] || fail "the answer has an id: $answer"
claim "the example is scored: $id"

compose run --rm score >/dev/null 2>&1 || fail "the one-shot container prints a table"
claim "the one-shot container prints a table"

compose stop leadfitd
[ "$(docker inspect -f '{{.State.ExitCode}}' "$(compose ps -aq leadfitd 2>/dev/null || compose ps -q leadfitd)")" = 0 ] || fail "the service stops with status 0"
claim "the service stops with status 0"
compose rm -f leadfitd >/dev/null
compose up -d leadfitd
wait_healthy
compose run --rm score decisions show "$id" --output json 2>/dev/null | grep -q "$id" || fail "the decision is still there"
claim "after a new container on the same volume the decision is still there"
rm -f "/tmp/$project.log"

#!/bin/sh
# From nothing to a first answer: installs what is missing, builds, starts the service on a fresh decision log,
# scores the example team for the example project, shows the log, and stops the service again.
#
#   ./service/quickstart.sh
#
# Everything it leaves behind is under build/: what the build makes, and a new folder for the decision log of each run.
# It can be run again at any time, also while a service uses the log of an earlier run: it deletes nothing of those.
set -eu
cd "$(dirname "$0")/.."

service/install-packages.sh build
echo "== Building (build/release)"
mkdir -p build
cmake --preset release >build/quickstart.log 2>&1 && cmake --build --preset release --target leadfitd leadfit_cli >>build/quickstart.log 2>&1 || {
	tail -n 30 build/quickstart.log >&2
	echo "quickstart: the build failed; all of its output is in build/quickstart.log" >&2
	exit 1
}
PATH=$PWD/build/release/bin:$PATH

# A log of its own, and a socket whose path is short enough for any place this checkout may be in.
data=$(mktemp -d "build/quickstart-$(date +%Y%m%d-%H%M%S)-XXXX")
run=$(mktemp -d)
daemon=
clean_up() {
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait "$daemon" 2>/dev/null || true
	rm -rf "$run"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

echo "== Starting the service"
LEADFIT_SERVER=ipc://$run/leadfit.sock
export LEADFIT_SERVER
leadfitd --db "$data/leadfit.db" --listen "$LEADFIT_SERVER" --log text 2>"$data/leadfitd.log" &
daemon=$!
tries=0
until leadfit health >/dev/null 2>&1; do
	tries=$((tries + 1))
	if [ $tries -gt 100 ] || ! kill -0 "$daemon" 2>/dev/null; then
		cat "$data/leadfitd.log" >&2
		echo "quickstart: the service did not come up" >&2
		exit 1
	fi
	sleep 0.1
done

echo "== leadfit score --team service/examples/team.yaml --project service/examples/project.yaml"
echo
leadfit score --team service/examples/team.yaml --project service/examples/project.yaml
echo
echo "== leadfit decisions list"
echo
leadfit decisions list

kill "$daemon"
wait "$daemon" || { echo "quickstart: the service did not end well; see $data/leadfitd.log" >&2; exit 1; }
daemon=
echo
echo "== The service is stopped. Its decision log is $data/leadfit.db. To go on by hand:"
echo "   build/release/bin/leadfitd --db $data/leadfit.db"
echo "   build/release/bin/leadfit decisions list        # in another terminal"

#!/bin/bash
# Which flights will be late, from the raw files to an endpoint, in a server of its own, in a
# folder that goes in the end. [FOLDER] holds the data sets bts_ontime_2008, openflights and noaa, as the
# README says. LATHE names the program.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
lathe=${LATHE:-$here/../../build/release/lathe}

LATHE_HOME=$(mktemp -d "${TMPDIR:-/tmp}/lathe-flights.XXXXXX")
export LATHE_HOME
leave() {
    "$lathe" stop >"$LATHE_HOME/stopped" 2>&1 && wait || true
    rm -rf "$LATHE_HOME"
}
trap leave EXIT

"$lathe" serve --listen 127.0.0.1:0 >"$LATHE_HOME/served" &
until grep -so 'http://.*' "$LATHE_HOME/served" >"$LATHE_HOME/url"; do
    kill -0 $! || exit 1 # it said why
    sleep 0.05
done
LATHE=$lathe "$here/steps.sh" "$@"

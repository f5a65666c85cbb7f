#!/bin/bash
# How many cycles engines have left, from their raw files to an endpoint, in a server of its own, in a
# folder that goes in the end. [FOLDER] holds NASA's files of FD001, as they are or as .gz; without it
# engines are generated. LATHE names the program.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
lathe=${LATHE:-$here/../../build/release/lathe}

LATHE_HOME=$(mktemp -d "${TMPDIR:-/tmp}/lathe-cmapss.XXXXXX")
export LATHE_HOME
leave() {
    "$lathe" stop >"$LATHE_HOME/stopped" 2>&1 && wait || true
    rm -rf "$LATHE_HOME"
}
trap leave EXIT

# The clock is one that can be moved: a stream delivers by the hour, and nobody wants to wait for it.
"$lathe" serve --listen 127.0.0.1:0 --test-clock >"$LATHE_HOME/served" &
until url=$(grep -so 'http://.*' "$LATHE_HOME/served"); do
    kill -0 $! || exit 1 # it said why
    sleep 0.05
done
LATHE=$lathe URL=$url "$here/steps.sh" "$@"

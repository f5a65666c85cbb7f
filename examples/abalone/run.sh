#!/bin/bash
# A large female abalone, and how many rings to expect. [ROWS.csv]
exec "$(dirname "$0")/../run.sh" abalone 'F,0.62,0.51,0.175,1.26,0.52,0.27,0.39' "$@"

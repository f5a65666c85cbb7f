#!/bin/bash
# The demo: a worn tool under high torque, and how likely it fails. [ROWS.csv]
exec "$(dirname "$0")/../run.sh" ai4i 'L,301.6,310.6,1318,63.2,208' "$@"

#!/bin/bash
# A cheap, safe car for four, and what to think of it. [ROWS.csv]
exec "$(dirname "$0")/../run.sh" car 'low,low,4,4,big,high' "$@"

#!/bin/bash
# Runs Fixtures.scala as build.sh compiled it: run.sh BUILT ARGUMENT...
set -euo pipefail

built=$1
shift
opens=()
for package in lang nio util lang.invoke net; do
    opens+=("--add-opens=java.base/java.$package=ALL-UNNAMED")
done
opens+=(--add-opens=java.base/sun.nio.ch=ALL-UNNAMED
        --add-opens=java.base/sun.security.action=ALL-UNNAMED)
exec java "${opens[@]}" -cp "$(cat "$built/classpath")" Fixtures "$@"

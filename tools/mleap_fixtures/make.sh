#!/bin/bash
# Writes the bundles of tests/feature/bundles with real MLeap.
#
#   make.sh VERSION BUILT FOLDER
#
# VERSION  0.20 or 0.24
# BUILT    what build.sh made for it
# FOLDER   tests/feature/bundles, with its rows.json
set -euo pipefail

version=$1 built=$2 folder=$(cd "$3" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
"$here/run.sh" "$built" write "$work" "$folder/rows.json"
# One of them as folders and in archives; of the others the zip is enough.
tar -C "$work/machine" --sort=name --owner=0 --group=0 --mtime=@0 -cf - bundle.json root |
    gzip -n > "$work/machine.tar.gz"
mkdir "$work/model" && cp "$work/machine.zip" "$work/model/machine.zip"
tar -C "$work/model" --format=pax --owner=0 --group=0 --mtime=@0 -cf - machine.zip |
    gzip -n > "$work/model.tar.gz"
rm -rf "${folder:?}/$version"
mkdir "$folder/$version"
cp -r "$work"/*.zip "$work"/*.json "$work"/*.tar.gz "$work/machine" "$work/runtime" \
    "$folder/$version"

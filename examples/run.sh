#!/bin/bash
# run.sh NAME QUESTION [ROWS.csv]: an example's workflow from raw rows to an endpoint, and a question
# asked of that. Without a file the rows are generated. Everything happens in a folder of its own,
# which goes in the end; LATHE names the program.
set -euo pipefail
examples=$(cd "$(dirname "$0")" && pwd)
name=$1 question=$2 rows=${3:-}
lathe=${LATHE:-$examples/../build/release/lathe}

LATHE_HOME=$(mktemp -d "${TMPDIR:-/tmp}/lathe-$name.XXXXXX")
export LATHE_HOME
leave() {
    "$lathe" stop >"$LATHE_HOME/stopped" 2>&1 && wait || true
    rm -rf "$LATHE_HOME"
}
trap leave EXIT

say() { printf '\n--- %s\n' "$*"; }

"$lathe" serve --listen 127.0.0.1:0 >"$LATHE_HOME/served" &
until url=$(grep -so 'http://.*' "$LATHE_HOME/served"); do
    kill -0 $! || exit 1 # it said why
    sleep 0.05
done

if [ -z "$rows" ]; then
    rows=$LATHE_HOME/$name.csv
    "$lathe" sample "$name" --rows 10000 --seed 1 >"$rows"
fi
say "raw rows: $(wc -l <"$rows") lines of CSV land as s3://lathe-$name/raw/$(basename "$rows")"
head -n 3 "$rows"
"$lathe" call s3 CreateBucket "{\"Bucket\": \"lathe-$name\"}" >"$LATHE_HOME/answer"
"$lathe" call s3 PutObject --body "$rows" \
    "{\"Bucket\": \"lathe-$name\", \"Key\": \"raw/$(basename "$rows")\"}" >"$LATHE_HOME/answer"

say "examples/$name/pipeline.yaml: features, training, evaluation, a condition, an endpoint"
"$lathe" run "$examples/$name/pipeline.yaml" -p "InputData=s3://lathe-$name/raw/"

say "a raw row is answered over HTTP"
endpoint=$("$lathe" call sagemaker ListEndpoints '{}' |
    sed -n 's/.*"EndpointName": "\(.*\)".*/\1/p')
printf "$ curl -H 'Content-Type: text/csv' --data-binary '%s' \\\\\n      %s\n" "$question" \
    "$url/endpoints/$endpoint/invocations"
if command -v curl >/dev/null; then
    curl --silent --show-error --fail-with-body -H 'Content-Type: text/csv' \
        --data-binary "$question" "$url/endpoints/$endpoint/invocations"
else
    "$lathe" call sagemaker-runtime InvokeEndpoint --body <(printf %s "$question") \
        "{\"EndpointName\": \"$endpoint\", \"ContentType\": \"text/csv\"}"
fi

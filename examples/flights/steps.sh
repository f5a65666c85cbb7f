#!/bin/bash
# The steps of run.sh, in the server of LATHE_HOME. FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/lathe-flights-work.XXXXXX")
trap 'rm -rf "$work"' EXIT
role=arn:aws:iam::000000000000:role/lathe
bucket=lathe-flights
folder=${1:?"a folder with bts_ontime_2008, openflights and noaa is needed"}

. "$here/../steps.sh"
query() { "$LATHE" query "$1" --database flights "${@:2}"; }
put() { call s3 PutObject --body "$1" "{\"Bucket\": \"$bucket\", \"Key\": \"$2\"}"; }

a_job() { # NAME: a file of statements, run by a job whose command is lathe-sql
    put "$here/$1.sql" "code/$1.sql"
    call glue CreateJob "{\"Name\": \"flights-$1\", \"Role\": \"$role\",
        \"Command\": {\"Name\": \"lathe-sql\", \"ScriptLocation\": \"s3://$bucket/code/$1.sql\"},
        \"DefaultArguments\": {\"--database\": \"flights\"}}"
    call glue StartJobRun "{\"JobName\": \"flights-$1\"}"
    run=$(member JobRunId)
    while call glue GetJobRun "{\"JobName\": \"flights-$1\", \"RunId\": \"$run\"}"
          state=$(member JobRunState); [[ $state =~ ^(STARTING|WAITING|RUNNING|STOPPING)$ ]]; do
        sleep 0.1
    done
    [ "$state" = SUCCEEDED ] || { cat "$work/answer"; exit 1; }
}

say "raw files land as s3://$bucket/raw/ and are tables"
call s3 CreateBucket "{\"Bucket\": \"$bucket\"}"
call glue CreateDatabase '{"DatabaseInput": {"Name": "flights"}}'
for file in "$folder"/bts_ontime_2008/ontime_*; do put "$file" "raw/ontime/$(basename "$file")"; done
put "$folder/bts_ontime_2008/carriers.csv" raw/carriers/carriers.csv
put "$folder/bts_ontime_2008/plane-data.csv.gz" raw/planes/plane-data.csv.gz
put "$folder/openflights/airports.dat.gz" raw/airports/airports.dat.gz
put "$folder/noaa/ghcn_daily_USW00094846_2001_2015.csv.gz" raw/weather/USW00094846.csv.gz
a_job tables
query "$(cat "$here/stations.sql")" --format csv --output "$work/stations.csv"
put "$work/stations.csv" raw/stations/stations.csv

say "flights.sql: flights with their carriers, planes, airports and weather, in UTC"
a_job flights
query "SELECT origin, dest, airline, manufacturer, departs, scheduled, arrdelay, origin_rain
       FROM flights WHERE origin = 'ORD' ORDER BY scheduled, carrier, flight LIMIT 3"

say "features.sql, channels.sql: what was known, and when"
a_job features
a_job channels

# More delays known never mean less to come; the first five columns, the schedule's own, are free. Of the
# two hours, which tell moments apart and not only days, trees learn more than they learn by heart.
declare -A signs=([schedule]="(0,0,0,0,0$(printf ',1%.0s' {1..18}))" [hours-before]='(0)' [aircraft]='(0)')
for known in schedule hours-before aircraft; do
    say "pipeline.yaml: training on January and February, evaluation on March ($known)"
    "$LATHE" run "$here/pipeline.yaml" -p "Known=$known" -p "Signs=${signs[$known]}"
    call s3 ListObjectsV2 "{\"Bucket\": \"$bucket\", \"Prefix\": \"runs/$known/\"}"
    key=$(member Key | grep evaluation.json)
    "$LATHE" call s3 GetObject --out "$work/evaluation" \
        "{\"Bucket\": \"$bucket\", \"Key\": \"$key\"}" >"$work/answer"
    auc=$(tr -d ' \n' <"$work/evaluation" | sed 's/.*"auc":{[^}]*"value":\([0-9.]*\).*/\1/')
    printf '%s: AUC %s\n' "$known" "$auc"
done

say "batch transform: all of March, as it was known two hours before each departure"
call sagemaker DescribeEndpointConfig '{"EndpointConfigName": "flights-hours-before"}'
call sagemaker CreateTransformJob "{\"TransformJobName\": \"flights-march\",
    \"ModelName\": \"$(member ModelName)\", \"BatchStrategy\": \"MultiRecord\",
    \"TransformInput\": {
        \"DataSource\": {\"S3DataSource\": {\"S3DataType\": \"S3Prefix\",
            \"S3Uri\": \"s3://$bucket/march/\"}},
        \"ContentType\": \"text/csv\", \"CompressionType\": \"Gzip\", \"SplitType\": \"Line\"},
    \"DataProcessing\": {\"InputFilter\": \"\$[6:]\", \"JoinSource\": \"Input\",
        \"OutputFilter\": \"\$[0,1,2,3,4,5,-1]\"},
    \"TransformOutput\": {\"S3OutputPath\": \"s3://$bucket/scores/\", \"AssembleWith\": \"Line\"},
    \"TransformResources\": {\"InstanceType\": \"ml.m5.large\", \"InstanceCount\": 1}}"
while call sagemaker DescribeTransformJob '{"TransformJobName": "flights-march"}'
      state=$(member TransformJobStatus); [ "$state" = InProgress ]; do
    sleep 0.1
done
[ "$state" = Completed ] || { cat "$work/answer"; exit 1; }
query "CREATE EXTERNAL TABLE scores (carrier string, flight int, origin string, dest string, scheduled bigint,
                                     late int, chance double)
       ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://$bucket/scores/'"
query "$(cat "$here/score.sql")" --format csv >"$work/scored"
tail -n +2 "$work/scored" | tr -d '"' | sed 's/\(.*\),\(.*\)/scored: \1 flights, AUC \2/'

say "clean-up"
call sagemaker ListEndpoints '{}'
for endpoint in $(member EndpointName); do
    call sagemaker DeleteEndpoint "{\"EndpointName\": \"$endpoint\"}"
    call sagemaker DeleteEndpointConfig "{\"EndpointConfigName\": \"$endpoint\"}"
done
call sagemaker ListModels '{}'
for model in $(member ModelName); do call sagemaker DeleteModel "{\"ModelName\": \"$model\"}"; done
call sagemaker DeletePipeline \
    '{"PipelineName": "flights", "ClientRequestToken": "delete-the-pipeline-of-flights-once"}'
for name in tables flights features channels; do
    call glue DeleteJob "{\"JobName\": \"flights-$name\"}"
done
call glue DeleteDatabase '{"Name": "flights"}' # and its tables
delete_buckets # the rows', and that of the queries' results
echo "nothing is left"

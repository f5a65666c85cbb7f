#!/bin/bash
# The steps of run.sh, in the server of LATHE_HOME, which listens at URL and whose clock can be moved.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/lathe-cmapss-work.XXXXXX")
trap 'rm -rf "$work"' EXIT
role=arn:aws:iam::000000000000:role/lathe
bucket=lathe-cmapss

. "$here/../steps.sh"
query() { "$LATHE" query "$1" --database cmapss "${@:2}"; }

an_hour_passes() {
    if command -v curl >/dev/null; then
        curl --silent --show-error --fail-with-body -X POST "$URL/_lathe/clock/3600" >"$work/answer"
    else
        wget -q -O "$work/answer" --post-data= "$URL/_lathe/clock/3600"
    fi
}

# --- raw files ----------------------------------------------------------------------------------

a_file() { # NAME: as it is, or unpacked
    if [ -e "$folder/$1.gz" ]; then gzip -dc "$folder/$1.gz"; else cat "$folder/$1"; fi
}

# Engines that end within the rows; for the test other engines, each cut off somewhere.
generate() {
    "$LATHE" sample cmapss --rows 20000 --seed 1 >"$work/all"
    awk 'NR == FNR { last = $1; next } $1 < last' "$work/all" "$work/all" >"$work/train_FD001.txt"
    "$LATHE" sample cmapss --rows 20000 --seed 2 >"$work/all"
    awk -v rul="$work/RUL_FD001.txt" '
        NR == FNR { last = $1; life[$1] = $2; next }
        $1 == last { exit }
        $1 != engine { engine = $1; keep = int(life[engine] * (30 + engine * 37 % 68) / 100)
                       print life[engine] - keep >rul }
        $2 <= keep' "$work/all" "$work/all" >"$work/test_FD001.txt"
}

folder=${1:-$work}
[ $# -gt 0 ] || generate
for file in train_FD001.txt test_FD001.txt; do a_file "$file" >"$work/$file.rows"; done
train=$work/train_FD001.txt.rows test=$work/test_FD001.txt.rows
a_file RUL_FD001.txt | awk '{ print NR, $1 }' >"$work/lives" # line 5 is of engine 5

# --- rows into the lake -------------------------------------------------------------------------

call s3 CreateBucket "{\"Bucket\": \"$bucket\"}"
call glue CreateDatabase '{"DatabaseInput": {"Name": "cmapss"}}'
call firehose CreateDeliveryStream "{\"DeliveryStreamName\": \"cmapss\",
    \"ExtendedS3DestinationConfiguration\": {
        \"RoleARN\": \"$role\", \"BucketARN\": \"arn:aws:s3:::$bucket\",
        \"Prefix\": \"raw/hour=!{timestamp:yyyy-MM-dd-HH}/\", \"ErrorOutputPrefix\": \"errors/\",
        \"BufferingHints\": {\"SizeInMBs\": 128, \"IntervalInSeconds\": 300}}}"

names=$(printf '"setting_%d", ' 1 2 3)$(seq -f '"sensor_%g"' -s ', ' 21)
call glue CreateClassifier "{\"CsvClassifier\": {\"Name\": \"cmapss\", \"Delimiter\": \" \",
    \"ContainsHeader\": \"ABSENT\", \"Header\": [\"unit_number\", \"cycle\", $names]}}"

a_crawler() { # NAME [MORE]
    call glue CreateCrawler "{\"Name\": \"cmapss-$1\", \"Role\": \"$role\",
        \"DatabaseName\": \"cmapss\", \"Classifiers\": [\"cmapss\"],
        \"Targets\": {\"S3Targets\": [{\"Path\": \"s3://$bucket/$1/\"}]}}"
}
crawl() {
    call glue StartCrawler "{\"Name\": \"cmapss-$1\"}"
    until call glue GetCrawler "{\"Name\": \"cmapss-$1\"}"; [ "$(member State)" = READY ]; do
        sleep 0.1
    done
    grep -q '"Status": "SUCCEEDED"' "$work/answer" || { cat "$work/answer"; exit 1; }
}

call s3 PutObject --body "$here/wear.sql" "{\"Bucket\": \"$bucket\", \"Key\": \"code/wear.sql\"}"
call glue CreateJob "{\"Name\": \"cmapss-wear\", \"Role\": \"$role\",
    \"Command\": {\"Name\": \"lathe-sql\", \"ScriptLocation\": \"s3://$bucket/code/wear.sql\"},
    \"DefaultArguments\": {\"--database\": \"cmapss\",
                           \"--job-bookmark-option\": \"job-bookmark-enable\"}}"
etl() { # BATCH
    call glue StartJobRun "{\"JobName\": \"cmapss-wear\", \"Arguments\": {\"--batch\": \"$1\"}}"
    run=$(member JobRunId)
    while call glue GetJobRun "{\"JobName\": \"cmapss-wear\", \"RunId\": \"$run\"}"
          state=$(member JobRunState); [[ $state =~ ^(STARTING|WAITING|RUNNING|STOPPING)$ ]]; do
        sleep 0.1
    done
    [ "$state" = SUCCEEDED ] || { cat "$work/answer"; exit 1; }
}

a_crawler raw
a_crawler wear
a_delivery() { # BATCH ROWS
    "$LATHE" publish cmapss "$2"
    an_hour_passes
    until query "SHOW PARTITIONS raw" 2>"$work/missing" | grep -q . &&
          [ "$(query 'SELECT count(DISTINCT hour) FROM raw' --format csv | tail -n 1)" = "\"$1\"" ]
    do crawl raw; done
    etl "$1"
    crawl wear
}

# An engine's rows are in one delivery: how long it lived is the last cycle that is there.
half=$(awk '{ last = $1 } END { print int(last / 2) }' "$train")
awk -v half="$half" '$1 <= half' "$train" >"$work/first"
awk -v half="$half" '$1 > half' "$train" >"$work/second"

say "engines 1 to $half are published, delivered below their hour, crawled, and told their lives"
a_delivery 1 "$work/first"
say "CSV by unit_number % 3"
columns=$(printf 'sensor_%d, ' 2 3 4 7 8 9 11 12 13 14 15 17 20 21)
chosen="SELECT unit_number, cycle, ${columns}rul, unit_number % 3 AS part FROM"
as_csv="format = 'TEXTFILE', field_delimiter = ',', partitioned_by = ARRAY['part']"
query "CREATE TABLE split WITH ($as_csv, external_location = 's3://$bucket/split/') AS
       $chosen wear WHERE batch = '1'"
say "the next hour brings the others; the job's bookmark leaves what it has read"
a_delivery 2 "$work/second"
query "INSERT INTO split $chosen wear WHERE batch = '2'"
query "SELECT part, count(DISTINCT unit_number) AS engines, count(*) AS cycles, max(rul) AS longest
       FROM split GROUP BY part ORDER BY part"

say "the test engines, cut off before they failed, and how long each had left"
call s3 PutObject --body "$test" "{\"Bucket\": \"$bucket\", \"Key\": \"test/test_FD001.txt\"}"
call s3 PutObject --body "$work/lives" "{\"Bucket\": \"$bucket\", \"Key\": \"lives/RUL_FD001.txt\"}"
a_crawler test
crawl test
query "CREATE EXTERNAL TABLE lives (unit_number bigint, \`left\` bigint)
       ROW FORMAT DELIMITED FIELDS TERMINATED BY ' ' LOCATION 's3://$bucket/lives/'"
query "CREATE TABLE test_split WITH ($as_csv, external_location = 's3://$bucket/test_split/') AS
       $chosen (SELECT t.*, l.\"left\" + max(cycle) OVER (PARTITION BY t.unit_number) - cycle AS rul
                FROM test t JOIN lives l ON l.unit_number = t.unit_number)"

# --- features, training, an endpoint ------------------------------------------------------------

say "features.sql, training.sql: what is known at each cycle"
query "$(cat "$here/features.sql")"
query "$(cat "$here/training.sql")"
say "pipeline.yaml: training, evaluation, a condition, registry, endpoint"
"$LATHE" run "$here/pipeline.yaml"

say "the endpoint is asked about the last cycle of each test engine"
query "SELECT * FROM training WHERE source = 'test'" --format csv | tail -n +2 | tr -d '"' |
    sed 's/,test$//' >"$work/asked"
cut -d, -f2- "$work/asked" >"$work/features"
call sagemaker-runtime InvokeEndpoint --body "$work/features" --out "$work/answers" \
    '{"EndpointName": "cmapss", "ContentType": "text/csv"}'
tr , '\n' <"$work/answers" | paste -d, <(cut -d, -f1 "$work/asked") - >"$work/predictions"
call s3 PutObject --body "$work/predictions" \
    "{\"Bucket\": \"$bucket\", \"Key\": \"predictions/predictions.csv\"}"
query "CREATE EXTERNAL TABLE predictions (rul bigint, prediction double)
       ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://$bucket/predictions/'"
query "$(cat "$here/score.sql")"

# --- clean-up: in AWS's order -------------------------------------------------------------------

say "clean-up"
call sagemaker DeleteEndpoint '{"EndpointName": "cmapss"}'
call sagemaker DeleteEndpointConfig '{"EndpointConfigName": "cmapss"}'
call sagemaker ListModels '{}'
for model in $(member ModelName); do call sagemaker DeleteModel "{\"ModelName\": \"$model\"}"; done
call sagemaker ListModelPackages '{"ModelPackageGroupName": "cmapss"}'
for package in $(member ModelPackageArn); do
    call sagemaker DeleteModelPackage "{\"ModelPackageName\": \"$package\"}"
done
call sagemaker DeleteModelPackageGroup '{"ModelPackageGroupName": "cmapss"}'
call sagemaker DeletePipeline \
    '{"PipelineName": "cmapss", "ClientRequestToken": "delete-the-pipeline-of-cmapss-once"}'
call glue DeleteJob '{"JobName": "cmapss-wear"}'
for name in raw wear test; do call glue DeleteCrawler "{\"Name\": \"cmapss-$name\"}"; done
call glue DeleteClassifier '{"Name": "cmapss"}'
call glue DeleteDatabase '{"Name": "cmapss"}' # and its tables
call firehose DeleteDeliveryStream '{"DeliveryStreamName": "cmapss"}'
delete_buckets # the rows', and that of the queries' results
echo "nothing is left"

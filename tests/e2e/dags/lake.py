"""The provider's operators, sensors and triggers of S3, Glue and Athena, one after another."""

import json

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.amazon.aws.operators.athena import AthenaOperator
from airflow.providers.amazon.aws.operators.glue import GlueJobOperator
from airflow.providers.amazon.aws.operators.glue_catalog import (
    GlueCatalogCreateDatabaseOperator,
    GlueCatalogDeleteDatabaseOperator,
)
from airflow.providers.amazon.aws.operators.glue_crawler import (
    GlueCrawlerDeleteOperator,
    GlueCrawlerOperator,
)
from airflow.providers.amazon.aws.operators.s3 import (
    S3CopyObjectOperator,
    S3CreateBucketOperator,
    S3CreateObjectOperator,
    S3DeleteBucketOperator,
    S3DeleteObjectsOperator,
    S3GetBucketTaggingOperator,
    S3ListOperator,
    S3ListPrefixesOperator,
    S3PutBucketTaggingOperator,
)
from airflow.providers.amazon.aws.sensors.athena import AthenaSensor
from airflow.providers.amazon.aws.sensors.glue import GlueJobSensor
from airflow.providers.amazon.aws.sensors.glue_catalog_partition import GlueCatalogPartitionSensor
from airflow.providers.amazon.aws.sensors.glue_crawler import GlueCrawlerSensor
from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor, S3KeysUnchangedSensor
from airflow.sdk import DAG, task

BUCKET, DATABASE, ROLE = "lake", "lake", "arn:aws:iam::000000000000:role/R"
ROWS = {"day=1/a.csv": "id,word\n1,one\n2,two\n", "day=2/a.csv": "id,word\n3,three\n"}
SQL = "INSERT INTO counted SELECT word, length(word) FROM words WHERE id >= CAST(${least} AS bigint);"
SHELL = """
import sys
from awsglue.utils import getResolvedOptions
print("TOLD", getResolvedOptions(sys.argv, ["word"])["word"])
"""


def asked(task_id, query, **more):
    return AthenaOperator(task_id=task_id, query=query, database=DATABASE, sleep_time=1,
                          output_location=f"s3://{BUCKET}/results/", **more)


def glue_job(task_id, command, script, **more):
    return GlueJobOperator(
        task_id=task_id, job_name=task_id, iam_role_arn=ROLE, num_of_dpus=1, retry_limit=0,
        create_job_kwargs={"Command": {"Name": command,
                                       "ScriptLocation": f"s3://{BUCKET}/code/{script}"}},
        waiter_delay=1, job_poll_interval=1, **more)


@task
def words(ti):
    """The words that were counted, by the hook that reads results."""
    from airflow.providers.amazon.aws.hooks.athena import AthenaHook
    rows = AthenaHook().get_query_results(ti.xcom_pull("answer"))["ResultSet"]["Rows"]
    return [[cell["VarCharValue"] for cell in row["Data"]] for row in rows[1:]]


@task
def failing_query():
    """Why a query failed is in what the hook says."""
    from airflow.providers.amazon.aws.hooks.athena import AthenaHook
    hook = AthenaHook()
    query = hook.run_query("SELECT nothing FROM words", {"Database": DATABASE},
                           {"OutputLocation": f"s3://{BUCKET}/results/"})
    return [hook.poll_query_status(query, sleep_time=1), hook.get_state_change_reason(query)]


@task
def delete_jobs():
    glue = AwsBaseHook(client_type="glue").get_conn()
    for name in ("count", "shell"):
        glue.delete_job(JobName=name)


with DAG("lake", schedule=None, catchup=False) as dag:
    steps = [
        S3CreateBucketOperator(task_id="bucket", bucket_name=BUCKET),
        S3CreateBucketOperator(task_id="bucket_again", bucket_name=BUCKET),
        S3PutBucketTaggingOperator(task_id="tag", bucket_name=BUCKET, key="for", value="tests"),
        S3GetBucketTaggingOperator(task_id="tags", bucket_name=BUCKET),
        *(S3CreateObjectOperator(task_id=f"put_{n}", s3_bucket=BUCKET, s3_key=key, data=data,
                                 replace=True)
          for n, (key, data) in enumerate(
              {**{f"raw/words/{key}": data for key, data in ROWS.items()},
               "code/count.sql": SQL, "code/shell.py": SHELL}.items())),
        S3CopyObjectOperator(task_id="copy", source_bucket_key=f"s3://{BUCKET}/code/count.sql",
                             dest_bucket_key=f"s3://{BUCKET}/copied/count.sql"),
        S3KeySensor(task_id="key", bucket_key=f"s3://{BUCKET}/raw/words/day=*/a.csv",
                    wildcard_match=True, deferrable=True, poke_interval=1),
        S3KeysUnchangedSensor(task_id="unchanged", bucket_name=BUCKET, prefix="raw/", min_objects=2,
                              inactivity_period=1, poke_interval=1),
        S3ListOperator(task_id="keys", bucket=BUCKET, prefix="raw/"),
        S3ListPrefixesOperator(task_id="prefixes", bucket=BUCKET, prefix="", delimiter="/"),
        S3DeleteObjectsOperator(task_id="delete_objects", bucket=BUCKET, prefix="copied/"),
        GlueCatalogCreateDatabaseOperator(task_id="database", database_name=DATABASE),
        GlueCrawlerOperator(task_id="crawl", deferrable=True, poll_interval=1, config={
            "Name": "words", "Role": ROLE, "DatabaseName": DATABASE,
            "Targets": {"S3Targets": [{"Path": f"s3://{BUCKET}/raw/words"}]}}),
        GlueCrawlerOperator(task_id="crawl_again", poll_interval=1, config={
            "Name": "words", "Role": ROLE, "DatabaseName": DATABASE, "Description": "changed",
            "Targets": {"S3Targets": [{"Path": f"s3://{BUCKET}/raw/words"}]}}),
        GlueCrawlerSensor(task_id="crawled", crawler_name="words", poke_interval=1),
        GlueCatalogPartitionSensor(task_id="partition", table_name="words", database_name=DATABASE,
                                   expression="day='2'", poke_interval=1, deferrable=True),
        asked("create", "CREATE EXTERNAL TABLE counted (word string, n bigint) STORED AS PARQUET "
              f"LOCATION 's3://{BUCKET}/counted/'", deferrable=True),
        glue_job("count", "lathe-sql", "count.sql", deferrable=True,
                 script_args={"--database": DATABASE, "--least": "2"}),
        glue_job("shell", "pythonshell", "shell.py", verbose=True,
                 script_args={"--word": "of the task"}),
        GlueJobSensor(task_id="ran", job_name="shell", poke_interval=1,
                      run_id="{{ ti.xcom_pull('shell') }}"),
        asked("answer", "SELECT word, n FROM counted ORDER BY n"),
        AthenaSensor(task_id="answered", query_execution_id="{{ ti.xcom_pull('answer') }}",
                     sleep_time=1),
        words(), failing_query(), delete_jobs(),
        GlueCrawlerDeleteOperator(task_id="delete_crawler", crawler_name="words"),
        GlueCatalogDeleteDatabaseOperator(task_id="delete_database", database_name=DATABASE),
        S3DeleteBucketOperator(task_id="delete_bucket", bucket_name=BUCKET, force_delete=True),
    ]
    for before, after in zip(steps, steps[1:]):
        before >> after

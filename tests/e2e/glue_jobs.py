"""Glue's jobs, for the tests: a bucket, a database and jobs over them."""

import time
import uuid

ROLE = "arn:aws:iam::000000000000:role/R"
ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR")


def unique(word):
    return f"{word}-{uuid.uuid4().hex[:8]}"


class Jobs:
    def __init__(self, server):
        self.server, self.glue, self.s3 = server, server.client("glue"), server.client("s3")
        self.bucket, self.database = unique("jobs"), unique("db").replace("-", "_")
        self.s3.create_bucket(Bucket=self.bucket)
        self.glue.create_database(DatabaseInput={"Name": self.database})

    def put(self, key, body):
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def keys(self, prefix):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [one["Key"] for page in pages for one in page.get("Contents", [])]

    def make(self, command, script, arguments=None, name=None, form=None, **more):
        name = name or unique("job")
        key = f"code/{name}.{form or ('sql' if command == 'lathe-sql' else 'py')}"
        self.put(key, script)
        self.glue.create_job(
            Name=name, Role=ROLE, Command={"Name": command, "ScriptLocation": f"s3://{self.bucket}/{key}"},
            DefaultArguments={"--database": self.database, "--bucket": self.bucket, **(arguments or {})},
            **more)
        return name

    def sql(self, script, arguments=None, **more):
        return self.make("lathe-sql", script, arguments, **more)

    def start(self, name, arguments=None, **more):
        return self.glue.start_job_run(JobName=name, Arguments=arguments or {}, **more)["JobRunId"]

    def told(self, name, run):
        return self.glue.get_job_run(JobName=name, RunId=run)["JobRun"]

    def wait(self, name, run, states=ENDED):
        deadline = time.monotonic() + 300  # Spark on a busy machine
        while (told := self.told(name, run))["JobRunState"] not in states:
            assert time.monotonic() < deadline, told
            time.sleep(0.02)
        return told

    def run(self, name, arguments=None, **more):
        return self.wait(name, self.start(name, arguments, **more))

    def succeed(self, name, arguments=None, **more):
        told = self.run(name, arguments, **more)
        assert told["JobRunState"] == "SUCCEEDED", told.get("ErrorMessage")
        return told

    def log(self, told, stream="output"):
        logs = self.server.client("logs")
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"{told['LogGroupName']}/{stream}", logStreamNames=[told["Id"]])
        return [event["message"] for page in pages for event in page["events"]]

    def ask(self, sql):
        """The rows of a query of Athena's, as texts."""
        athena = self.server.client("athena")
        query = athena.start_query_execution(
            QueryString=sql, QueryExecutionContext={"Database": self.database},
            ResultConfiguration={"OutputLocation": f"s3://{self.bucket}/results/"})["QueryExecutionId"]
        while (told := athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"])[
                "State"] in ("QUEUED", "RUNNING"):
            time.sleep(0.01)
        assert told["State"] == "SUCCEEDED", told
        pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=query)
        rows = [[cell.get("VarCharValue") for cell in row["Data"]]
                for page in pages for row in page["ResultSet"]["Rows"]]
        return rows[1:]

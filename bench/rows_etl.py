"""ETL: from published rows to a table that can be asked, by a job in SQL and by PySpark."""

import gzip
import os
import pathlib
import subprocess
import time

from harness import ROOT, Row, rows

EXAMPLE = ROOT / "examples/cmapss"
SPARK = pathlib.Path(os.environ.get("LATHE_SPARK_PYTHON", ROOT / "build/venv-spark/bin/python"))
PEER = pathlib.Path(__file__).parent / "peers/cmapss_etl.py"
ROLE = "arn:aws:iam::000000000000:role/lathe"
COLUMNS = ["unit_number", "cycle", *(f"setting_{i}" for i in (1, 2, 3)),
           *(f"sensor_{i}" for i in range(1, 22))]


def settle(ask, going, pause=0.005):
    """What `ask` tells once its state is none of those."""
    while (told := ask()) in going:
        time.sleep(pause)
    return told


class Lake:
    """The engines as their stream delivered them, and the example's job over them."""

    def __init__(self, server, lines, folder):
        self.server, self.glue, self.s3 = server, server.client("glue"), server.client("s3")
        self.athena = server.client("athena")
        self.s3.create_bucket(Bucket="lathe-cmapss")
        self.glue.create_database(DatabaseInput={"Name": "cmapss"})
        self.deliver(lines, folder)
        self.glue.create_classifier(CsvClassifier={
            "Name": "cmapss", "Delimiter": " ", "ContainsHeader": "ABSENT", "Header": COLUMNS})
        self.crawl("raw")
        self.s3.put_object(Bucket="lathe-cmapss", Key="code/wear.sql",
                           Body=(EXAMPLE / "wear.sql").read_bytes())
        self.glue.create_job(Name="wear", Role=ROLE, DefaultArguments={"--database": "cmapss"}, Command={
            "Name": "lathe-sql", "ScriptLocation": "s3://lathe-cmapss/code/wear.sql"})

    def deliver(self, lines, folder):
        """Publishes the rows; copies what was delivered, with its keys, to a folder."""
        firehose = self.server.client("firehose")
        firehose.create_delivery_stream(
            DeliveryStreamName="cmapss", ExtendedS3DestinationConfiguration={
                "RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lathe-cmapss",
                "Prefix": "raw/hour=!{timestamp:yyyy-MM-dd-HH}/", "ErrorOutputPrefix": "errors/",
                "BufferingHints": {"SizeInMBs": 128, "IntervalInSeconds": 300}})
        for start in range(0, len(lines), 500):
            firehose.put_record_batch(DeliveryStreamName="cmapss", Records=[
                {"Data": line} for line in lines[start:start + 500]])
        self.server.move_clock(301)
        while not (found := self.s3.list_objects_v2(Bucket="lathe-cmapss", Prefix="raw/").get("Contents")):
            time.sleep(0.05)
        for one in found:
            path = folder / one["Key"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.s3.get_object(Bucket="lathe-cmapss", Key=one["Key"])["Body"].read())

    def crawl(self, name):
        self.glue.create_crawler(Name=name, Role=ROLE, DatabaseName="cmapss", Classifiers=["cmapss"],
                                 Targets={"S3Targets": [{"Path": f"s3://lathe-cmapss/{name}/"}]})
        self.glue.start_crawler(Name=name)
        settle(lambda: self.glue.get_crawler(Name=name)["Crawler"]["State"], ("RUNNING", "STOPPING"))

    def run(self):
        run = self.glue.start_job_run(JobName="wear", Arguments={"--batch": "1"})["JobRunId"]
        ended = settle(lambda: self.glue.get_job_run(JobName="wear", RunId=run)["JobRun"]["JobRunState"],
                       ("STARTING", "WAITING", "RUNNING"))
        if ended != "SUCCEEDED":
            raise RuntimeError(self.glue.get_job_run(JobName="wear", RunId=run)["JobRun"])

    def ask(self, sql):
        query = self.athena.start_query_execution(
            QueryString=sql, QueryExecutionContext={"Database": "cmapss"},
            ResultConfiguration={"OutputLocation": "s3://lathe-cmapss/results/"})["QueryExecutionId"]
        settle(lambda: self.athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"][
            "State"], ("QUEUED", "RUNNING"))
        told = self.athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
        return tuple(int(cell["VarCharValue"]) for cell in told[-1]["Data"])

    def clear(self):
        """As before the job ran."""
        self.glue.delete_crawler(Name="wear")
        self.glue.delete_table(DatabaseName="cmapss", Name="wear")
        for one in self.s3.list_objects_v2(Bucket="lathe-cmapss", Prefix="wear/")["Contents"]:
            self.s3.delete_object(Bucket="lathe-cmapss", Key=one["Key"])


def by_sql(lake):
    """A server that starts, a job, a crawler and a question."""
    lake.server.stop()
    began = time.perf_counter()
    lake.server.start()
    lake.run()
    lake.crawl("wear")
    answer = lake.ask("SELECT count(*), sum(rul) FROM wear")
    took = time.perf_counter() - began
    lake.clear()
    return took, answer


def by_spark(raw, out):
    began = time.perf_counter()
    done = subprocess.run([SPARK.with_name("spark-submit"), PEER, raw, out], text=True, cwd=raw, check=True,
                          env={**os.environ, "PYSPARK_PYTHON": str(SPARK), "SPARK_LOCAL_IP": "127.0.0.1"},
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    took = time.perf_counter() - began
    words = next(line.split() for line in done.stdout.splitlines() if line.startswith("rows "))
    return took, (int(words[1]), int(words[3]))


@rows(Row("cmapss-etl", 10, "time", "s", "lathe: its server's start, the job in SQL, a crawl, a query",
          "PySpark: spark-submit of the same to a table, and the query"))
def cmapss_etl(bench):
    lines = gzip.decompress(bench.data("cmapss/train_FD001.txt.gz").read_bytes()).splitlines(keepends=True)
    lake = Lake(bench.server(arguments=["--test-clock"]).start(), lines, bench.scratch)
    bench.note(f"{len(lines)} rows of FD001 as a delivery stream left them; PySpark reads them from local "
               "files, lathe from its lake")
    for number in bench.rounds:
        ours, told = by_sql(lake)
        peer, expected = by_spark(bench.scratch / "raw", bench.scratch / f"spark-{number}")
        bench.check(told == expected, f"lathe has {told}, PySpark {expected} (rows, cycles left)")
        yield {"cmapss-etl": (ours, peer)}

"""Kill -9 while statements write: each has happened whole, and says so, or not at all."""

import random
import threading
import time

import botocore.exceptions
import pytest
from botocore.config import Config

from e2e.test_athena import Asker


class Writer(threading.Thread):
    """Starts statements until the server dies; remembers which it was promised."""

    def __init__(self, athena, number, done):
        super().__init__(daemon=True)
        self.athena, self.random, self.done = athena, random.Random(number), done
        self.number, self.refusal = number, None

    def statement(self, key):
        if self.random.random() < 0.3:
            return f"CREATE TABLE made_{key} WITH (format = 'PARQUET') AS SELECT {key} AS id"
        if self.random.random() < 0.3:
            return f"ALTER TABLE rows ADD PARTITION (part = 'p{key}')"
        return f"INSERT INTO rows SELECT {key}, 'in{key % 5}'"

    def run(self):
        try:
            while True:
                key = self.number + len(self.done)
                sql = self.statement(key)
                self.done.append((key, sql, self.athena.start_query_execution(
                    QueryString=sql, ResultConfiguration={"OutputLocation": "s3://results/"})
                    ["QueryExecutionId"]))
                time.sleep(self.random.random() * 0.03)
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "TooManyRequestsException":
                self.refusal = error
        except (botocore.exceptions.BotoCoreError, OSError):
            pass


def states(athena, ids):
    told = {}
    for i in range(0, len(ids), 50):
        batch = athena.batch_get_query_execution(QueryExecutionIds=ids[i:i + 50])
        assert batch["UnprocessedQueryExecutionIds"] == []
        told |= {each["QueryExecutionId"]: each["Status"]["State"]
                 for each in batch["QueryExecutions"]}
    assert set(told.values()) <= {"SUCCEEDED", "FAILED", "CANCELLED"}
    return told


@pytest.mark.parametrize("kills", [
    4, pytest.param(12, marks=pytest.mark.full), pytest.param(30, marks=pytest.mark.campaign)])
def test_statements_happen_whole_or_not_at_all(server_factory, kills):
    server = server_factory()
    s3 = server.client("s3")
    for bucket in ("results", "lake"):
        s3.create_bucket(Bucket=bucket)
    asker = Asker(server, "results")
    asker.succeed("CREATE EXTERNAL TABLE rows (id int) PARTITIONED BY (part string) STORED AS PARQUET "
                  "LOCATION 's3://lake/rows/'")
    athena = server.client("athena", config=Config(connect_timeout=2, read_timeout=20,
                                                   retries={"max_attempts": 0}))
    lists = [[] for _ in range(3)]
    for _ in range(kills):
        writers = [Writer(athena, i * 1_000_000, done) for i, done in enumerate(lists)]
        for writer in writers:
            writer.start()
        time.sleep(random.random() * 0.8 + 0.4)
        server.kill()
        for writer in writers:
            writer.join(30)
            assert writer.refusal is None, writer.refusal
        server.start()
    everything = [each for done in lists for each in done]
    told = states(athena, [started for _, _, started in everything])
    good = [(key, sql) for key, sql, started in everything if told[started] == "SUCCEEDED"]
    assert good, "nothing ended before the kills"
    inserted = sorted(key for key, sql in good if sql.startswith("INSERT"))
    rows = asker.rows(asker.succeed("SELECT id FROM rows ORDER BY id"))[1:]
    assert [int(value) for value, in rows] == inserted
    objects = [each for page in s3.get_paginator("list_objects_v2").paginate(
        Bucket="lake", Prefix="rows/") for each in page.get("Contents", [])]
    assert len(objects) == len(inserted)
    wanted = {f"part=p{key}" for key, sql in good if sql.startswith("ALTER")}
    wanted |= {f"part=in{key % 5}" for key in inserted}
    assert set(asker.lines("SHOW PARTITIONS rows")) == wanted
    made = {f"made_{key}" for key, sql in good if sql.startswith("CREATE")}
    assert set(asker.lines("SHOW TABLES")) == made | {"rows"}
    for name in sorted(made)[:5]:
        assert asker.rows(asker.succeed(f"SELECT id FROM {name}"))[1:] == [[name.split("_")[1]]]

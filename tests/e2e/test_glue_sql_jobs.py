"""Runs of lathe-sql jobs: statements one after another, arguments, bookmarks. boto3; the rows are
asked of Athena."""

import json
import random
import time

import pytest

from e2e.glue_jobs import Jobs

TABLES = """
CREATE EXTERNAL TABLE IF NOT EXISTS raw (id int, word string) PARTITIONED BY (day string)
  ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://${bucket}/raw/';
CREATE EXTERNAL TABLE IF NOT EXISTS good (id int, word string) STORED AS PARQUET
  LOCATION 's3://${bucket}/good/';
"""
MOVE = TABLES + """
MSCK REPAIR TABLE raw;
-- what is new; nothing else
INSERT INTO good SELECT id, word FROM "raw$new";
"""
ENABLED = {"--job-bookmark-option": "job-bookmark-enable"}


@pytest.fixture
def jobs(server):
    return Jobs(server)


def lines(*numbers):
    return "".join(f"{i},w{i}\n" for i in numbers)


def ids(jobs, table="good"):
    return sorted(int(row[0]) for row in jobs.ask(f"SELECT id FROM {table}"))


def test_statements_run_one_after_another(jobs):
    jobs.put("raw/day=1/a.csv", lines(1, 2))
    name = jobs.sql(MOVE + "/* ; */ SELECT id, ';' AS sign FROM good ORDER BY id;")
    told = jobs.succeed(name)
    assert ids(jobs) == [1, 2]
    assert told["JobName"] == name and told["Attempt"] == 0 and told["ExecutionTime"] >= 0
    assert told["LogGroupName"] == "/aws-glue/jobs" and told["StartedOn"] <= told["CompletedOn"]
    log = jobs.log(told)
    assert '"id","sign"' in log and '"1",";"' in log and '"2",";"' in log
    assert any(line.startswith("Statement 4: INSERT, 2 rows") for line in log)
    assert [run["Id"] for run in jobs.glue.get_job_runs(JobName=name)["JobRuns"]] == [told["Id"]]
    assert jobs.keys("lathe-sql/") == []


def test_arguments_are_literals_and_parts_of_texts(jobs):
    name = jobs.sql("CREATE TABLE t AS SELECT ${who} AS who, 'x ${who} y' AS text, ${n} AS n",
                    {"--who": "default", "--n": "1"}, NonOverridableArguments={"--n": "2"})
    told = jobs.succeed(name, {"--who": "O'Neill", "--n": "3"})
    assert jobs.ask("SELECT * FROM t") == [["O'Neill", "x O'Neill y", "2"]]
    assert told["Arguments"] == {"--who": "O'Neill", "--n": "3"}


@pytest.mark.parametrize("script, words", [
    ("SELECT 1;\n\n  SELECT nothing FROM none", ["Statement 2 of 2, line 3", "line 3:23", "none"]),
    ("SELECT 1;\nSELEC 2", ["Statement 2 of 2, line 2", "line 2:1"]),
    ("SELECT 1;\nDROP TABEL x", ["Statement 2 of 2, line 2", "line 2:0", "tabel"]),
    ("SELECT ${absent}", ["line 1:8", "--absent"]),
    ("SELECT 'open", ["line 1:8", "quote"]),
    ("-- nothing\n", ["no statement"]),
    ("PREPARE p FROM SELECT 1", ["prepared"]),
])
def test_errors_name_statement_and_place(jobs, script, words):
    told = jobs.run(jobs.sql(script))
    assert told["JobRunState"] == "FAILED"
    assert all(word in told["ErrorMessage"] for word in words), told["ErrorMessage"]
    assert jobs.log(told, "error") == [told["ErrorMessage"]]


def test_a_script_that_is_not_there(jobs):
    name = jobs.sql("SELECT 1")
    jobs.s3.delete_object(Bucket=jobs.bucket, Key=f"code/{name}.sql")
    told = jobs.run(name)
    assert told["JobRunState"] == "FAILED" and f"code/{name}.sql" in told["ErrorMessage"]


# ---- bookmarks ----

def test_a_bookmark_leaves_what_was_read(jobs):
    name = jobs.sql(MOVE, ENABLED)
    jobs.put("raw/day=1/a.csv", lines(1, 2))
    first = jobs.succeed(name)
    jobs.put("raw/day=1/b.csv", lines(3))
    jobs.put("raw/day=2/a.csv", lines(4, 5))
    second = jobs.succeed(name)
    jobs.succeed(name)
    assert ids(jobs) == [1, 2, 3, 4, 5]
    jobs.put("raw/day=1/b.csv", lines(6))  # replaced: new bytes
    jobs.succeed(name)
    assert ids(jobs) == [1, 2, 3, 4, 5, 6]
    entry = jobs.glue.get_job_bookmark(JobName=name, RunId=second["Id"])["JobBookmarkEntry"]
    assert (entry["JobName"], entry["Run"], entry["Attempt"]) == (name, 2, 0)
    assert json.loads(entry["JobBookmark"]) == {"objects": {f"{jobs.database}.raw": 2}}
    back = jobs.glue.reset_job_bookmark(JobName=name, RunId=first["Id"])["JobBookmarkEntry"]
    assert back["RunId"] == first["Id"] and back["Version"] == entry["Version"] + 1
    jobs.succeed(name)
    assert ids(jobs) == [1, 2, 3, 4, 4, 5, 5, 6, 6]
    jobs.glue.reset_job_bookmark(JobName=name)
    jobs.succeed(name)
    assert ids(jobs) == sorted([1, 2, 3, 4, 4, 5, 5, 6, 6] + [1, 2, 4, 5, 6])


def test_without_a_bookmark_all_is_new(jobs):
    name = jobs.sql(MOVE)
    jobs.put("raw/day=1/a.csv", lines(1))
    jobs.succeed(name)
    jobs.succeed(name)
    assert ids(jobs) == [1, 1]
    with pytest.raises(jobs.glue.exceptions.EntityNotFoundException):
        jobs.glue.get_job_bookmark(JobName=name)


def test_a_pause_reads_what_is_new_and_moves_nothing(jobs):
    name = jobs.sql(MOVE, ENABLED)
    jobs.put("raw/day=1/a.csv", lines(1))
    first = jobs.succeed(name)
    jobs.put("raw/day=1/b.csv", lines(2))
    pause = {"--job-bookmark-option": "job-bookmark-pause"}
    jobs.succeed(name, pause)
    assert ids(jobs) == [1, 2]
    jobs.succeed(name)
    assert ids(jobs) == [1, 2, 2]
    jobs.succeed(name, {**pause, "--job-bookmark-from": first["Id"]})
    assert ids(jobs) == [1, 2, 2, 2]
    with pytest.raises(jobs.glue.exceptions.InvalidInputException):
        jobs.start(name, {"--job-bookmark-option": "sometimes"})


def test_a_pause_reads_what_runs_of_a_range_read(jobs):
    name = jobs.sql(MOVE, ENABLED)
    runs = []
    for number in 1, 2, 3:
        jobs.put(f"raw/day=1/{number}.csv", lines(number))
        runs.append(jobs.succeed(name)["Id"])
    jobs.put("raw/day=1/4.csv", lines(4))
    pause = {"--job-bookmark-option": "job-bookmark-pause", "--job-bookmark-from": runs[0]}
    jobs.succeed(name, {**pause, "--job-bookmark-to": runs[1]})
    assert ids(jobs) == [1, 2, 2, 3]
    told = jobs.run(name, {**pause, "--job-bookmark-to": "jr_none"})
    assert told["JobRunState"] == "FAILED" and "--job-bookmark-to" in told["ErrorMessage"]


def test_what_a_condition_leaves_out_stays_new(jobs):
    name = jobs.sql(MOVE.replace('"raw$new";', '"raw$new" WHERE day = ${day};'), ENABLED)
    jobs.put("raw/day=1/a.csv", lines(1))
    jobs.put("raw/day=2/a.csv", lines(2))
    for day in "1", "1", "2", "2":
        jobs.succeed(name, {"--day": day})
    assert ids(jobs) == [1, 2]


def test_a_failed_run_moves_nothing_and_its_retry_goes_on(jobs):
    """Statement 4 is done by the first run; the next goes on with the fifth, on the same objects."""
    name = jobs.sql(MOVE + 'INSERT INTO late SELECT id, word FROM "raw$new"', ENABLED)
    jobs.put("raw/day=1/a.csv", lines(1))
    failed = jobs.run(name)
    assert failed["JobRunState"] == "FAILED" and "Statement 5 of 5" in failed["ErrorMessage"]
    jobs.put("raw/day=1/b.csv", lines(2))
    jobs.succeed(jobs.sql("CREATE EXTERNAL TABLE late (id int, word string) STORED AS PARQUET "
                          "LOCATION 's3://${bucket}/late/'"))
    again = jobs.succeed(name, JobRunId=failed["Id"])
    assert again["PreviousRunId"] == failed["Id"]
    assert (ids(jobs), ids(jobs, "late")) == ([1], [1])
    jobs.succeed(name)
    assert (ids(jobs), ids(jobs, "late")) == ([1, 2], [1, 2])


def test_retries_of_themselves(jobs):
    name = jobs.sql(MOVE + "SELECT * FROM none", ENABLED, MaxRetries=2)
    jobs.put("raw/day=1/a.csv", lines(1))
    run = jobs.start(name)
    last = None
    while last is None:
        runs = jobs.glue.get_job_runs(JobName=name)["JobRuns"]
        last = next((one for one in runs if one["Attempt"] == 2
                     and one["JobRunState"] == "FAILED"), None)
    assert [one["Id"] for one in reversed(runs)] == [run, f"{run}_attempt_1", f"{run}_attempt_2"]
    assert last["PreviousRunId"] == f"{run}_attempt_1"
    assert ids(jobs) == [1]  # the INSERT was done once


# ---- stopping, limits ----

LONG = "SELECT count(*) FROM UNNEST(sequence(1, 10000)) AS a (x), UNNEST(sequence(1, 10000)) AS b (y), " \
       "UNNEST(sequence(1, 10000)) AS c (z) WHERE x * y % 7 = z % 11;"


def test_a_stop_in_the_middle(jobs):
    name = jobs.sql(LONG + "SELECT 1")
    run = jobs.start(name)
    jobs.wait(name, run, ("RUNNING",))
    answer = jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run, "jr_none"])
    assert answer["SuccessfulSubmissions"] == [{"JobName": name, "JobRunId": run}]
    error, = answer["Errors"]
    assert error["JobRunId"] == "jr_none"
    assert error["ErrorDetail"]["ErrorCode"] == "EntityNotFoundException"
    assert jobs.wait(name, run)["JobRunState"] == "STOPPED"
    error, = jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run])["Errors"]
    assert error["ErrorDetail"]["ErrorCode"] == "InvalidInputException"


def test_no_more_at_once_than_the_job_says(jobs):
    name = jobs.sql(LONG, ExecutionProperty={"MaxConcurrentRuns": 2})
    runs = [jobs.start(name) for _ in range(2)]
    with pytest.raises(jobs.glue.exceptions.ConcurrentRunsExceededException):
        jobs.start(name)
    waiting = [jobs.start(name, JobRunQueuingEnabled=True) for _ in range(2)]
    assert [jobs.told(name, run)["JobRunState"] for run in waiting] == ["WAITING"] * 2
    jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[waiting[0], runs[0]])
    assert jobs.told(name, waiting[0])["JobRunState"] == "STOPPED"
    jobs.wait(name, waiting[1], ("RUNNING",))
    jobs.glue.delete_job(JobName=name)
    with pytest.raises(jobs.glue.exceptions.EntityNotFoundException):
        jobs.start(name)
    deadline = time.monotonic() + 60
    for run in runs + waiting:
        with pytest.raises(jobs.glue.exceptions.EntityNotFoundException):
            while time.monotonic() < deadline:
                jobs.told(name, run)


def test_a_run_takes_no_longer_than_its_timeout(server_factory):
    jobs = Jobs(server_factory(arguments=["--test-clock"]))
    name = jobs.sql(LONG, Timeout=5)
    run = jobs.start(name)
    jobs.wait(name, run, ("RUNNING",))
    jobs.server.move_clock(301)
    told = jobs.wait(name, run)
    assert told["JobRunState"] == "TIMEOUT" and "5 minutes" in told["ErrorMessage"]


# ---- kill -9 ----

@pytest.mark.parametrize("kills", [
    5, pytest.param(15, marks=pytest.mark.full), pytest.param(40, marks=pytest.mark.campaign)])
def test_kills_neither_lose_nor_double(server_factory, kills):
    """Objects come while runs read what is new, in three statements; the server is killed at any
    time. At last each row is in each table once."""
    jobs = Jobs(server_factory())
    tables = ("good", "second", "third")
    script = TABLES + "".join(
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {table} (id int, word string) STORED AS PARQUET "
        f"LOCATION 's3://${{bucket}}/{table}/';" for table in tables)
    script += "MSCK REPAIR TABLE raw;"
    script += "".join(f'INSERT INTO {table} SELECT id, word FROM "raw$new";' for table in tables)
    name = jobs.sql(script, ENABLED)
    rng, put = random.Random(5), 0
    run = jobs.start(name)
    for _ in range(kills):
        for _ in range(rng.randrange(4)):
            jobs.put(f"raw/day={put % 3}/{put}.csv", lines(put))
            put += 1
        if jobs.told(name, run)["JobRunState"] == "SUCCEEDED":
            run = jobs.start(name)
        time.sleep(rng.random() * 0.6)
        jobs.server.kill()
        jobs.server.start()
    assert jobs.wait(name, run)["JobRunState"] == "SUCCEEDED"
    jobs.succeed(name)
    for table in tables:
        assert ids(jobs, table) == list(range(put)), table


def test_a_stop_is_kept_over_a_kill(server_factory):
    jobs = Jobs(server_factory())
    name = jobs.sql(LONG)
    run = jobs.start(name)
    jobs.wait(name, run, ("RUNNING",))
    jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run])
    jobs.server.kill()
    jobs.server.start()
    assert jobs.wait(name, run)["JobRunState"] == "STOPPED"

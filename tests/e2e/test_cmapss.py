"""The example cmapss: its features in exact arithmetic, and blind to what comes later; and the whole
of it, from raw files to an endpoint and back to nothing."""

import csv
import gzip
import io
import os
import pathlib
import random
import subprocess
from fractions import Fraction

import pytest

from e2e.test_athena import Asker
from sagemaker_jobs import unique

EXAMPLE = pathlib.Path(__file__).resolve().parent.parent.parent / "examples/cmapss"
SENSORS = (2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21)


# --- features -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engines(lathe):
    """{unit: rows in order of their cycles, as texts}, generated."""
    made = {}
    text = subprocess.run([lathe, "sample", "cmapss", "--rows", "1200", "--seed", "3"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    for line in text.splitlines():
        row = line.split()
        made.setdefault(int(row[0]), []).append(row)
    assert len(made) > 3
    return made


def split_rows(engines):
    """As the table split has them: CSV of the unit, the cycle, sensors and the remaining life."""
    lines = [",".join([row[0], row[1], *(row[4 + s] for s in SENSORS), str(len(rows) - int(row[1]))])
             for rows in engines.values() for row in rows]
    random.Random(len(lines)).shuffle(lines)  # their order in the file means nothing
    return "\n".join(lines) + "\n"


class Features:
    """features.sql in a database of its own."""

    def __init__(self, server, train, test):
        bucket, database = unique("cmapss"), unique("cmapss").replace("-", "_")
        s3 = server.client("s3")
        s3.create_bucket(Bucket=bucket)
        server.client("glue").create_database(DatabaseInput={"Name": database})
        self.s3, self.bucket = s3, bucket
        self.asker = Asker(server, bucket)
        self.database = database
        for table, rows in (("split", train), ("test_split", test)):
            s3.put_object(Bucket=bucket, Key=f"{table}/part=0/rows.csv", Body=split_rows(rows))
            sensors = ", ".join(f"sensor_{s} double" for s in SENSORS)
            self.ask(f"CREATE EXTERNAL TABLE {table} (unit_number bigint, cycle bigint, {sensors}, "
                     "rul bigint) PARTITIONED BY (part bigint) ROW FORMAT DELIMITED FIELDS TERMINATED "
                     f"BY ',' LOCATION 's3://{bucket}/{table}/'")
            self.ask(f"ALTER TABLE {table} ADD PARTITION (part=0)")
        self.ask((EXAMPLE / "features.sql").read_text())

    def ask(self, sql):
        return self.asker.succeed(sql, self.database)

    def rows(self):
        """{(source, unit, cycle): {name: text}}"""
        place = self.ask("SELECT * FROM features")["ResultConfiguration"]["OutputLocation"]
        body = self.s3.get_object(Bucket=self.bucket, Key=place.split("/", 3)[3])["Body"].read()
        found = {}
        for row in csv.DictReader(io.StringIO(body.decode())):
            key = row.pop("source"), int(row.pop("unit_number")), int(row.pop("cycle"))
            assert key not in found
            found[key] = row
        return found


@pytest.fixture(scope="module")
def features(server, engines):
    return Features(server, engines, dict(list(engines.items())[:2])).rows()


def slope(points):
    """Least squares, exactly."""
    n, t, y = len(points), sum(c for c, _ in points), sum(v for _, v in points)
    under = n * sum(c * c for c, _ in points) - t * t
    return (n * sum(c * v for c, v in points) - t * y) / under if under else Fraction(0)


def test_features_are_means_and_slopes_of_what_came_before(features, engines):
    assert len(features) == sum(map(len, engines.values())) + sum(
        map(len, list(engines.values())[:2]))
    for source in "train", "test":
        unit, rows = list(engines.items())[1]
        for end in (1, 2, 9, 10, 11, 29, 30, 31, 60, len(rows)):
            found = features[source, unit, end]
            assert int(found["rul"]) == len(rows) - end
            for sensor in SENSORS:
                points = [(int(row[1]), Fraction(row[4 + sensor])) for row in rows[:end]]
                recent = [value for _, value in points[-10:]]
                expected = {"mean": sum(recent) / len(recent), "slope": slope(points),
                            "recent": slope(points[-30:])}
                for name, value in expected.items():
                    assert float(found[f"{name}_{sensor}"]) == pytest.approx(float(value), rel=1e-14,
                                                                             abs=1e-300)


def test_no_feature_sees_a_later_cycle(server, features, engines):
    """Engines cut short, as the test engines are: what was known before is the same to its last
    bit, wherever other engines' rows now stand."""
    choose = random.Random(7)
    short = {unit: rows[:choose.randrange(1, len(rows))] for unit, rows in engines.items()}
    first = {unit: rows for unit, rows in short.items() if unit == 1}
    found = Features(server, short, first).rows()
    assert len(found) == sum(map(len, [*short.values(), *first.values()]))
    for key, row in found.items():
        known = dict(features[key])
        assert int(known.pop("rul")) > int(row.pop("rul"))  # the label does see the end
        assert known == row, key


# --- the whole ----------------------------------------------------------------------------------


def left(server):
    """What there is in a server, of the kinds that the example makes."""
    glue, sagemaker = server.client("glue"), server.client("sagemaker")
    return {
        "buckets": server.client("s3").list_buckets()["Buckets"],
        "streams": server.client("firehose").list_delivery_streams()["DeliveryStreamNames"],
        "databases": [one["Name"] for one in glue.get_databases()["DatabaseList"]
                      if one["Name"] != "default"],
        "tables": glue.search_tables()["TableList"],
        "crawlers": glue.list_crawlers()["CrawlerNames"],
        "classifiers": glue.get_classifiers()["Classifiers"],
        "jobs": glue.list_jobs()["JobNames"],
        "endpoints": sagemaker.list_endpoints()["Endpoints"],
        "configurations": sagemaker.list_endpoint_configs()["EndpointConfigs"],
        "models": sagemaker.list_models()["Models"],
        "packages": sagemaker.list_model_packages()["ModelPackageSummaryList"],
        "groups": sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"],
        "pipelines": sagemaker.list_pipelines()["PipelineSummaries"],
    }


def run_steps(server, lathe, *folder):
    """What the example prints, and its scores."""
    done = subprocess.run([EXAMPLE / "steps.sh", *folder], text=True, timeout=540,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**server.environment(), "LATHE": str(lathe), "URL": server.url})
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.split()[-1:] == ["phm08"])
    return done.stdout, dict(zip(lines[at].split(), map(float, lines[at + 2].split())))


@pytest.mark.full
def test_the_real_engines_from_their_files_to_an_endpoint_and_back_to_nothing(server_factory, lathe,
                                                                              data):
    folder = data("cmapss/train_FD001.txt.gz").parent
    server = server_factory(["--test-clock"])
    told, scores = run_steps(server, lathe, folder)
    assert scores["engines"] == 100
    assert scores["rmse"] <= 11.5 and scores["capped_rmse"] <= 10.2 and scores["phm08"] <= 180, scores
    # engines and cycles of each third, by the files themselves
    rows = [line.split()[:2] for line in gzip.open(folder / "train_FD001.txt.gz", "rt")]
    for part in range(3):
        mine = [(int(unit), int(cycle)) for unit, cycle in rows if int(unit) % 3 == part]
        longest = max(cycle for _, cycle in mine) - 1
        line = f"{part} {len({unit for unit, _ in mine})} {len(mine)} {longest}"
        assert line in [" ".join(each.split()) for each in told.splitlines()]
    assert not any(left(server).values()), left(server)


@pytest.mark.full
def test_the_script_generates_engines_and_needs_nothing_but_the_program(lathe, tmp_path):
    done = subprocess.run([EXAMPLE / "run.sh"], text=True, timeout=540, cwd=tmp_path,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "LATHE": str(lathe), "TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "nothing is left"
    assert not list(tmp_path.iterdir())  # neither files

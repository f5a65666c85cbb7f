"""The example flights: its times by Python's zones, its features blind to what comes later; and the
whole of it, from raw files to endpoints and back to nothing."""

import csv
import datetime
import gzip
import io
import os
import pathlib
import re
import subprocess
import zoneinfo

import pytest

from e2e.test_athena import Asker
from e2e.test_cmapss import left
from sagemaker_jobs import unique

EXAMPLE = pathlib.Path(__file__).resolve().parent.parent.parent / "examples/flights"
ZONES = {"ORD": "America/Chicago", "DEN": "America/Denver", "PHX": "America/Phoenix",
         "ATL": "America/New_York", "HNL": "Pacific/Honolulu", "SFO": "America/Los_Angeles"}
UNKNOWN = ("number_", "carrier_late", "origin_late", "dest_late", "origin_hour", "dest_hour",
           "carrier_hour", "yesterday")  # what speaks of earlier days


def kind_of(feature):
    if feature.startswith("aircraft"):
        return "aircraft"
    return "days" if any(part in feature for part in UNKNOWN) else "hours"


def statements(name):
    text = re.sub(r"--.*", "", (EXAMPLE / f"{name}.sql").read_text())
    return [one.strip() for one in text.split(";") if one.strip()]


def number(text):
    return None if text == "NA" else int(text)


class Flight:
    """A row of the file, and when its parts happened, in minutes since 1970 in UTC."""

    def __init__(self, row):
        self.row = dict(row)
        self.reckon()

    def reckon(self):
        row = self.row
        clock = number(row["CRSDepTime"])
        local = datetime.datetime(int(row["Year"]), int(row["Month"]), int(row["DayofMonth"]),
                                  clock // 100, clock % 100,
                                  tzinfo=zoneinfo.ZoneInfo(ZONES[row["Origin"]]))
        self.scheduled = int(local.timestamp()) // 60
        delay, taxi, lasted = (number(row[name]) for name in
                               ("DepDelay", "TaxiOut", "ActualElapsedTime"))
        self.departed = None if delay is None else self.scheduled + delay
        self.took_off = None if None in (delay, taxi) else self.departed + taxi
        self.arrived = None if None in (delay, lasted) else self.departed + lasted

    def add(self, name, minutes):
        self.row[name] = str(int(self.row[name]) + minutes)

    def changed_after(self, moment):
        """The same flight up to the moment; what happens from it on is another story."""
        other = Flight(self.row)
        if other.departed is None:
            if other.row["Cancelled"] == "1" and other.scheduled >= moment:
                other.row["Cancelled"] = "0"
        elif other.departed >= moment:
            for name in ("DepDelay", "ArrDelay"):
                if other.row[name] != "NA":
                    other.add(name, 47)
        elif other.arrived is not None and other.arrived >= moment:
            other.add("ActualElapsedTime", 61)
            other.add("ArrDelay", 61)
            if other.took_off >= moment:
                other.add("TaxiOut", 23)
        other.reckon()
        return other


@pytest.fixture(scope="module")
def flights(data):
    """The flights among six airports of five zones, days around the change of clocks."""
    path = data("bts_ontime_2008/ontime_2008_03.csv.gz")
    both = re.compile(",({0}),({0}),".format("|".join(ZONES)))
    with gzip.open(path, "rt") as file:
        lines = [next(file)] + [line for line in file
                                if re.match(r"2008,3,([7-9]|10),", line) and both.search(line)]
    return [Flight(row) for row in csv.DictReader(lines)]


class Tables:
    """The example's SQL in a database of its own, of some flights."""

    def __init__(self, server, data, flights):
        self.bucket, self.database = unique("flights"), unique("flights").replace("-", "_")
        self.s3, self.asker = server.client("s3"), None
        self.s3.create_bucket(Bucket=self.bucket)
        self.asker = Asker(server, self.bucket)
        server.client("glue").create_database(DatabaseInput={"Name": self.database})
        text = io.StringIO()
        writer = csv.DictWriter(text, list(flights[0].row), lineterminator="\n")
        writer.writeheader()
        writer.writerows(flight.row for flight in flights)
        self.put("ontime/rows.csv", text.getvalue().encode())
        for place, name in (("carriers/carriers.csv", "bts_ontime_2008/carriers.csv"),
                            ("planes/planes.csv.gz", "bts_ontime_2008/plane-data.csv.gz"),
                            ("airports/airports.dat.gz", "openflights/airports.dat.gz"),
                            ("weather/ord.csv.gz", "noaa/ghcn_daily_USW00094846_2001_2015.csv.gz")):
            self.put(place, data(name).read_bytes())
        for sql in statements("tables"):
            self.ask(sql)
        self.put("stations/stations.csv", self.body(self.ask(statements("stations")[0])))
        for sql in statements("flights") + statements("features"):
            self.ask(sql)

    def put(self, key, body):
        self.s3.put_object(Bucket=self.bucket, Key=f"raw/{key}", Body=body)

    def ask(self, sql):
        return self.asker.succeed(sql.replace("s3://lathe-flights/", f"s3://{self.bucket}/"),
                                  self.database)

    def body(self, told):
        key = told["ResultConfiguration"]["OutputLocation"].split("/", 3)[3]
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def rows(self, sql):
        return list(csv.DictReader(io.StringIO(self.body(self.ask(sql)).decode())))


@pytest.fixture(scope="module")
def tables(server, data, flights):
    return Tables(server, data, flights)


def key(row):
    return row["carrier"], row["flight"], row["origin"], row["dest"], row["scheduled"]


def test_times_are_those_of_the_airports_zones(tables, flights):
    found = sorted(tuple(row.values()) for row in tables.rows(
        "SELECT carrier, flight, origin, dest, scheduled, departed, arrived FROM flights"))
    text = lambda value: "" if value is None else str(value)
    assert found == sorted(
        (f.row["UniqueCarrier"], f.row["FlightNum"], f.row["Origin"], f.row["Dest"],
         text(f.scheduled), text(f.departed), text(f.arrived)) for f in flights)


def test_carriers_planes_and_weather_are_joined(tables):
    rows = tables.rows("SELECT origin, day, airline, manufacturer, origin_rain, origin_coldest, "
                       "dest FROM flights")
    assert all(row["airline"] for row in rows)
    assert sum(bool(row["manufacturer"]) for row in rows) > len(rows) / 2
    with_weather = {row["origin"] for row in rows if row["origin_rain"]}
    assert with_weather == {"ORD"}  # other airports' weather is not there
    day = str((datetime.date(2008, 3, 7) - datetime.date(1970, 1, 1)).days)
    assert {(row["origin_rain"], row["origin_coldest"]) for row in rows
            if row["origin"] == "ORD" and row["day"] == day} == {ORD_ON_MARCH_7}


def test_no_feature_sees_what_comes_after_its_moment(server, data, tables, flights):
    """What happens from a moment on is changed; what was known before it is the same, bit for bit."""
    middle = datetime.datetime(2008, 3, 9, 17, 0, tzinfo=datetime.timezone.utc)
    moment = int(middle.timestamp()) // 60
    changed = Tables(server, data, [flight.changed_after(moment) for flight in flights])
    before, after = ({key(row): row for row in each.rows("SELECT * FROM features")}
                     for each in (tables, changed))
    same = {"days": 0, "hours": 0, "aircraft": 0}
    different = dict(same)
    for flight in before.keys() & after.keys():
        a, b = before[flight], after[flight]
        for kind in same:
            mine = [name for name in a if name not in OTHER and kind_of(name) == kind]
            known = (int(a["day"]) * 1440 + 240 if kind == "days" else int(flight[4]) - 120)
            if known <= moment:
                assert [a[name] for name in mine] == [b[name] for name in mine]
                same[kind] += 1
            else:
                different[kind] += [a[name] for name in mine] != [b[name] for name in mine]
    assert min(same.values()) > 300 and min(different.values()) > 200, (same, different)


def mean(values):
    return sum(values) / len(values) if values else None


def clipped(value, least, most):
    return max(least, min(value, most))


def of_two_hours(flights, step):
    """The features of airports and carriers, by their definition: from all that happened in the twelve
    steps of ten minutes before one. flights: those that leave "from" the place, or go "to" it."""
    def recent(minute):
        return minute is not None and step - 12 <= minute // 10 < step

    def waits(flight):
        left = max(flight.scheduled, flight.scheduled if flight.departed is None else flight.departed)
        return (flight.scheduled // 10 < step) - (left // 10 < step)

    def delay(flight, name, least):
        return clipped(int(flight.row[name]), least, 240)

    gone = [f for f in flights["from"] if recent(f.departed)]
    landed = [f for f in flights["to"] if recent(f.arrived) and f.row["ArrDelay"] != "NA"]
    return {
        "gone_late": mean([int(f.row["DepDelay"]) >= 15 for f in gone]),
        "gone_delay": mean([delay(f, "DepDelay", -20) for f in gone]),
        "coming_delay": mean([delay(f, "DepDelay", -20) for f in flights["to"] if recent(f.departed)]),
        "landed_late": mean([int(f.row["ArrDelay"]) >= 15 for f in landed]),
        "landed_delay": mean([delay(f, "ArrDelay", -30) for f in landed]),
        "taxi": mean([int(f.row["TaxiOut"]) for f in flights["from"] if recent(f.took_off)]),
        "cancelled": mean([int(f.row["Cancelled"]) for f in flights["from"] if recent(f.scheduled)]),
        "waiting": sum(map(waits, flights["from"])),
    }


def test_hours_are_what_happened_in_them(tables, flights):
    def chosen(origin, dest, carrier=None):
        mine = [f for f in flights if carrier in (None, f.row["UniqueCarrier"])]
        return {"from": [f for f in mine if origin in (None, f.row["Origin"])],
                "to": [f for f in mine if dest in (None, f.row["Dest"])]}

    rows = sorted(tables.rows("SELECT * FROM features"), key=key)
    told = 0
    for row in rows[::len(rows) // 60]:
        step = (int(row["scheduled"]) - 120) // 10
        origin, dest, carrier = row["origin"], row["dest"], row["carrier"]
        whose = {"origin": chosen(origin, origin), "dest": chosen(dest, dest),
                 "carrier_origin": chosen(origin, origin, carrier),
                 "carrier_dest": chosen(dest, dest, carrier), "carrier": chosen(None, None, carrier)}
        known = {name: of_two_hours(of, step) for name, of in whose.items()}
        for name in row:
            if name in OTHER + SCHEDULE or kind_of(name) != "hours":
                continue
            who = max((who for who in whose if name.startswith(who + "_")), key=len)
            expected = known[who][name[len(who) + 1:]]
            found = float(row[name]) if row[name] else None
            nothing_yet = found is None and name.endswith("_waiting") and expected == 0
            assert nothing_yet or found == expected, (name, row)
            told += found is not None
    assert told > 600, told


@pytest.mark.full
def test_spark_makes_the_same_rows(tables, tmp_path):
    import pyarrow.parquet

    python = os.environ.get("LATHE_SPARK_PYTHON")
    if not python:
        pytest.skip("LATHE_SPARK_PYTHON names no Python with pyspark")
    for one in tables.s3.list_objects_v2(Bucket=tables.bucket, Prefix="raw/")["Contents"]:
        path = tmp_path / one["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        tables.s3.download_file(tables.bucket, one["Key"], str(path))
    subprocess.run([python, EXAMPLE / "flights.py", tmp_path / "raw", tmp_path / "made"], check=True,
                   timeout=300, env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1",
                                     "PYSPARK_PYTHON": python})
    made = pyarrow.parquet.read_table(tmp_path / "made")
    ours = tables.rows("SELECT * FROM flights")
    assert list(ours[0]) == made.column_names
    text = lambda value: "" if value is None else str(value)
    assert sorted(tuple(row.values()) for row in ours) == sorted(
        tuple(map(text, row.values())) for row in made.to_pylist())


SCHEDULE = ("dayofweek", "departs", "arrives", "lasts", "distance")
OTHER = ("month", "carrier", "flight", "tail", "day", "scheduled", "late", "origin", "dest")
ORD_ON_MARCH_7 = ("0", "-100")


@pytest.mark.workload
@pytest.mark.timeout(1900)
def test_from_raw_files_to_endpoints_and_back_to_nothing(server_factory, lathe, data):
    folder = data("bts_ontime_2008/carriers.csv").parent.parent
    server = server_factory()
    done = subprocess.run([EXAMPLE / "steps.sh", folder], text=True, timeout=1800,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**server.environment(), "LATHE": str(lathe)})
    assert done.returncode == 0, done.stdout
    found = re.findall(r"^([a-z-]+): AUC ([0-9.]+)$", done.stdout, re.M)
    quality = {name: float(auc) for name, auc in found}
    assert quality["schedule"] >= 0.672 and quality["hours-before"] >= 0.742, quality
    assert quality["aircraft"] > quality["hours-before"], quality
    scored = re.search(r"^scored: ([0-9]+) flights, AUC ([0-9.]+)$", done.stdout, re.M)
    assert int(scored[1]) == 598_343 and abs(float(scored[2]) - quality["hours-before"]) < 1e-5, scored[0]
    assert not any(left(server).values()), left(server)

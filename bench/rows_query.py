"""SQL over Parquet by Athena's operations, beside DuckDB alone: the library that the engine loads,
asked in this process over the same file."""

import ctypes
import http.client
import json
import pathlib
import statistics
import time

from harness import Row, fsync_milliseconds, rows

LIBRARY = pathlib.Path(__file__).parents[1] / "build/deps/duckdb/libduckdb.so"
ROWS = 1_800_000
STATEMENTS = {
    "count": "SELECT count(*) AS n FROM {t}",
    "group": "SELECT carrier, count(*) AS n, avg(delay) AS d FROM {t} GROUP BY carrier ORDER BY carrier",
    "filter": "SELECT count(*) AS n, sum(distance) AS s FROM {t} WHERE delay > 60 AND origin = 'ORD'",
    "distinct": "SELECT count(DISTINCT tail) AS n FROM {t}",
    "window": "SELECT count(*) AS n FROM (SELECT row_number() OVER (PARTITION BY tail ORDER BY month, "
              "day, departure, flight) AS r FROM {t} WHERE origin = 'ATL') x WHERE r = 1",
    "join": "SELECT count(*) AS n FROM {t} a JOIN (SELECT origin, avg(delay) AS d FROM {t} GROUP BY "
            "origin) b ON a.origin = b.origin WHERE a.delay > b.d",
}
COLUMNS = {"month": "int", "day": "int", "departure": "int", "carrier": "string", "flight": "int",
           "tail": "string", "delay": "double", "origin": "string", "dest": "string",
           "distance": "int"}


class DuckDB:
    """The engine's own library, by its C API."""

    def __init__(self):
        self.library = ctypes.CDLL(str(LIBRARY))
        self.library.duckdb_result_error.restype = ctypes.c_char_p
        self.database, self.connection = ctypes.c_void_p(), ctypes.c_void_p()
        assert self.library.duckdb_open(None, ctypes.byref(self.database)) == 0
        assert self.library.duckdb_connect(self.database, ctypes.byref(self.connection)) == 0

    def run(self, sql):
        result = ctypes.create_string_buffer(256)
        if self.library.duckdb_query(self.connection, sql.encode(), result):
            raise RuntimeError(self.library.duckdb_result_error(result).decode())
        self.library.duckdb_destroy_result(result)

    def rows(self, sql):
        result = ctypes.create_string_buffer(256)
        assert self.library.duckdb_query(self.connection, sql.encode(), result) == 0
        for name in ("row_count", "column_count"):
            getattr(self.library, f"duckdb_{name}").restype = ctypes.c_uint64
        value = self.library.duckdb_value_varchar
        value.restype, value.argtypes = ctypes.c_char_p, (ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64)
        columns = range(self.library.duckdb_column_count(result))
        found = [[value(result, column, row).decode() for column in columns]
                 for row in range(self.library.duckdb_row_count(result))]
        self.library.duckdb_destroy_result(result)
        return found


class Athena:
    """Operations over one connection, without a client's own time."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port)

    def call(self, operation, **request):
        body = json.dumps(request)
        self.connection.request("POST", "/", body, {
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"AmazonAthena.{operation}",
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/athena/aws4_request, "
                             "SignedHeaders=host, Signature=0"})
        return json.loads(self.connection.getresponse().read())

    def run(self, sql):
        started = self.call("StartQueryExecution", QueryString=sql, ResultConfiguration={
            "OutputLocation": "s3://bench/results/"})["QueryExecutionId"]
        while True:
            told = self.call("GetQueryExecution", QueryExecutionId=started)["QueryExecution"]
            state = told["Status"]["State"]
            if state == "SUCCEEDED":
                return told
            if state not in ("QUEUED", "RUNNING"):
                raise RuntimeError(told["Status"])
            time.sleep(0.0005)


    def rows(self, sql):
        results = self.call("GetQueryResults", QueryExecutionId=self.run(sql)["QueryExecutionId"])
        return [[value.get("VarCharValue") for value in row["Data"]]
                for row in results["ResultSet"]["Rows"][1:]]


def plain(rows):
    """Numbers as both print them: to nine digits."""
    def one(text):
        try:
            return f"{float(text):.9g}"
        except ValueError:
            return text
    return [[one(text) for text in row] for row in rows]


def milliseconds(function, *arguments):
    begun = time.perf_counter()
    function(*arguments)
    return (time.perf_counter() - begun) * 1000


def flights(bench, duckdb):
    """Three months of flights as one Parquet file."""
    source = bench.data("bts_ontime_2008")
    path = bench.scratch / "flights.parquet"
    select = ", ".join(f"TRY_CAST({name} AS {kind}) AS {alias}" for name, alias, kind in (
        ("Month", "month", "INT"), ("DayofMonth", "day", "INT"), ("CRSDepTime", "departure", "INT"),
        ("UniqueCarrier", "carrier", "VARCHAR"), ("FlightNum", "flight", "INT"),
        ("TailNum", "tail", "VARCHAR"), ("ArrDelay", "delay", "DOUBLE"),
        ("Origin", "origin", "VARCHAR"), ("Dest", "dest", "VARCHAR"), ("Distance", "distance", "INT")))
    duckdb.run(f"COPY (SELECT {select} FROM read_csv('{source}/ontime_2008_0*.csv.gz', "
               f"all_varchar = true) LIMIT {ROWS}) TO '{path}' (FORMAT parquet)")
    return path


def make_table(server, path):
    server.client("s3").create_bucket(Bucket="bench")
    server.client("s3").upload_file(str(path), "bench", "flights/flights.parquet")
    server.client("glue").create_table(DatabaseName="default", TableInput={
        "Name": "flights", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": kind} for name, kind in COLUMNS.items()],
            "Location": "s3://bench/flights/", "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}}})


@rows(Row("query", 1, "time", "ms",
          "the median of six statements over 1.8 million flights in Parquet, from start to result",
          "1.3 times DuckDB in this process, and 15 ms"),
      Row("ctas", 1 / 1.3, "time", "ms", "CTAS of the flights into Parquet by month",
          "DuckDB's COPY ... PARTITION_BY"),
      Row("select-1", 1, "time", "ms", "SELECT 1, from StartQueryExecution to its result",
          "15 ms and its fsyncs"))
def query(bench):
    duckdb = DuckDB()
    path = flights(bench, duckdb)
    server = bench.server().start()
    make_table(server, path)
    athena = Athena(server.port)
    for name, sql in STATEMENTS.items():
        bench.check(plain(athena.rows(sql.format(t="flights"))) == plain(duckdb.rows(
            sql.format(t=f"'{path}'"))), f"the statement {name} has other rows in DuckDB")
    bench.note("two fsyncs a statement: its start, and its end with the result")
    for number, _ in enumerate(bench.rounds):
        ours, peers = [], []
        for sql in STATEMENTS.values():
            ours.append(milliseconds(athena.run, sql.format(t="flights")))
            peers.append(milliseconds(duckdb.run, sql.format(t=f"'{path}'")))
        made = milliseconds(athena.run, f"CREATE TABLE made{number} WITH (format = 'PARQUET', "
                            "write_compression = 'SNAPPY', partitioned_by = ARRAY['month']) AS SELECT "
                            "day, departure, carrier, flight, tail, delay, origin, dest, distance, "
                            "month FROM flights")
        copied = milliseconds(duckdb.run, f"COPY (SELECT * FROM '{path}') TO "
                              f"'{bench.scratch}/copied{number}' (FORMAT parquet, PARTITION_BY month)")
        ones = [milliseconds(athena.run, "SELECT 1") for _ in range(20)]
        yield {"query": (statistics.median(ours), 1.3 * statistics.median(peers) + 15),
               "ctas": (made, copied),
               "select-1": (statistics.median(ones), 15 + 2 * fsync_milliseconds(bench))}

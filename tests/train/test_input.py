"""Channels as people have them: odd texts, odd files, wrong labels. What cannot be read is refused
with a reason that names the place; what can be read gives the rows it should."""

import gzip
import io

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import xgboost

ROWS = [[i % 2, i / 8, (i * 7 % 11) - 5] for i in range(60)]
PLAIN = "".join(f"{y},{a},{b}\n" for y, a, b in ROWS)
LOGISTIC = dict(num_round=3, objective="binary:logistic", max_depth=3, nthread=1)


def expected(rows=ROWS):
    matrix = np.array(rows, dtype=np.float32)
    parameters = {k: v for k, v in LOGISTIC.items() if k != "num_round"}
    return xgboost.train(parameters, xgboost.DMatrix(matrix[:, 1:], matrix[:, 0]), 3).save_raw("ubj")


def same(model, rows=ROWS):
    return model.save_raw("ubj") == expected(rows)


GOOD = {
    "plain": PLAIN,
    "crlf": PLAIN.replace("\n", "\r\n"),
    "no last newline": PLAIN.rstrip("\n"),
    "byte order mark": "\ufeff" + PLAIN,
    "quotes": "".join(f'"{y}","{a}","{b}"\n' for y, a, b in ROWS),
    "blanks": "".join(f"{y}, {a} ,{b}\n" for y, a, b in ROWS),
    "semicolons": PLAIN.replace(",", ";"),
    "tabs": PLAIN.replace(",", "\t"),
    # Python's Sniffer takes the 0 of a first line 0|0.0|-5 for the delimiter; so begin with another.
    "pipes": "".join(PLAIN.replace(",", "|").splitlines(True)[1:]) + "0|0|-5\n",
    "one delimiter for all": {"a": "1;0.125;2\n", "b": "0 ; 0.0;-5\n" + "".join(PLAIN.replace(",", ";").splitlines(True)[2:])},
    "gzip": gzip.compress(PLAIN.encode()),
    "gzip of two members": gzip.compress(PLAIN[:100].encode()) + gzip.compress(PLAIN[100:].encode()),
    "exponents": "".join(f"{y:e},{a:e},{b:+.3E}\n" for y, a, b in ROWS),
    "100 files": {
        f"part-{i:03}.csv": "".join(PLAIN.splitlines(True)[i * 3 // 5 : (i + 1) * 3 // 5])
        for i in range(100)
    },
    "nested folders": {
        "a/x.csv": "".join(PLAIN.splitlines(True)[:20]),
        "b/c/y.csv": "".join(PLAIN.splitlines(True)[20:]),
    },
    "gzip beside plain": {
        "1.csv.gz": gzip.compress("".join(PLAIN.splitlines(True)[:30]).encode()),
        "2.csv": "".join(PLAIN.splitlines(True)[30:]),
    },
    "marker files": {"part-0": PLAIN, "_SUCCESS": "", ".part-0.crc": "crc\0", "_temporary/0/x": "no"},
    "names with signs": {"a b [1]*?'\"%.csv": PLAIN},
}


@pytest.mark.parametrize("files", GOOD.values(), ids=GOOD.keys())
def test_csv_as_it_comes(job, files):
    # Histograms do not see the order of the rows, which some cases change.
    assert same(job().channel("train", files).trains(**LOGISTIC))


@pytest.mark.parametrize(
    "content_type", ["csv", "text/csv", "TEXT/CSV", "text/csv;label_size=1", "text/csv; label_size=1; charset=utf8"]
)
def test_content_types_of_csv(job, content_type):
    assert same(job().channel("train", PLAIN, content_type).trains(**LOGISTIC))


def test_missing_fields_are_missing_values(job):
    rows = [[y, np.nan if i % 5 == 0 else a, b] for i, (y, a, b) in enumerate(ROWS)]
    text = "".join(f"{y},{'' if a != a else a},{b}\n" for y, a, b in rows)
    assert same(job().channel("train", text).trains(**LOGISTIC), rows)
    text = "".join(f"{y},{a},{b}\n" for y, a, b in rows)
    assert "nan" in text
    assert same(job().channel("train", text).trains(**LOGISTIC), rows)


def test_a_constant_column_is_no_error(job):
    rows = [[y, 7, b] for y, a, b in ROWS]
    text = "".join(f"{y},{a},{b}\n" for y, a, b in rows)
    assert same(job().channel("train", text).trains(**LOGISTIC), rows)


def with_line(number, line):
    lines = PLAIN.splitlines()
    lines.insert(number - 1, line)
    return "\n".join(lines)


BAD = [
    # what, files, words that the reason must have
    ("empty channel", {}, ["No data in training channel path", "input/data/train", "no files"]),
    ("empty files", {"a.csv": "", "b.csv": ""}, ["No data in training channel path", "empty"]),
    ("only markers", {"_SUCCESS": PLAIN}, ["No data in training channel path"]),
    ("header", "failed,temperature,speed\n" + PLAIN, ["part-0", "line 1", "header"]),
    ("text in a number", with_line(12, "1,2.5,abc"), ["part-0", "line 12", "column 3", "abc"]),
    ("row too short", with_line(7, "1,2"), ["part-0", "line 7", "2", "3"]),
    ("row too long", with_line(7, "1,2,3,4"), ["part-0", "line 7", "4", "3"]),
    ("infinity", with_line(9, "1,inf,2"), ["part-0", "row 9", "column 2", "infinite"]),
    ("too large for a float", with_line(9, "1,2,-1e39"), ["row 9", "column 3", "too large"]),
    ("only labels", "1\n0\n1\n0\n", ["1 column", "at least one feature"]),
    ("label missing", with_line(4, ",1,2"), ["row 4", "label", "finite number"]),
    ("label infinite", with_line(4, "inf,1,2"), ["row 4", "label", "finite number"]),
    ("label not in range", with_line(31, "2,1,2"), ["row 31", "label", "2", "[0,1]"]),
    (
        "second file",
        {"a.csv": PLAIN, "b.csv": PLAIN.replace("1,", "5,", 1)},
        ["file b.csv", "row 2", "label", "[0,1]"],
    ),
    ("files of unlike width", {"a.csv": PLAIN, "b.csv": "1,2,3,4\n"}, ["b.csv", "line 1"]),
    ("cut gzip", {"a.csv.gz": gzip.compress(PLAIN.encode())[:-20]}, ["a.csv.gz"]),
    ("corrupt gzip", {"a.csv.gz": gzip.compress(PLAIN.encode())[:40] + b"\0" * 40}, ["a.csv.gz"]),
    ("a picture", {"a.csv": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"}, ["a.csv", "line 1"]),
]


@pytest.mark.parametrize("files, words", [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_what_cannot_be_read_is_refused_by_place(job, files, words):
    reason = job().channel("train", files).fails(**LOGISTIC)
    assert all(word in reason for word in words), reason


def test_a_bad_line_far_down_a_large_file_has_its_number(job):
    # Larger than what is read at a time, so that lines are counted over several reads.
    lines = [f"{i % 2},{i},{i * 0.5}" for i in range(1_200_000)]
    lines[1_100_000] = "1,2,oops"
    reason = job().channel("train", "\n".join(lines)).fails(**LOGISTIC)
    assert "line 1100001" in reason and "column 3" in reason and "oops" in reason


LABELS = [
    ("count:poisson", "-1", "nonnegative"),
    ("reg:gamma", "-0.5", "GammaRegression"),
    ("reg:tweedie", "-1", "nonnegative"),
    ("reg:logistic", "1.5", "[0,1]"),
    ("reg:squaredlogerror", "-1", "greater than -1"),
    ("binary:hinge", "0.5", "0 or 1"),
    ("multi:softmax", "3", "[0, num_class)"),
    ("multi:softmax", "-1", "[0, num_class)"),
    ("multi:softprob", "1.5", "[0, num_class)"),
]


@pytest.mark.parametrize("objective, label, words", LABELS)
@pytest.mark.parametrize("version", ["1.7-1", "3.0-5"])
def test_labels_outside_the_objectives_range(job, objective, label, words, version):
    rows = PLAIN.replace("0,", "1,").splitlines()
    rows[10] = f"{label},1,1"
    classes = {"num_class": 3} if objective.startswith("multi:") else {}
    reason = job().channel("train", "\n".join(rows)).fails(
        version, num_round=2, objective=objective, **classes
    )
    assert "part-0, row 11" in reason and label in reason and words in reason


def test_weights_must_not_be_negative(job):
    reason = job().channel("train", with_line(3, "1,-2,1")).fails(csv_weights=1, **LOGISTIC)
    assert "row 3" in reason and "weight" in reason and "-2" in reason


def test_a_weight_leaves_no_feature(job):
    reason = job().channel("train", "1,2\n0,1\n").fails(csv_weights=1, **LOGISTIC)
    assert "2 columns" in reason and "weight" in reason


def test_validation_of_another_width(job):
    made = job().channel("train", PLAIN).channel("validation", "1,2\n0,1\n")
    assert "validation has 1" in (reason := made.fails(**LOGISTIC)) and "2" in reason


def test_validation_without_rows(job):
    made = job().channel("train", PLAIN).channel("validation", "")
    assert "No data in validation channel path" in made.fails(**LOGISTIC)


def test_validation_without_a_content_type_is_as_train(job):
    made = job().channel("train", PLAIN).channel("validation", PLAIN, content_type=None)
    made.trains(**LOGISTIC)
    assert made.metric("validation:logloss") == made.metric("train:logloss")


def test_a_validation_file_like_a_train_file_is_warned_of(job):
    made = job().channel("train", PLAIN).channel("validation", PLAIN)
    made.trains(**LOGISTIC)
    assert "Suspected identical files found." in made.log


def channel_error(job, **changes):
    made = job().channel("train", PLAIN)
    made.channels["train"].update(changes)
    return made.fails(**LOGISTIC)


def test_channel_configurations_that_are_refused(job):
    assert "application/json is not an accepted ContentType" in channel_error(
        job, ContentType="application/json"
    )
    assert "recordio-protobuf is not an accepted ContentType" in channel_error(
        job, ContentType="application/x-recordio-protobuf"
    )
    assert "label_size must be equal to 1" in channel_error(job, ContentType="text/csv;label_size=2")
    assert "TrainingInputMode Stream" in channel_error(job, TrainingInputMode="Stream")


def test_missing_and_unknown_channels(job):
    made = job()
    (made.folder / "input/data").mkdir(parents=True)
    assert made.fails(**LOGISTIC) == "Missing required channel: train"
    made = job().channel("train", PLAIN).channel("test", PLAIN)
    assert "Extraneous channel found: test" in made.fails(**LOGISTIC)


def test_libsvm_that_is_not(job):
    reason = job().channel("train", "1 1:2 2:3\n0 1:x\n", "text/libsvm").fails(**LOGISTIC)
    assert "part-0" in reason and "line 2" in reason
    reason = job().channel("train", "1\n0\n", "text/libsvm").fails(**LOGISTIC)
    assert "none of its 2 rows has a feature" in reason
    reason = job().channel("train", "1 0:1\n0 0:inf\n", "text/libsvm").fails(**LOGISTIC)
    assert "row 2" in reason and "infinite" in reason
    reason = job().channel("train", PLAIN, None).fails(**LOGISTIC)
    assert "part-0" in reason and "line 1" in reason


def parquet(table, **options):
    file = io.BytesIO()
    pyarrow.parquet.write_table(table, file, **options)
    return file.getvalue()


@pytest.fixture
def duckdb_library(job):
    """Skips where DuckDB's library is not installed yet."""
    import os
    import pathlib

    beside = pathlib.Path(os.environ.get("LATHE_BUILD", "build/debug")) / "lib/duckdb/libduckdb.so"
    if "LATHE_DUCKDB_LIBRARY" not in os.environ and not beside.exists():
        pytest.skip("DuckDB's library is not there (./dev setup; LATHE_DUCKDB_LIBRARY)")


@pytest.mark.usefixtures("duckdb_library")
class TestParquet:
    TABLE = pyarrow.table(
        {
            "label": pyarrow.array([y for y, _, _ in ROWS], pyarrow.int64()),
            "a": pyarrow.array([a for _, a, _ in ROWS], pyarrow.float64()),
            "b": pyarrow.array([b for _, _, b in ROWS], pyarrow.int8()),
        }
    )

    def test_the_same_rows_as_csv(self, job):
        files = {
            "x [1]*.parquet": parquet(self.TABLE.slice(0, 25), row_group_size=10),
            "year=2020/y.parquet": parquet(self.TABLE.slice(25), compression="zstd"),
        }
        for content_type in ["application/x-parquet", "parquet"]:
            assert same(job().channel("train", files, content_type).trains(**LOGISTIC))

    def test_nulls_booleans_and_decimals(self, job):
        rows = [[y, np.nan if i % 4 == 1 else a, b > 0] for i, (y, a, b) in enumerate(ROWS)]
        table = pyarrow.table(
            {
                "label": pyarrow.array([bool(y) for y, _, _ in rows]),
                "a": pyarrow.array([None if a != a else f"{a:.3f}" for _, a, _ in rows]).cast(
                    pyarrow.decimal128(9, 3)
                ),
                "b": pyarrow.array([bool(b) for _, _, b in rows]),
            }
        )
        model = job().channel("train", parquet(table), "parquet").trains(**LOGISTIC)
        assert same(model, rows)

    def test_columns_that_are_no_numbers(self, job):
        table = self.TABLE.append_column("city", pyarrow.array(["Ulm"] * len(ROWS)))
        reason = job().channel("train", {"t.parquet": parquet(table)}, "parquet").fails(**LOGISTIC)
        assert "t.parquet" in reason and "column city" in reason and "text" in reason

    def test_files_that_are_none(self, job):
        cut = {"cut.parquet": parquet(self.TABLE)[:-40]}
        assert "cut.parquet" in job().channel("train", cut, "parquet").fails(**LOGISTIC)
        csv = {"a.csv": PLAIN}
        assert "a.csv" in job().channel("train", csv, "parquet").fails(**LOGISTIC)

    def test_files_of_unlike_width(self, job):
        files = {"a": parquet(self.TABLE), "b": parquet(self.TABLE.drop_columns("b"))}
        reason = job().channel("train", files, "parquet").fails(**LOGISTIC)
        assert "file b" in reason and "2 columns" in reason and "3" in reason

    def test_no_rows(self, job):
        empty = parquet(self.TABLE.slice(0, 0))
        assert "No data" in job().channel("train", empty, "parquet").fails(**LOGISTIC)

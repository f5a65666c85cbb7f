"""The image lathe-features by hand: the rows it writes are those that pandas, numpy and
scikit-learn make of the same data; splits are exact; what is wrong is named."""

import datetime
import decimal
import io
import subprocess

import numpy
import pandas
import pyarrow
import pyarrow.parquet
import pytest
from sklearn.preprocessing import OneHotEncoder, StandardScaler

PARTS = ("train", "validation", "test")
NUMBERS = {"labelCol": "y", "stages": [
    {"type": "VectorAssembler", "inputCols": ["id", "a"], "outputCol": "features"}]}


def part(job, name):
    """The rows of a part: a label and features each; none where the part has no file."""
    path = job.output(f"{name}/{name}.csv")
    if not path.exists():
        return numpy.empty((0, 0))
    return pandas.read_csv(path, header=None).to_numpy()


def ids(job):
    """The "id" of every row, by part."""
    return {name: part(job, name)[:, 1].astype(int).tolist() if len(part(job, name)) else []
            for name in PARTS}


def table(rows, text="abc"):
    return "id,a,kind,y\n" + "".join(
        f"{i},{i * 7 % 11 / 10},{text[i % len(text)]},{i * 3 % 2}\n" for i in range(rows))


def features(folder, specification, data=None, name="rows.csv"):
    job = folder("features").write("config/features.yaml", specification)
    return job.write(f"data/{name}", data) if data is not None else job


# --- values -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def machines(lathe):
    text = subprocess.run([lathe, "sample", "ai4i", "--rows", "10000", "--seed", "3"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return text, pandas.read_csv(io.StringIO(text))


def test_the_rows_are_those_that_pandas_computes(folder, machines):
    text, frame = machines
    air, process, speed, torque, wear = (
        frame[name] for name in ("Air temperature [K]", "Process temperature [K]",
                                 "Rotational speed [rpm]", "Torque [Nm]", "Tool wear [min]"))
    expected = numpy.column_stack([
        frame["Machine failure"], frame["Type"].map({"H": 0, "L": 1, "M": 2}), air, speed,
        process - air, (process - air - 8.6 >= 0), torque * (speed * 0.10471975511965977),
        wear * torque / frame["Type"].map({"L": 11000, "M": 12000, "H": 13000})])

    def math(operation, a, b, output):
        b = {"inputB": b} if isinstance(b, str) else {"db": b}
        return {"type": "MathBinary", "operation": operation, "inputA": a, **b, "outputCol": output}

    job = features(folder, {"labelCol": "Machine failure", "stages": [
        {"type": "StringIndexer", "inputCol": "Type", "outputCol": "index",
         "stringOrderType": "alphabetAsc"},
        math("sub", "Process temperature [K]", "Air temperature [K]", "difference"),
        math("sub", "difference", 8.6, "margin"),
        {"type": "Bucketizer", "inputCol": "margin", "outputCol": "cool",
         "splits": ["-Infinity", 0, "Infinity"]},
        math("mul", "Rotational speed [rpm]", 0.10471975511965977, "angular"),
        math("mul", "Torque [Nm]", "angular", "power"),
        math("mul", "Tool wear [min]", "Torque [Nm]", "work"),
        {"type": "StringMap", "inputCol": "Type", "outputCol": "limit",
         "labels": {"L": 11000, "M": 12000, "H": 13000}},
        math("div", "work", "limit", "strain"),
        {"type": "VectorAssembler", "outputCol": "features", "inputCols": [
            "index", "Air temperature [K]", "Rotational speed [rpm]", "difference", "cool",
            "power", "strain"]}]}, text).works()
    got = part(job, "train")
    assert got.shape == (10000, 8)
    assert (got == expected).all()  # every double, to the bit: the text reads back to it
    assert part(job, "test").size == 0 and part(job, "validation").size == 0
    assert job.output("bundle/model.tar.gz").exists()
    assert not job.output("after/model.tar.gz").exists()


def test_a_scaler_and_an_encoder_learn_from_the_train_rows_alone(folder):
    data = pandas.read_csv(io.StringIO(table(900)))
    job = features(folder, {
        "labelCol": "y", "split": {"train": 0.5, "validation": 0.25, "test": 0.25, "seed": 4},
        "stages": [
            {"type": "StringIndexer", "inputCol": "kind", "outputCol": "kindIndex",
             "stringOrderType": "alphabetAsc"},
            {"type": "OneHotEncoder", "inputCol": "kindIndex", "outputCol": "kindVector",
             "dropLast": False},
            {"type": "VectorAssembler", "inputCols": ["a"], "outputCol": "aVector"},
            {"type": "StandardScaler", "inputCol": "aVector", "outputCol": "aScaled",
             "withMean": True},
            {"type": "VectorAssembler", "inputCols": ["id", "aScaled", "kindVector"],
             "outputCol": "features"}]}, data.to_csv(index=False)).works()
    rows = ids(job)
    train = data.loc[rows["train"]]
    scaler = StandardScaler().fit(train[["a"]])
    scaler.scale_ *= numpy.sqrt(len(train) / (len(train) - 1))  # Spark's: of a sample
    encoder = OneHotEncoder(sparse_output=False).fit(train[["kind"]])
    for name in PARTS:
        wanted = data.loc[rows[name]]
        numpy.testing.assert_allclose(part(job, name)[:, 2], scaler.transform(wanted[["a"]])[:, 0],
                                      rtol=1e-12, atol=1e-12)
        assert (part(job, name)[:, 3:] == encoder.transform(wanted[["kind"]])).all()
        assert (part(job, name)[:, 0] == wanted["y"]).all()


def test_a_missing_number_is_an_empty_field_and_words_for_null_are_null(folder):
    specification = {**NUMBERS, "data": {"nulls": ["NA", "-9999"]}}
    specification["stages"] = [{**NUMBERS["stages"][0], "handleInvalid": "keep"}]
    job = features(folder, specification, "id,a,y\n1,,0\n2,NA,1\n3,-9999,0\n4,nan,1\n5,2.5,0\n")
    text = job.works().output("train/train.csv").read_text()
    assert text == "0,1,\n1,2,\n0,3,\n1,4,\n0,5,2.5\n"


@pytest.mark.parametrize("value", ["0.1", "1e-300", "-1.7976931348623157e308", "123456789012345680",
                                   "4.9e-324", "-0.5", "1e22", "100", "0.30000000000000004"])
def test_every_number_is_written_so_that_it_reads_back(folder, value):
    job = features(folder, NUMBERS, f"id,a,y\n1,{value},0\n").works()
    assert float(job.output("train/train.csv").read_text().split(",")[2]) == float(value)


def test_labels_decoded_later_are_a_pipeline_of_their_own(folder):
    specification = {"labelCol": "kindIndex", "stages": [
        {"type": "StringIndexer", "inputCol": "kind", "outputCol": "kindIndex",
         "stringOrderType": "alphabetDesc"},
        {"type": "VectorAssembler", "inputCols": ["id"], "outputCol": "features"}],
        "after": [{"type": "IndexToString", "inputCol": "prediction", "outputCol": "kind",
                   "labelsFrom": "kindIndex"}]}
    job = features(folder, specification, table(20)).works()
    kinds = [line.split(",")[2] for line in table(20).splitlines()[1:]]
    assert part(job, "train")[:, 0].tolist() == ["cba".index(kind) for kind in kinds]
    assert job.output("after/model.tar.gz").exists()


# --- how data may come --------------------------------------------------------------------------


def test_plain_gzip_and_several_files_are_read_in_order_of_their_names(folder):
    head = "id,a,y\n"
    job = features(folder, NUMBERS)
    job.write("data/day=2/b.csv", head + "3,0,0\n").write("data/day=1/a.csv.gz", head + "1,0,0\n")
    # The header counts in each file, wherever a column stands there.
    job.write("data/z.csv", "y,id,a\n1,4,0\r\n1,5,0").write("data/_SUCCESS", "")
    job.write("data/day=1/b.csv", head)
    assert ids(job.works())["train"] == [1, 3, 4, 5]


def test_without_a_header_the_columns_have_names_in_the_specification(folder):
    options = {"header": False, "delimiter": ";", "columns": ["id", "a", "kind", "y"]}
    data = table(5).split("\n", 1)[1].replace(",", ";")
    assert ids(features(folder, {**NUMBERS, "data": options}, data).works())["train"] == [*range(5)]
    features(folder, {**NUMBERS, "data": {"header": False}}, data).fails("columns")
    features(folder, {**NUMBERS, "data": {"header": False, "columns": ["a", "b"]}},
             data).fails("id")


def test_rows_longer_than_a_buffer_and_quoted_line_ends(folder):
    long = "x" * 2_000_000
    data = f'id,a,note,y\n1,0,"{long}\n""{long}",0\n2,0,"a\n\nb",1\n' + "3,1,c,0\n" * 100_000
    got = part(features(folder, NUMBERS, data).works(), "train")
    assert got.shape == (100_002, 3) and got[:2].tolist() == [[0, 1, 0], [1, 2, 0]]


def test_parquet_gives_the_rows_that_csv_gives(folder, duckdb_library):
    frame = pandas.read_csv(io.StringIO(table(300)))
    frame.loc[7, "a"] = None
    stages = [{**NUMBERS["stages"][0], "handleInvalid": "keep"}]
    specification = {**NUMBERS, "stages": stages,
                     "split": {"train": 0.7, "test": 0.3, "stratifyBy": "kind"}}
    packed = io.BytesIO()
    frame.to_parquet(packed, index=False)
    as_csv = features(folder, specification, frame.to_csv(index=False)).works()
    # Engines write files whose names do not say what they are.
    as_parquet = features(folder, specification, packed.getvalue(), "20240101_000_abc")
    as_parquet.works(LATHE_DUCKDB_LIBRARY=duckdb_library)
    for name in ("train", "test"):
        assert (as_parquet.output(f"{name}/{name}.csv").read_text()
                == as_csv.output(f"{name}/{name}.csv").read_text())
    assert not list(as_parquet.path.glob("*.csv"))


def test_parquet_of_all_kinds_is_what_pyarrow_says(folder, duckdb_library):
    """Several files and row groups; every type as the numbers, or the texts, that PyArrow reads."""
    count = 5000
    random = numpy.random.default_rng(5)
    decimals = [None if i % 9 == 0 else decimal.Decimal(i % 700).scaleb(-2) for i in range(count)]
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=i % 30) for i in range(count)]
    data = pyarrow.table({
        "id": pyarrow.array(range(count), pyarrow.int64()),
        "y": pyarrow.array([i % 2 == 0 for i in range(count)]),
        "small": pyarrow.array(random.integers(-100, 100, count), pyarrow.int8()),
        "single": pyarrow.array(random.standard_normal(count), pyarrow.float32()),
        "double": pyarrow.array(random.standard_normal(count)),
        "decimal": pyarrow.array(decimals, pyarrow.decimal128(9, 2)),
        "coded": pyarrow.array([-9999 if i % 5 == 0 else i for i in range(count)], pyarrow.int32()),
        "written": pyarrow.array([None if i % 4 == 0 else f"{i}.25" for i in range(count)]),
        "day": pyarrow.array(days),
        "word": pyarrow.array(["" if i % 3 == 0 else "a word of more than twelve bytes" + "!" * (i % 2)
                               for i in range(count)])})
    names = ["id", "small", "single", "double", "decimal", "coded", "written", "day", "word"]
    specification = {
        "labelCol": "y", "data": {"nulls": ["-9999"]}, "stages": [
            *({"type": "StringIndexer", "inputCol": name, "outputCol": name + "Index",
               "stringOrderType": "alphabetAsc"} for name in ("day", "word")),
            {"type": "VectorAssembler", "outputCol": "features", "handleInvalid": "keep",
             "inputCols": [*names[:-2], "dayIndex", "wordIndex"]}]}
    job = features(folder, specification)
    for number, (begin, rows) in enumerate([(0, 1500), (1500, 0), (1500, 3500)]):
        packed = io.BytesIO()
        pyarrow.parquet.write_table(data.slice(begin, rows), packed, row_group_size=1000)
        job.write(f"data/part-{number}", packed.getvalue())
    got = part(job.works(LATHE_DUCKDB_LIBRARY=duckdb_library), "train")
    columns = {name: data.column(name).to_pylist() for name in data.column_names}
    columns["coded"] = [None if value == -9999 else value for value in columns["coded"]]
    for name in ("day", "word"):
        order = sorted(set(map(str, columns[name])))
        columns[name] = [order.index(str(value)) for value in columns[name]]
    expected = numpy.array([[float("nan") if value is None else float(value)
                             for value in columns[name]] for name in ["y", *names]]).T
    numpy.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("column, values, words", [
    ("a", ["1", "2", "three"], ["rows.parquet", "row 3", "column a", '"three"']),
    ("a", [datetime.date(2020, 1, 1)] * 3, ["rows.parquet", "column a", "dates"]),
    ("other", [1, 2, 3], ["rows.parquet", 'no column "a"', '"other"'])])
def test_what_parquet_lacks_is_named(folder, duckdb_library, column, values, words):
    packed = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"id": [1, 2, 3], column: values, "y": [0, 1, 0]}),
                                packed)
    job = features(folder, NUMBERS, packed.getvalue(), "rows.parquet")
    job.fails(*words, LATHE_DUCKDB_LIBRARY=duckdb_library)


def test_a_cut_parquet_file_is_named(folder, duckdb_library):
    job = features(folder, NUMBERS, b"PAR1 and nothing else", "rows.parquet")
    job.fails("rows.parquet", LATHE_DUCKDB_LIBRARY=duckdb_library)


# --- splits -------------------------------------------------------------------------------------


def test_shares_are_exact_and_the_same_every_time(folder):
    split = {"train": 0.7, "validation": 0.1, "test": 0.2, "seed": 5}
    first = ids(features(folder, {**NUMBERS, "split": split}, table(1000)).works())
    again = ids(features(folder, {**NUMBERS, "split": split}, table(1000)).works())
    other = ids(features(folder, {**NUMBERS, "split": {**split, "seed": 6}}, table(1000)).works())
    assert [len(first[name]) for name in PARTS] == [700, 100, 200]
    assert sorted(sum(first.values(), [])) == [*range(1000)]
    assert first == again and first != other


def test_stratified_parts_have_every_label_in_its_share(folder):
    labels = numpy.random.default_rng(1).permutation([0] * 900 + [1] * 80 + [2] * 20)
    data = "id,a,y\n" + "".join(f"{i},0,{label}\n" for i, label in enumerate(labels))
    split = {"train": 0.5, "validation": 0.25, "test": 0.25, "stratifyBy": "y"}
    rows = ids(features(folder, {**NUMBERS, "split": split}, data).works())
    for name, share in zip(PARTS, (0.5, 0.25, 0.25)):
        assert numpy.bincount(labels[rows[name]]).tolist() == [900 * share, 80 * share, 20 * share]


def test_folds_hold_every_row_once(folder):
    tests = []
    for fold in range(5):
        split = {"folds": 5, "fold": fold, "seed": 2, "stratifyBy": "y"}
        rows = ids(features(folder, {**NUMBERS, "split": split}, table(400)).works())
        assert rows["validation"] == []
        assert sorted(rows["train"] + rows["test"]) == [*range(400)]
        assert sum(i * 3 % 2 for i in rows["test"]) == 40 and len(rows["test"]) == 80
        tests += rows["test"]
    assert sorted(tests) == [*range(400)]


@pytest.mark.parametrize("used_as_a_number", [False, True])
def test_a_group_stays_together(folder, used_as_a_number):
    unit = numpy.random.default_rng(2).integers(0, 60, 3000)
    data = "id,a,unit,y\n" + "".join(f"{i},0,{u},0\n" for i, u in enumerate(unit))
    stage = {**NUMBERS["stages"][0]}
    if used_as_a_number:
        stage["inputCols"] = ["id", "unit"]
    rows = ids(features(folder, {
        "labelCol": "y", "stages": [stage],
        "split": {"train": 0.6, "validation": 0.2, "test": 0.2, "groupBy": "unit"}}, data).works())
    groups = {name: set(unit[rows[name]].tolist()) for name in PARTS}
    assert [len(groups[name]) for name in PARTS] == [36, 12, 12]
    assert not groups["train"] & groups["test"] and not groups["train"] & groups["validation"]


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("change, words", [
    ({"labelcol": "y"}, ["labelcol", "labelCol"]),
    ({"labelCol": 3}, ["labelCol", "3", "text"]),
    ({"labelCol": "failed"}, ["failed", '"y"']),
    ({"labelCol": "kind"}, ["kind", "line 2", "StringIndexer", "labelCol: kindIndex"]),
    ({"labelCol": "kind", "stages": [
        {"type": "StringIndexer", "inputCol": "kind", "outputCol": "kindIndex"},
        {"type": "VectorAssembler", "inputCols": ["kindIndex"], "outputCol": "features"}]},
     ["labelCol", "kind", "not a number", "labelCol: kindIndex"]),
    ({"featuresCol": "vector"}, ["vector"]),
    ({"data": {"separator": ";"}}, ["separator", "delimiter"]),
    ({"data": {"delimiter": "ab"}}, ["delimiter", "ab"]),
    ({"data": {"nulls": "NA"}}, ["nulls", "list"]),
    ({"data": {"nulls": [None]}}, ["nulls"]),
    ({"split": {"train": 0.8}}, ["split", "0.8"]),
    ({"split": {"train": 1.5, "test": -0.5}}, ["split"]),
    ({"split": {"training": 1}}, ["split", "training", "train"]),
    ({"split": {"train": 1, "stratifyBy": "y", "groupBy": "kind"}}, ["stratifyBy", "groupBy"]),
    ({"split": {"train": 1, "stratifyBy": "features"}}, ["features", "stage"]),
    ({"split": {"train": 1, "groupBy": "engine"}}, ["engine", '"kind"']),
    ({"split": {"folds": 5, "fold": 5}}, ["fold 5 of 5"]),
    ({"split": {"folds": 1, "fold": 0}}, ["folds"]),
    ({"split": {"folds": 65, "fold": 0}}, ["64"]),
    ({"split": {"folds": 5, "fold": -1}}, ["fold"]),
    ({"split": {"folds": 5, "train": 0.5}}, ["folds", "train"]),
    ({"stages": [{"type": "VectorAssembler", "inputCols": ["id", "b"], "outputCol": "features"}]},
     ["b", '"a"']),
    ({"stages": [{"type": "VectorAssembler", "inputCols": ["kind"], "outputCol": "features"}]},
     ["kind", "line 2"]),
    ({"stages": [{"type": "VectorAsembler", "inputCols": ["a"], "outputCol": "features"}]},
     ["VectorAsembler", "VectorAssembler"]),
    ({"stages": {}}, ["stages", "list"]),
])
def test_what_a_specification_gets_wrong_is_named(folder, change, words):
    features(folder, {**NUMBERS, **change}, table(10)).fails(*words)


def test_one_specification_is_needed(folder):
    folder("features").write("data/rows.csv", table(3)).fails("config", ".yaml")
    folder("features").write("data/rows.csv", table(3)).write("config/notes.txt", "").fails(".yaml")
    job = features(folder, NUMBERS, table(3))
    job.write("config/other.json", NUMBERS).fails("features.yaml", "other.json")
    features(folder, "- a\n- b\n", table(3)).fails("features.yaml")
    features(folder, "stages: [a\nlabelCol: b\n", table(3)).fails("features.yaml", "line")


def test_data_is_needed(folder):
    features(folder, NUMBERS).fails("processing/input/data")
    features(folder, NUMBERS, "", "_SUCCESS").fails("no file")


@pytest.mark.parametrize("text, words", [
    ("", ["no rows"]),
    ("id,a,y\n", ["no rows"]),
    ("id,a\n1,2\n", ["y", '"a"']),
    ("id,a,y,a\n1,2,3,4\n", ["a"]),
    ("id,a,y\n1,2,0\n3,4\n", ["rows.csv", "line 3", "2 fields"]),
    ("id,a,y\n1,2,0\n3,4,0,9\n", ["rows.csv", "line 3", "4 fields"]),
    ("id,a,y\n1,2,0\n3,four,0\n", ["rows.csv", "line 3", "four", "a"]),
    ('id,a,y\n1,2,0\n3,"4,0\n', ["rows.csv", "line 3", "quote"]),
    ("id,a,y\n1,2,0\n3,4,\n", ["row 2", "label", "y"]),
    ("id,a,y\n1,2,0\n3,,0\n", ["row 2", "a"]),
])
def test_rows_that_do_not_fit_are_named(folder, text, words):
    features(folder, NUMBERS, text).fails(*words)


def test_a_bad_row_in_a_later_file_is_counted_there(folder):
    job = features(folder, NUMBERS, table(50), "a.csv")
    job.write("data/b.csv.gz", "id,a,y\n" + "1,2,0\n" * 300_000 + "1,two,0\n")
    job.fails("b.csv.gz", "line 300002", "two")


@pytest.mark.parametrize("fold", [0, 1])
def test_a_value_that_cannot_be_learned_from_is_named_by_its_row(folder, fold):
    """Whether the row is to be learned from or only to be transformed."""
    rows = "".join(f"{i},{-1 if i == 57 else i % 3},{i % 2}\n" for i in range(1, 200))
    stages = [{"type": "OneHotEncoder", "inputCol": "kind", "outputCol": "hot"},
              {"type": "VectorAssembler", "inputCols": ["id", "hot"], "outputCol": "features"}]
    features(folder, {"labelCol": "y", "stages": stages, "split": {"folds": 2, "fold": fold}},
             "id,kind,y\n" + rows).fails("row 57", "kind", "-1")


def test_a_cut_gzip_file_is_named(folder):
    job = features(folder, NUMBERS, table(5000), "rows.csv.gz")
    path = job.path / "processing/input/data/rows.csv.gz"
    path.write_bytes(path.read_bytes()[:-20])
    job.fails("rows.csv.gz")


UNKNOWN = "id,a,kind,y\n" + "".join(f"{i},0,{'known' if i else 'new'},0\n" for i in range(40))


@pytest.mark.parametrize("handling, failing", [("error", True), ("keep", False), ("skip", False)])
def test_a_category_that_only_test_rows_have(folder, handling, failing):
    split = {"folds": 20, "seed": 3}
    stages = [{"type": "StringIndexer", "inputCol": "kind", "outputCol": "index",
               "handleInvalid": handling},
              {"type": "VectorAssembler", "inputCols": ["id", "index"], "outputCol": "features"}]

    def job_of(fold):
        return features(folder, {"labelCol": "y", "stages": stages,
                                 "split": {**split, "fold": fold}}, UNKNOWN)

    whole = {"labelCol": "y", "stages": NUMBERS["stages"]}
    fold = next(f for f in range(20) if 0 in ids(features(
        folder, {**whole, "split": {**split, "fold": f}}, UNKNOWN).works())["test"])
    if failing:
        job_of(fold).fails("new", "kind", "row 1")
        return
    rows = part(job_of(fold).works(), "test")
    if handling == "keep":
        assert rows[rows[:, 1] == 0, 2].tolist() == [1]  # the index after the last
    else:
        assert 0 not in rows[:, 1] and len(rows) == 1


def test_a_label_of_one_kind_only_is_written_as_it_is(folder):
    data = "id,a,y\n" + "".join(f"{i},0,1\n" for i in range(40))
    split = {"train": 0.5, "test": 0.5, "stratifyBy": "y"}
    job = features(folder, {**NUMBERS, "split": split}, data).works()
    assert (part(job, "train")[:, 0] == 1).all() and len(part(job, "test")) == 20

"""Categories that a model keeps, through examples/python/lathe.py and `lathe export c`, against
XGBoost that recodes data frames itself."""

import subprocess

MAKE = """
import ctypes, io, json, sys, tarfile
import lathe, numpy, pandas, xgboost

folder = sys.argv[1]
random = numpy.random.default_rng(7)
NAMES = ["7", "blue", "green", "red", ""]


def frame(names, numbers, count=300):
    return pandas.DataFrame({
        "x": random.normal(size=count),
        "kind": pandas.Categorical(random.choice(names[:-1], count), categories=names),
        "size": pandas.Categorical(random.choice(numbers, count), categories=numbers)})


def trained(names, numbers):
    rows = frame(names, numbers)
    target = rows["x"] + rows["kind"].cat.codes % 3 + 2 * rows["size"].cat.codes
    return xgboost.train({"nthread": 1, "max_depth": 4},
                         xgboost.DMatrix(rows, target, enable_categorical=True), 8)


booster = trained(NAMES, [40, 38, -2])
booster.save_model(folder + "/model.ubj")
model = lathe.Predictor(folder + "/model.ubj")
asked = frame(NAMES[::-1], [38, 40])
asked.loc[4, "kind"] = asked.loc[5, "size"] = None
matrix = xgboost.DMatrix(asked, enable_categorical=True)
expected = booster.predict(matrix)
"""

PYTHON = MAKE + """
def same(found, right=expected):
    numpy.testing.assert_array_equal(numpy.float32(found), right)


assert [column.categories for column in model.columns] == [
    None, tuple(NAMES), ("40", "38", "-2")], model.columns
same(model.predict(asked))                                        # recoded
texts = asked.astype(object)
same(model.predict(texts))                                        # what they are called
same(model.predict({name: texts[name].tolist() for name in texts}))
codes = numpy.column_stack([
    asked["x"], *[[{name: i for i, name in enumerate(names)}.get(value, numpy.nan)
                   for value in asked[column]]
                  for column, names in (("kind", NAMES), ("size", [40, 38, -2]))]])
same(model.predict(codes))                                        # what XGBoost makes of them
numpy.testing.assert_allclose(model.contributions(asked),
                              booster.predict(matrix, pred_contribs=True), rtol=1e-4, atol=1e-5)

other = asked.assign(kind=pandas.Categorical(["blue"] * 299 + ["violet"]))  # 3.2 misses what is not the last
try:
    booster.predict(xgboost.DMatrix(other, enable_categorical=True))
except xgboost.core.XGBoostError as error:
    theirs = str(error).split(": ", 1)[1].splitlines()[0]
try:
    model.predict(other)
    raise AssertionError("a category that nobody has seen")
except lathe.LatheError as error:
    assert theirs in str(error) and "row 300" in str(error), (theirs, error)

# As a container of an image has its rows: numbers are codes, as there; texts are ours to add.
error = lathe._Error()
given = lathe._artifacts([folder + "/model.ubj"], [{}])
given[0].image = b"1.7-1"
handle = model._library.lathe_predictor_open(given, 1, error)
assert handle, error.message
model._library.lathe_predictor_close(model._handle)
model._handle = handle
for text, form in (("0.5,blue,1", "csv"), ('[[0.5, "blue", 1]]', "json"),
                   ("x,kind,size\\n0.5,1,1", "csv-header"), ("0.5,1,1", "csv")):
    same([float(model.predict_text(text, form, "csv-lines"))],
         booster.inplace_predict(numpy.float32([[0.5, 1, 1]])))
same([float(model.predict_text("0.5,7,1", "csv", "csv-lines"))],  # no category 7, but a code
     booster.inplace_predict(numpy.float32([[0.5, 7, 1]])))
for text in "0.5,pink,1", "0.5,blue,big":
    try:
        model.predict_text(text, "csv", "csv-lines")
        raise AssertionError("no such category")
    except lathe.LatheError as error:
        assert error.code == lathe.Code.INVALID_DATA and "Found a category" in str(error), error

# Models of an archive that all keep the same; where each has its own there are only codes.
def together(*boosters):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for i, one in enumerate(boosters):
            entry, raw = tarfile.TarInfo(f"xgboost-model-{i}"), bytes(one.save_raw("ubj"))
            entry.size = len(raw)
            archive.addfile(entry, io.BytesIO(raw))
    return lathe.Predictor(packed.getvalue())


second, foreign = trained(NAMES, [40, 38, -2]), trained(NAMES[::-1], [40, 38, -2])
numpy.testing.assert_allclose(together(booster, second).predict(asked),
                              (expected + second.predict(matrix)) / 2, rtol=1e-6)
assert together(booster, foreign).columns[1].categories is None

# Texts beyond ASCII, whose places XGBoost 3.2 counts wrong in its files: codes are what is left.
if xgboost.__version__ < "3.4":
    booster = trained(["rot", "gr\\u00fcn", "blau", ""], [1, 2])
    booster.save_model(folder + "/cut.json")
    cut = lathe.Predictor(folder + "/cut.json")
    assert [bool(column.categories) for column in cut.columns] == [False, False, True]
    same(cut.predict(codes[:, [0, 1, 1]]),
         booster.inplace_predict(numpy.float32(codes[:, [0, 1, 1]])))
"""


def test_python_beside_xgboost(python, tmp_path):
    python(PYTHON, [tmp_path])


EXPORT = MAKE + """
asked.to_csv(folder + "/rows.csv", index=False, header=False)
numpy.savetxt(folder + "/expected.txt", expected, fmt="%.9g")
"""

# Rows of CSV without quotes: what has a code is what the exported file says.
HARNESS = r"""
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int predict(const double *numbers, const char *const *texts, double *out);
int predict_code(size_t column, const char *category);

int main(void)
{
    char line[256];
    while (fgets(line, sizeof line, stdin)) {
        double numbers[3] = {NAN, NAN, NAN}, out;
        char *field = line;
        for (size_t i = 0; i < 3; i++) {
            size_t size = strcspn(field, ",\n");
            field[size] = 0;
            if (size)
                numbers[i] = i ? (double)predict_code(i, field) : atof(field);
            field += size + 1;
        }
        if (predict(numbers, NULL, &out))
            return 1;
        printf("%.9g\n", out);
    }
    printf("%d %d %d %d\n", predict_code(1, "lilac"), predict_code(1, ""), predict_code(0, "red"),
           predict_code(9, "red"));
    return 0;
}
"""


def test_exported(lathe, python, tmp_path):
    python(EXPORT, [tmp_path])
    code = subprocess.run([lathe, "export", "c", tmp_path / "model.ubj"], capture_output=True,
                          text=True, check=True).stdout
    assert "numbers[1]  kind (the code of its category)" in code
    (tmp_path / "model.c").write_text(code)
    (tmp_path / "main.c").write_text(HARNESS)
    subprocess.run(["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wshadow",
                    "-Wmissing-prototypes", tmp_path / "model.c",
                    tmp_path / "main.c", "-lm", "-o", tmp_path / "main"], check=True)
    done = subprocess.run([tmp_path / "main"], input=(tmp_path / "rows.csv").read_text(), text=True,
                          capture_output=True, check=True).stdout.splitlines()
    assert done[:-1] == (tmp_path / "expected.txt").read_text().splitlines()
    assert done[-1] == "-1 4 -1 -1"

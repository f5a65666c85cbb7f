"""Fits and applies the feature pipelines below with real Spark ML and writes, for each, a case
file: the specification, the rows and what Spark made of them. tests/feature/test_spark.c holds
our transformers against these files; tests/feature/test_features_full.py makes them again and
compares, so that they are known to be Spark's.

    python spark_cases.py FOLDER      (pyspark 4.0.1, Java 17)

Spark 3.3 makes the same of all but labels beyond U+FFFF, which it orders as Java does.
"""

import json
import math
import pathlib
import sys
import tempfile

NAN, INF = float("nan"), float("inf")

# Columns of rows: (type, values). None is null. Spark types: number double, integer int.
ROWS = {
    "text": ("text", ["b", "a", "c", "b", "", "a", None, "c", "\U0001f600", "\ufb00", "\u00e9", "b",
                      "aa", "\ufb00", "\U0001f600", "longer than eight bytes",
                      "longer than eight bytez", "longer than eight bytes"]),
    "kind": ("text", ["L", "M", "H", "L", "L", "M", "L", "M", "H", "L", "L", "M", "L", "M", "L",
                      "L", "M", "L"]),
    "whole": ("integer", [3, 1, 2, 3, 3, 10, 2, 1, 3, 10, 2, 3, 1, 2, 3, 10, 7, 3]),
    "real": ("number", [1.5, -2.25, 1e10, 1.5, 0.001, 1e-4, None, 1e7, 123456.789, 1.5, -0.0, 0.0,
                        9999999.0, 0.1, 1.5, 2.0, 3.0, NAN]),
    "x": ("number", [0.1, 2.5, -3.75, 1e-3, 7.0, 7.5, 0.3, 12.25, -0.0, 0.0, 5.5, 6.125, 1e3, 2.0,
                     3.3, 4.4, -8.125, 0.7]),
    "y": ("number", [-1.0, -2.0, -3.0, -4.5, -1.25, -6.0, -7.0, -8.0, -9.0, -10.0, -11.5, -1.0,
                     -2.5, -3.0, -1.0, -2.0, -3.5, -4.25]),
    "gap": ("number", [1.0, NAN, 2.0, None, 5.0, 5.0, -1.0, 2.0, 4.0, 3.0, None, 1.0, -1.0, 7.5,
                       NAN, 2.0, 9.0, 4.0]),
    "same": ("number", [4.5] * 18),
    "category": ("number", [0.0, 1.0, 4.0, 2.0, 0.0, 1.0, 4.0, 0.0, 2.0, 0.0, 1.0, 0.0, 4.0, 1.0,
                            0.0, 2.0, 0.0, 1.0]),
}

# Rows that a fitted pipeline has not seen.
NEW = {
    "text": ("text", ["b", "unknown", None, "", "aa", "longer than eight bytes?", "\U0001f600"]),
    "kind": ("text", ["H", "L", "X", "M", None, "L", "M"]),
    "whole": ("integer", [3, 99, 1, 10, 2, 7, 1]),
    "real": ("number", [1.5, 1e10, NAN, 0.001, 1e7, 5.25, 0.1]),
    "x": ("number", [-5.0, 0.0, -0.0, 100.0, NAN, 7.0, 1e-3]),
    "y": ("number", [-1.0, 0.0, 3.0, -20.0, -11.5, -2.5, 0.5]),
    "gap": ("number", [NAN, 1.0, -1.0, None, 2.5, 0.0, 9.0]),
    "same": ("number", [4.5, 5.0, 0.0, -1.0, 4.5, 4.5, 4.0]),
    "category": ("number", [0.0, 4.0, 1.0, 2.0, 3.0, 0.0, 1.0]),
}


def stage(type_, **parameters):
    return {"type": type_, **parameters}


def assemble(inputs, output="v", **parameters):
    return stage("VectorAssembler", inputCols=inputs, outputCol=output, **parameters)


def cases():
    """Yields name, stages, fit rows' columns, apply rows, wanted columns, options."""
    for order in ("frequencyDesc", "frequencyAsc", "alphabetDesc", "alphabetAsc"):
        for invalid in ("keep", "skip"):
            yield (f"indexer_{order}_{invalid}",
                   [stage("StringIndexer", inputCol="text", outputCol="i", stringOrderType=order,
                          handleInvalid=invalid)], ["i"])
    yield ("indexer_several", [stage("StringIndexer", inputCols=["text", "kind"],
                                     outputCols=["i", "j"], handleInvalid="skip")], ["i", "j"])
    yield ("indexer_numbers", [stage("StringIndexer", inputCols=["whole", "real"],
                                     outputCols=["i", "j"], stringOrderType="alphabetAsc",
                                     handleInvalid="keep")], ["i", "j"])
    yield ("indexer_error", [stage("StringIndexer", inputCol="kind", outputCol="i")], ["i"])
    yield ("labels_back", [stage("StringIndexer", inputCol="kind", outputCol="i",
                                 handleInvalid="keep"),
                           stage("IndexToString", inputCol="i", outputCol="s"),
                           stage("IndexToString", inputCol="category", outputCol="t",
                                 labels=["p", "q", "r", "", "t"])], ["s", "t"])
    for invalid in ("error", "keep"):
        for drop in (True, False):
            yield (f"one_hot_{invalid}_{'drop' if drop else 'all'}",
                   [stage("StringIndexer", inputCols=["whole", "kind"], outputCols=["i", "j"],
                          handleInvalid="keep"),
                    stage("OneHotEncoder", inputCols=["i", "j", "category"],
                          outputCols=["u", "v", "w"], dropLast=drop, handleInvalid=invalid)],
                   ["u", "v", "w"])
    yield ("one_hot_defaults", [stage("StringIndexer", inputCol="kind", outputCol="i",
                                      handleInvalid="skip"),
                                stage("OneHotEncoder", inputCol="i", outputCol="u")], ["u"])
    yield ("one_hot_unseen", [stage("OneHotEncoder", inputCol="whole", outputCol="u")], ["u"])
    yield ("one_hot_buckets", [stage("Bucketizer", inputCol="x", outputCol="b",
                                     splits=["-Infinity", 0.0, 2.5, "Infinity"],
                                     handleInvalid="skip"),
                               stage("OneHotEncoder", inputCol="b", outputCol="u"),
                               stage("IndexToString", inputCol="b", outputCol="s")], ["u", "s"])
    for invalid in ("error", "skip", "keep"):
        yield (f"assembler_{invalid}", [assemble(["x", "y", "gap"], handleInvalid=invalid)], ["v"])
    for mean in (False, True):
        for std in (False, True):
            yield (f"standard_{int(mean)}{int(std)}",
                   [stage("StringIndexer", inputCol="kind", outputCol="i", handleInvalid="keep"),
                    stage("OneHotEncoder", inputCol="i", outputCol="u", dropLast=False),
                    assemble(["x", "y", "u", "same", "category"], handleInvalid="keep"),
                    stage("StandardScaler", inputCol="v", outputCol="s", withMean=mean,
                          withStd=std)], ["s"])
    yield ("standard_defaults", [assemble(["x", "y"], handleInvalid="keep"),
                                 stage("StandardScaler", inputCol="v", outputCol="s")], ["s"])
    yield ("standard_nan", [assemble(["gap", "y"], handleInvalid="keep"),
                            stage("StandardScaler", inputCol="v", outputCol="s")], ["s"])
    yield ("min_max_defaults", [assemble(["x", "y", "same", "gap"], handleInvalid="keep"),
                                stage("MinMaxScaler", inputCol="v", outputCol="s")], ["s"])
    yield ("min_max_range", [assemble(["x", "y", "same", "category"], handleInvalid="keep"),
                             stage("MinMaxScaler", inputCol="v", outputCol="s", min=-1.5, max=3.25)],
           ["s"])
    for strategy in ("mean", "median", "mode"):
        yield (f"imputer_{strategy}",
               [stage("Imputer", inputCols=["gap", "x"], outputCols=["g", "z"],
                      strategy=strategy)], ["g", "z"])
    yield ("imputer_one", [stage("Imputer", inputCol="gap", outputCol="g")], ["g"])
    for invalid in ("error", "skip", "keep"):
        yield (f"bucketizer_{invalid}",
               [stage("Bucketizer", inputCol="x", outputCol="b", handleInvalid=invalid,
                      splits=["-Infinity", -3.75, 0.0, 1e-3, 2.5, 7.0, "Infinity"])], ["b"])
    yield ("bucketizer_bounds", [stage("Bucketizer", inputCol="y", outputCol="b",
                                       splits=[-12.0, -4.5, -1.0])], ["b"])
    yield ("bucketizer_several",
           [stage("Bucketizer", inputCols=["x", "y"], outputCols=["b", "c"], handleInvalid="keep",
                  splitsArray=[["-Infinity", 0.0, 6.125, "Infinity"],
                               ["-Infinity", -3.0, 0.0, 0.5, "Infinity"]])], ["b", "c"])
    yield ("skip_then_learn",
           [stage("StringIndexer", inputCol="text", outputCol="i", handleInvalid="skip"),
            stage("Imputer", inputCol="gap", outputCol="g"),
            assemble(["g", "x"], handleInvalid="skip"),
            stage("StandardScaler", inputCol="v", outputCol="s", withMean=True)], ["i", "s"])
    yield from of_vectors()
    for buckets, columns in ((3, ["x"]), (4, ["x", "category", "y"])):
        yield (f"discretizer_{buckets}",
               [stage("QuantileDiscretizer", inputCols=columns, outputCols=[f"{c}_b" for c in columns],
                      numBuckets=buckets, handleInvalid="keep")], [f"{c}_b" for c in columns])
    yield ("discretizer_defaults", [stage("QuantileDiscretizer", inputCol="gap", outputCol="b")],
           ["b"])
    yield ("discretizer_skip", [stage("QuantileDiscretizer", inputCol="gap", outputCol="b",
                                      numBuckets=7, handleInvalid="skip", relativeError=0.1)], ["b"])
    yield ("binarizer", [stage("Binarizer", inputCol="x", outputCol="b", threshold=0.3)], ["b"])
    yield ("binarizer_several",
           [stage("Binarizer", inputCols=["x", "y", "gap"], outputCols=["b", "c", "d"],
                  thresholds=[0.1, -3.0, 2.0])], ["b", "c", "d"])
    yield ("words", [stage("Tokenizer", inputCol="kind", outputCol="w"),
                     stage("HashingTF", inputCol="w", outputCol="h", numFeatures=7)], ["h"])
    yield ("chain",
           [stage("StringIndexer", inputCol="kind", outputCol="i", handleInvalid="keep"),
            stage("Imputer", inputCols=["gap"], outputCols=["g"], strategy="median"),
            stage("Bucketizer", inputCol="x", outputCol="b", handleInvalid="keep",
                  splits=["-Infinity", 0.0, 5.0, "Infinity"]),
            stage("OneHotEncoder", inputCols=["i", "b"], outputCols=["u", "w"],
                  handleInvalid="keep"),
            assemble(["g", "y"], "n"),
            stage("MinMaxScaler", inputCol="n", outputCol="m"),
            stage("StandardScaler", inputCol="m", outputCol="z", withMean=True),
            assemble(["u", "z", "w", "category"], "features")], ["features"])


def of_vectors():
    """As cases, of one vector with zeros of both signs, a constant and, among the new rows, NaN."""
    vector = assemble(["x", "y", "same", "category"], handleInvalid="keep")

    def one(name, type_, **parameters):
        return (name, [vector, stage(type_, inputCol="v", outputCol="s", **parameters)], ["s"])
    yield one("robust_defaults", "RobustScaler")
    yield one("robust_centered", "RobustScaler", withCentering=True, lower=0.1, upper=0.8)
    yield one("robust_unscaled", "RobustScaler", withCentering=True, withScaling=False)
    yield one("robust_neither", "RobustScaler", withScaling=False, relativeError=0.2)
    yield ("robust_nan", [assemble(["gap", "y"], handleInvalid="keep"),
                          stage("RobustScaler", inputCol="v", outputCol="s")], ["s"])
    yield one("max_abs", "MaxAbsScaler")
    yield ("max_abs_nan", [assemble(["gap", "y"], handleInvalid="keep"),
                           stage("MaxAbsScaler", inputCol="v", outputCol="s")], ["s"])
    yield one("normalizer_1", "Normalizer", p=1.0)
    yield one("normalizer_2", "Normalizer")
    yield one("normalizer_3", "Normalizer", p=3.0)
    yield one("normalizer_inf", "Normalizer", p="Infinity")
    yield one("product", "ElementwiseProduct", scalingVec=[0.5, -3.0, 0.0, 1e-3])
    yield one("expansion_2", "PolynomialExpansion")
    yield one("expansion_3", "PolynomialExpansion", degree=3)
    yield one("slicer", "VectorSlicer", indices=[3, 0])


def number(value):
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def table(rows):
    """The rows as the case file has them: nulls in numbers are null, NaN is "NaN"."""
    columns = [{"name": name, "type": type_, "values": [number(value) for value in values]}
               for name, (type_, values) in rows.items()]
    count = len(columns[0]["values"])
    return columns + [{"name": "row", "type": "number", "values": [float(i) for i in range(count)]}]


def write(path, case):
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in case.items()]
    path.write_text("{" + ",\n ".join(lines) + "}\n")


class Spark:
    def __init__(self):
        from pyspark.sql import SparkSession
        self.session = (SparkSession.builder.master("local[1]")
                        .config("spark.sql.shuffle.partitions", 1)
                        .config("spark.default.parallelism", 1)
                        .config("spark.ui.enabled", "false").getOrCreate())
        self.session.sparkContext.setLogLevel("OFF")
        self.folder = tempfile.TemporaryDirectory()

    def frame(self, rows):
        from pyspark.sql import types
        kinds = {"text": types.StringType(), "number": types.DoubleType(),
                 "integer": types.IntegerType()}
        schema = types.StructType([types.StructField(name, kinds[type_])
                                   for name, (type_, _) in rows.items()]
                                  + [types.StructField("row", types.DoubleType())])
        # By way of a file: Spark 3.3 cannot take rows from Python 3.11, and the order is certain.
        names = list(rows) + ["row"]
        lists = [values for _, values in rows.values()]
        path = pathlib.Path(self.folder.name) / f"{len(list(pathlib.Path(self.folder.name).iterdir()))}.json"
        with path.open("w") as file:
            for i, record in enumerate(zip(*lists)):
                file.write(json.dumps(dict(zip(names, record + (float(i),)))) + "\n")
        return self.session.read.schema(schema).json(str(path)).coalesce(1)

    def stages(self, stages):
        from pyspark.ml import feature, linalg
        words = {"-Infinity": -INF, "Infinity": INF}

        def plain(value, key=None):
            if key == "scalingVec":
                return linalg.Vectors.dense(value)
            if isinstance(value, list):
                return [plain(element) for element in value]
            return words.get(value, value) if isinstance(value, str) else value
        return [getattr(feature, spec["type"])(**{key: plain(value, key) for key, value in spec.items()
                                                  if key != "type"}) for spec in stages]

    def collect(self, frame, wanted):
        """The wanted columns of the rows that are left, or the error's last line."""
        try:
            records = frame.select(*wanted).collect()
        except Exception as error:  # pylint: disable=broad-except
            return {"error": type(error).__name__}
        columns = []
        for name in wanted:
            values = [record[name] for record in records]
            if values and hasattr(values[0], "toArray"):
                values = [[number(float(v)) for v in value.toArray()] for value in values]
            columns.append({"name": name, "values": [number(value) for value in values]})
        return {"columns": columns}


def run(folder):
    from pyspark.ml import Pipeline
    spark = Spark()
    fit, new = spark.frame(ROWS), spark.frame(NEW)
    for name, stages, wanted in cases():
        wanted = ["row"] + wanted
        fitted = Pipeline(stages=spark.stages(stages)).fit(fit)
        case = {"specification": json.dumps({"stages": stages}), "wanted": wanted,
                "fit": spark.collect(fitted.transform(fit), wanted),
                "new": spark.collect(fitted.transform(new), wanted)}
        write(folder / f"{name}.json", case)
    write(folder / "rows.json", {"fit": table(ROWS), "new": table(NEW)})
    large(spark, folder)


def large(spark, folder):
    """Medians of many values, where Spark's answer is approximate and its own: the values are a
    linear congruential sequence that the test makes too."""
    answers = []
    for rows, error in ((1000, 0.001), (49999, 0.001), (50000, 0.001), (50001, 0.01),
                        (120000, 0.001), (260000, 0.0005), (300000, 0.05)):
        state, values = rows, []
        for _ in range(rows):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            values.append(float((state >> 33) % 100000) / 8)
        frame = spark.frame({"x": ("number", values)})
        from pyspark.ml import feature
        imputer = feature.Imputer(inputCol="x", outputCol="z", strategy="median",
                                  relativeError=error)
        median = imputer.fit(frame).surrogateDF.collect()[0]["x"]
        answers.append({"rows": rows, "relativeError": error, "median": median})
    write(folder / "medians.json", {"medians": answers})


if __name__ == "__main__":
    run(pathlib.Path(sys.argv[1]))

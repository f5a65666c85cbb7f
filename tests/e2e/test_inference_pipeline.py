"""Inference pipelines with boto3: features made by MLeap's own bundles, trees by XGBoost, labels by
a bundle again. What comes out is held against XGBoost's predictions for the features that MLeap's
runtime and Spark computed (tests/feature/bundles, made by tools/mleap_fixtures)."""

import io
import json
import pathlib
import re
import tarfile
import zipfile

import numpy
import pytest
import xgboost
from botocore.exceptions import ClientError

from sagemaker_jobs import ROLE, XGBOOST, unique

SPARKML = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-sparkml-serving:3.3"
BUNDLES = pathlib.Path(__file__).parent.parent / "feature" / "bundles"
TABLE = {column["name"]: column["values"]
         for column in json.loads((BUNDLES / "rows.json").read_text())["columns"]}
# A column more than the features need, and in another order than theirs.
SCHEMA = {"input": [{"name": "x", "type": "double"}, {"name": "unused", "type": "string"},
                    {"name": "kind", "type": "string"}, {"name": "y", "type": "double"}],
          "output": {"name": "features", "type": "double", "struct": "vector"}}
ROWS = [[x, f"ignore me {i}", kind, y]
        for i, (x, kind, y) in enumerate(zip(TABLE["x"], TABLE["kind"], TABLE["y"]))]
LABELS = {"input": [{"name": "category", "type": "double"}],
          "output": {"name": "t", "type": "string"}}
LABEL_NAMES = ["p", "", "r"]


@pytest.fixture(scope="module", params=["0.20", "0.24"])
def version(request):
    return request.param


@pytest.fixture(scope="module")
def features(version):
    """What MLeap's runtime makes of ROWS."""
    columns = json.loads((BUNDLES / version / "machine.json").read_text())["mleap"]
    return numpy.array(next(c["values"] for c in columns if c["name"] == "features"))


def trained(features, labels, objective, seed=0, **parameters):
    """A booster on the features with some noise, so that there are trees to speak of."""
    random = numpy.random.default_rng(seed)
    rows = numpy.repeat(features, 40, 0) + random.normal(0, 0.3, (len(features) * 40, features.shape[1]))
    return xgboost.train({"objective": objective, "max_depth": 4, "seed": seed, "nthread": 1,
                           **parameters},
                         xgboost.DMatrix(rows, numpy.repeat(labels, 40)), 12)


def predictions(booster, features):
    return booster.predict(xgboost.DMatrix(features.astype(numpy.float32), nthread=1))


def packed(files):
    """A model.tar.gz of {name: bytes}."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def model_bytes(booster):
    return bytes(booster.save_raw("ubj"))


class Deployed:
    def __init__(self, server, containers):
        """containers: [(image, archive's bytes, environment)]."""
        sagemaker, s3, self.name = server.client("sagemaker"), server.client("s3"), unique("pipe")
        s3.create_bucket(Bucket=self.name)
        described = []
        for i, (image, archive, environment) in enumerate(containers):
            s3.put_object(Bucket=self.name, Key=f"{i}/model.tar.gz", Body=archive)
            described.append({"Image": image, "Environment": environment,
                              "ModelDataUrl": f"s3://{self.name}/{i}/model.tar.gz"})
        sagemaker.create_model(ModelName=self.name, ExecutionRoleArn=ROLE, Containers=described)
        sagemaker.create_endpoint_config(EndpointConfigName=self.name, ProductionVariants=[
            {"VariantName": "AllTraffic", "ModelName": self.name, "InitialInstanceCount": 1,
             "InstanceType": "ml.m5.large"}])
        sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=self.name)
        self.answer = server.wait_for(lambda: sagemaker.describe_endpoint(EndpointName=self.name),
                                      "EndpointStatus", ("InService", "Failed"))
        self.runtime = server.client("sagemaker-runtime")

    def ask(self, body, kind="text/csv", accept=None):
        extra = {"Accept": accept} if accept else {}
        reply = self.runtime.invoke_endpoint(EndpointName=self.name, ContentType=kind,
                                             Body=body, **extra)
        return reply["Body"].read().decode()

    def refused(self, body, kind="text/csv", accept=None):
        with pytest.raises(ClientError) as refusal:
            self.ask(body, kind, accept)
        answer = refusal.value.response
        assert answer["Error"]["Code"] == "ModelError"
        return answer["OriginalStatusCode"], answer["OriginalMessage"]


def deployed(server, *containers):
    made = Deployed(server, containers)
    assert made.answer["EndpointStatus"] == "InService", made.answer.get("FailureReason")
    return made


def as_csv(rows):
    return "\n".join(",".join(str(value) for value in row) for row in rows)


def as_lines(rows):
    return "\n".join(json.dumps({"data": row}) for row in rows)


def features_container(version, schema=SCHEMA, **environment):
    if schema:
        environment["SAGEMAKER_SPARKML_SCHEMA"] = json.dumps(schema)
    archive = packed({"model.zip": (BUNDLES / version / "machine.zip").read_bytes()})
    return SPARKML, archive, environment


def labels_container(version):
    archive = packed({"labels.zip": (BUNDLES / version / "labels.zip").read_bytes()})
    return SPARKML, archive, {"SAGEMAKER_SPARKML_SCHEMA": json.dumps(LABELS)}


@pytest.fixture(scope="module")
def classes(features):
    return trained(features, numpy.arange(len(features)) % 3, "multi:softmax", num_class=3)


@pytest.fixture(scope="module")
def labelled(server, version, classes):
    return deployed(server, features_container(version),
                    (XGBOOST, packed({"xgboost-model": model_bytes(classes)}), {}),
                    labels_container(version))


@pytest.mark.parametrize("body, kind", [
    (as_csv(ROWS), "text/csv"),
    (as_csv(ROWS).replace("\n", "\r\n") + "\r\n", "text/csv; charset=utf-8"),
    (json.dumps(ROWS), "application/json"),
    (json.dumps({"data": ROWS}), "application/json"),
    (json.dumps({"instances": [{"features": row} for row in ROWS]}), "application/json"),
    (json.dumps([dict(zip(["x", "unused", "kind", "y"], row)) for row in ROWS]), "application/json"),
    (as_lines(ROWS), "application/jsonlines"),
    (json.dumps({"data": ROWS}) + "\n", "application/jsonlines"),
])
def test_rows_in_any_form_become_labels(labelled, classes, features, body, kind):
    expected = [LABEL_NAMES[int(c)] for c in predictions(classes, features)]
    assert len(set(expected)) > 1
    assert labelled.ask(body, kind).split("\n") == expected


def test_labels_in_any_form(labelled, classes, features):
    expected = [LABEL_NAMES[int(c)] for c in predictions(classes, features)]
    lines = labelled.ask(as_csv(ROWS), accept="application/jsonlines").split("\n")
    assert [json.loads(line) for line in lines] == expected
    answer = json.loads(labelled.ask(as_csv(ROWS), accept="application/json"))
    assert [p["t"] for p in answer["predictions"]] == expected


def test_a_schema_in_the_request_takes_the_place_of_the_containers(labelled, classes, features):
    order = ["y", "kind", "x"]
    columns = {column["name"]: column for column in SCHEMA["input"]}
    schema = {"input": [columns[name] for name in order], "output": SCHEMA["output"]}
    rows = [[row[3], row[2], row[0]] for row in ROWS]
    expected = [LABEL_NAMES[int(c)] for c in predictions(classes, features)]
    got = labelled.ask(json.dumps({"schema": schema, "data": rows}), "application/json")
    assert got.split("\n") == expected
    lines = "\n".join(json.dumps({"schema": schema, "data": row} if i == 0 else {"data": row})
                      for i, row in enumerate(rows))
    assert labelled.ask(lines, "application/jsonlines").split("\n") == expected


def test_features_and_trees_answer_what_xgboost_says_of_mleaps_features(server, version, features):
    booster = trained(features, numpy.arange(len(features)) % 2, "binary:logistic")
    made = deployed(server, features_container(version),
                    (XGBOOST, packed({"xgboost-model": model_bytes(booster)}), {}))
    expected = predictions(booster, features)
    got = [float(word) for word in made.ask(as_csv(ROWS)).split()]
    numpy.testing.assert_array_max_ulp(numpy.array(got, numpy.float32), expected, 1)
    # A row alone, and one of many, are the same row.
    for row, one in zip(ROWS, got):
        assert made.ask(as_csv([row])) == f"{one!r}\n"
    assert json.loads(made.ask(json.dumps({"data": ROWS[0]}), "application/json",
                               "application/json")) == {"predictions": [{"score": got[0]}]}


def test_a_bundle_alone_answers_its_features(server, version, features):
    made = deployed(server, features_container(version))
    rows = [[float(word) for word in line.split(",")] for line in made.ask(as_csv(ROWS)).split("\n")]
    assert rows == features.tolist()
    lines = made.ask(as_csv(ROWS), accept="application/jsonlines").split("\n")
    assert [json.loads(line)["features"] for line in lines] == features.tolist()
    lines = made.ask(as_csv(ROWS), accept="application/jsonlines;data=text").split("\n")
    assert [[float(word) for word in json.loads(line)["source"].split(" ")] for line in lines] \
        == features.tolist()
    # Java's way to write them.
    assert made.ask("1e-05,,L,1e7").split(",")[3:5] == ["1.0E-5", "-1.000000859999E7"]


def test_without_a_schema_a_bundle_says_itself_what_it_reads(server, version, features):
    made = deployed(server, features_container(version, schema=None,
                                               SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="application/jsonlines"))
    rows = [[kind, x, y] for x, kind, y in zip(TABLE["x"], TABLE["kind"], TABLE["y"])]
    lines = made.ask(as_csv(rows)).split("\n")
    assert [json.loads(line)["features"] for line in lines] == features.tolist()


@pytest.mark.parametrize("body, kind, status, words", [
    ("1.0,z,L\n", "text/csv", 400, ["line 1", "3 fields", "expected 4"]),
    ("1.0,z,L,2.0\n1.0,z,L,2.0,5\n", "text/csv", 400, ["line 2", "5 fields", "expected 4"]),
    ("1.0,z,L,2.0\n1.0,z,L,fast\n", "text/csv", 400, ["line 2", "column 4", "fast", "y", "number"]),
    ("x,unused,kind,y\n1.0,z,L,2.0\n", "text/csv", 400, ["line 1", "header"]),
    (b"1.0,z,L\xff,2.0\n", "text/csv", 400, ["line 1", "column 3", "UTF-8"]),
    ('[[1.0, "z", "L", "fast"]]', "application/json", 400, ["row 1", "column 4", "fast"]),
    ('{"data": [1.0, "z"]}', "application/json", 400, ["row 1", "2 values", "expected 4"]),
    ("not json", "application/json", 400, ["JSON"]),
    ("", "text/csv", 400, ["no rows"]),
    ("\n", "text/csv", 400, ["no rows"]),
    ("1.0,z,L,2.0", "image/png", 415, ["image/png"]),
    ("1 1:2.0", "text/libsvm", 415, ["does not read"]),
])
def test_what_is_wrong_with_a_row_is_said(labelled, body, kind, status, words):
    got, message = labelled.refused(body, kind)
    assert got == status, message
    for word in words:
        assert word in message


def test_an_answer_that_the_last_container_does_not_write_is_refused(server, version, labelled,
                                                                      classes):
    assert labelled.refused(as_csv(ROWS), accept="image/png")[0] == 400
    trees = deployed(server, (XGBOOST, packed({"xgboost-model": model_bytes(classes)}), {}))
    assert trees.refused("1,2,3,4,5,6,7", accept="image/png")[0] == 406


@pytest.mark.parametrize("invalid, words", [
    ("error", ["row 2", "'text'", "what is this", "expected one of"]),
    ("skip", ["row 2", "leaves out", "every row needs an answer"]),
])
def test_an_unknown_category_is_named(server, version, invalid, words):
    source, changed = zipfile.ZipFile(BUNDLES / version / "labels.zip"), io.BytesIO()
    with zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            target.writestr(name, re.sub(rb'"(skip|error)"', f'"{invalid}"'.encode(),
                                         source.read(name)))
    schema = {"input": [{"name": "text", "type": "string"}], "output": {"name": "s", "type": "string"}}
    made = deployed(server, (SPARKML, packed({"m.zip": changed.getvalue()}),
                             {"SAGEMAKER_SPARKML_SCHEMA": json.dumps(schema)}))
    assert made.ask("a\nb") == "a\nb"
    status, message = made.refused("a\nwhat is this")
    assert status == 400
    for word in words:
        assert word in message


def test_folds_are_averaged_or_voted_on(server, version, features):
    one, two = (trained(features, numpy.arange(len(features)) % 2, "binary:logistic", seed=seed)
                for seed in (1, 2))
    files = {"xgboost-model-0": model_bytes(one), "xgboost-model-1": model_bytes(two)}
    body = as_csv(features)
    both = deployed(server, (XGBOOST, packed(files), {}))
    first = deployed(server, (XGBOOST, packed(files), {"SAGEMAKER_INFERENCE_ENSEMBLE": "false"}))
    numpy.testing.assert_array_max_ulp(
        numpy.array(both.ask(body).split(), numpy.float32),
        numpy.mean([predictions(one, features), predictions(two, features)], axis=0), 1)
    numpy.testing.assert_array_max_ulp(numpy.array(first.ask(body).split(), numpy.float32),
                                       predictions(one, features), 1)

    models = [trained(features, (numpy.arange(len(features)) * step) % 3, "multi:softmax", num_class=3)
              for step in (1, 2, 1, 5)]
    voters = deployed(server, (XGBOOST, packed({f"xgboost-model-{i}": model_bytes(m)
                                                for i, m in enumerate(models)}), {}))
    votes = numpy.array([predictions(m, features) for m in models]).astype(int)
    expected = [int(numpy.bincount(column).argmax()) for column in votes.T]
    assert [int(float(word)) for word in voters.ask(body).split()] == expected


def test_selected_content(server, version, features):
    booster = trained(features, numpy.arange(len(features)) % 2, "binary:logistic")
    keys = "predicted_label, probability,probabilities,labels,raw_score,predicted_score"
    made = deployed(server, (XGBOOST, packed({"xgboost-model": model_bytes(booster)}),
                             {"SAGEMAKER_INFERENCE_OUTPUT": keys}))
    body, expected = as_csv(features), [float(p) for p in predictions(booster, features)]
    objects = json.loads(made.ask(body, accept="application/json"))["predictions"]
    assert [json.loads(line) for line in made.ask(body, accept="application/jsonlines").splitlines()
            ][0].keys() == objects[0].keys()
    for got, p in zip(objects, expected):
        p = pytest.approx(p, rel=1e-6)
        assert got["probability"] == p and got["raw_score"] == p
        assert got["predicted_label"] == int(got["probability"] > 0.5)
        assert got["labels"] == [0, 1]
        assert got["probabilities"] == [1 - got["probability"], got["probability"]]
        assert got["predicted_score"] != got["predicted_score"]  # NaN: none of this objective's
    line = made.ask(body).split("\n")[0]
    first = objects[0]
    assert line == (f"{first['predicted_label']},{first['probability']},"
                    f"\"{first['probabilities']}\",\"[0, 1]\",{first['raw_score']},nan")


def test_a_selected_label_is_decoded(server, version, features):
    """What a pipeline that ends in IndexToString needs of a softprob model."""
    booster = trained(features, numpy.arange(len(features)) % 3, "multi:softprob", num_class=3)
    made = deployed(server, features_container(version),
                    (XGBOOST, packed({"xgboost-model": model_bytes(booster)}),
                     {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label"}), labels_container(version))
    expected = [LABEL_NAMES[int(p.argmax())] for p in predictions(booster, features)]
    assert made.ask(as_csv(ROWS)).split("\n") == expected


def test_libsvm_rows(server, version, features, classes):
    made = deployed(server, (XGBOOST, packed({"xgboost-model": model_bytes(classes)}), {}))
    body = "\n".join(" ".join(f"{i}:{v}" for i, v in enumerate(row)) for row in features)
    assert [float(word) for word in made.ask(body, "text/libsvm").split()] \
        == predictions(classes, features).tolist()


def test_parts_that_do_not_fit_are_refused_at_once(server, version, features):
    booster = trained(features[:, :5], numpy.arange(len(features)) % 2, "binary:logistic")
    made = Deployed(server, [features_container(version),
                             (XGBOOST, packed({"xgboost-model": model_bytes(booster)}), {})])
    assert made.answer["EndpointStatus"] == "Failed"
    assert "answers 7 values a row" in made.answer["FailureReason"]
    assert "reads 5" in made.answer["FailureReason"]


def node(name, op, attributes, column, output):
    """A stage of a bundle as MLeap writes it: {name in the archive: bytes}."""
    shape = {"inputs": [{"port": "input", "name": column}],
             "outputs": [{"port": "output", "name": output}]}
    return {f"root/{name}.node/model.json": json.dumps({"op": op, "attributes": attributes}).encode(),
            f"root/{name}.node/node.json": json.dumps({"name": name, "shape": shape}).encode()}


def double_tensor(values):
    return {"type": "tensor", "double": values,
            "shape": {"dimensions": [{"size": len(values), "name": ""}]}}


@pytest.fixture(scope="module")
def two_answers(server):
    """A bundle with two columns that nothing in it reads: an indexed text and a scaled vector."""
    stages = {
        **node("index", "string_indexer", {"labels": {"type": "list", "string": ["L", "M", "H"]},
                                           "handle_invalid": {"string": "keep"}}, "kind", "indexed"),
        **node("scale", "standard_scaler", {"mean": double_tensor([1.0, 2.0]),
                                            "std": double_tensor([2.0, 4.0])}, "pair", "scaled")}
    archive = packed({
        "bundle.json": json.dumps({"uid": "u", "name": "b", "format": "json", "version": "0.20.0",
                                   "timestamp": "2024-01-01T00:00:00"}).encode(),
        "root/model.json": json.dumps({"op": "pipeline", "attributes": {
            "nodes": {"type": "list", "string": ["index", "scale"]}}}).encode(),
        "root/node.json": json.dumps({"name": "b", "shape": {"inputs": [],
                                                             "outputs": []}}).encode(), **stages})
    return deployed(server, (SPARKML, archive, {"SAGEMAKER_SPARKML_SCHEMA": json.dumps(
        {"input": WIDE_INPUT, "output": {"name": "scaled", "type": "double", "struct": "vector"}})}))


# With columns that no stage reads, among them a vector of which the bundle cannot know the width.
WIDE_INPUT = [{"name": "id", "type": "string"}, {"name": "kind", "type": "string"},
              {"name": "history", "type": "double", "struct": "vector"},
              {"name": "pair", "type": "double", "struct": "vector"},
              {"name": "weight", "type": "double"}]
WIDE_ROW = ["r1", "M", [9.0, 8.0, 7.0], [3.0, 10.0], 0.5]


def test_columns_that_no_stage_reads_are_taken_along(two_answers):
    """As SageMaker's SparkML container does, which makes a frame of all columns of the schema
    (DataConversionHelper.convertInputToLeapFrame) and selects the output from it."""
    ask = lambda data: two_answers.ask(json.dumps({"data": data}), "application/json")
    assert ask(WIDE_ROW) == "1.0,2.0"
    assert ask([*WIDE_ROW[:2], [], *WIDE_ROW[3:]]) == "1.0,2.0"
    lines = "\n".join(json.dumps({"data": [f"r{n}", "L", [0.5] * n, [1.0 + n, 2.0], None]})
                      for n in range(4))
    assert two_answers.ask(lines, "application/jsonlines").split("\n") == [
        "0.0,0.0", "0.5,0.0", "1.0,0.0", "1.5,0.0"]
    status, words = two_answers.refused(json.dumps({"data": WIDE_ROW[:3] + [[1.0]] + WIDE_ROW[4:]}),
                                        "application/json")
    assert status == 400


@pytest.mark.parametrize("output,right", [
    ({"name": "indexed", "type": "double"}, "1.0"),
    ({"name": "scaled", "type": "double", "struct": "vector"}, "1.0,2.0"),
    ({"name": "weight", "type": "double"}, "0.5"),
    ({"name": "id", "type": "string"}, "r1"),
    ({"name": "pair", "type": "double", "struct": "vector"}, "3.0,10.0"),
])
def test_a_request_chooses_any_column_as_its_answer(two_answers, output, right):
    """A stage's output or a column of the request: whatever the endpoint's own schema answers."""
    schema = {"input": WIDE_INPUT, "output": output}
    assert two_answers.ask(json.dumps({"schema": schema, "data": WIDE_ROW}),
                           "application/json") == right
    lines = "\n".join([json.dumps({"schema": schema, "data": WIDE_ROW}),
                       json.dumps({"data": WIDE_ROW})])
    assert two_answers.ask(lines, "application/jsonlines").split("\n") == [right, right]


# --- Spark's own models ---------------------------------------------------------------------------

ABALONES = {column["name"]: column["values"]
            for column in json.loads((BUNDLES / "models/rows.json").read_text())["columns"]}
MEASURES = ["sex", "length", "diameter", "height", "whole", "shucked", "viscera", "shell"]
ABALONE_ROWS = list(zip(*(ABALONES[name] for name in MEASURES)))


def sparks(name, column):
    """What Spark made of the rows with the pipeline."""
    columns = json.loads((BUNDLES / "models" / f"{name}.json").read_text())["spark"]
    return next(c["values"] for c in columns if c["name"] == column)


def spark_container(name, output):
    schema = {"input": [{"name": measure, "type": "double" if i else "string"}
                        for i, measure in enumerate(MEASURES)], "output": output}
    archive = packed({"model.zip": (BUNDLES / "models" / f"{name}.zip").read_bytes()})
    return SPARKML, archive, {"SAGEMAKER_SPARKML_SCHEMA": json.dumps(schema)}


@pytest.mark.parametrize("name", ["gbt_classifier", "logistic", "forest_regression"])
def test_a_pipeline_that_ends_with_sparks_model(server, name):
    endpoint = deployed(server, spark_container(name, {"name": "prediction", "type": "double"}))
    answers = [float(line) for line in endpoint.ask(as_csv(ABALONE_ROWS)).split()]
    assert answers == sparks(name, "prediction")
    assert float(endpoint.ask(as_csv(ABALONE_ROWS[7:8]))) == sparks(name, "prediction")[7]


def test_its_probabilities(server):
    vector = {"name": "probability", "type": "double", "struct": "vector"}
    endpoint = deployed(server, spark_container("forest_classifier", vector))
    answers = endpoint.ask(as_csv(ABALONE_ROWS)).split("\n")
    assert [[float(value) for value in line.split(",")] for line in answers if line] == sparks(
        "forest_classifier", "probability")


def test_a_stage_that_is_not_known_is_named(server):
    _, archive, environment = spark_container("logistic", {"name": "prediction", "type": "double"})
    with zipfile.ZipFile(BUNDLES / "models/logistic.zip") as bundle:
        files = {name: bundle.read(name) for name in bundle.namelist()}
    node = "root/logistic.node/model.json"
    files[node] = files[node].replace(b"logistic_regression", b"linear_svc")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as bundle:
        for path, content in files.items():
            bundle.writestr(path, content)
    failed = Deployed(server, [(SPARKML, packed({"model.zip": out.getvalue()}), environment)]).answer
    assert failed["EndpointStatus"] == "Failed"
    assert "root/logistic.node" in failed["FailureReason"]
    assert "linear_svc" in failed["FailureReason"]

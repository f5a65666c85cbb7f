"""Endpoints of users' inference scripts, with boto3: what a script's functions answer, called in a
loop, is what its endpoint answers; what a script does to itself is its own."""

import io
import json
import os
import pickle
import subprocess
import sys
import tarfile
import textwrap
import threading
import time
import urllib.error
import urllib.request

import numpy
import pytest
import xgboost
from botocore.exceptions import ClientError
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sagemaker_jobs import ROLE, unique

REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
SKLEARN = f"{REGISTRY}/sagemaker-scikit-learn:1.2-1-cpu-py3"
XGBOOST = f"{REGISTRY}/sagemaker-xgboost:1.7-1"
PYTORCH = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.3-cpu-py311"

ROWS = numpy.random.default_rng(3).normal(size=(60, 4)).astype(numpy.float32)
LABELS = (ROWS[:, 0] + ROWS[:, 1] > 0).astype(int)
MODEL_FN = """
import os, pickle

def model_fn(model_dir):
    with open(os.path.join(model_dir, "model.pkl"), "rb") as file:
        return pickle.load(file)
"""


@pytest.fixture(scope="module")
def server(server_factory, tmp_path_factory):
    """Scripts run in this very interpreter."""
    config = tmp_path_factory.mktemp("config") / "lathe.yaml"
    python = os.path.join(os.path.realpath(sys.prefix), "bin", "python")
    config.write_text(f"runtime:\n  python: {python}\n")
    return server_factory(["--config", str(config)])


@pytest.fixture
def bucket_of_scripts(server):
    bucket = unique("scripts")
    server.client("s3").create_bucket(Bucket=bucket)
    return bucket


@pytest.fixture(scope="module")
def fitted():
    return LogisticRegression().fit(ROWS, LABELS)


def packed(files):
    """A tar.gz of {name: bytes or text}."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            content = textwrap.dedent(content).encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def upload(server, files, key="model.tar.gz"):
    bucket = unique("scripts")
    server.client("s3").create_bucket(Bucket=bucket)
    server.client("s3").put_object(Bucket=bucket, Key=key, Body=packed(files))
    return f"s3://{bucket}/{key}"


def container(server, script, files=(), image=SKLEARN, **environment):
    uri = upload(server, {"code/inference.py": script, **dict(files)})
    return {"Image": image, "ModelDataUrl": uri,
            "Environment": {"SAGEMAKER_PROGRAM": "inference.py",
                            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                            "SAGEMAKER_MODEL_SERVER_WORKERS": "2", **environment}}


def create(server, *containers):
    """The name of an endpoint that is being created."""
    sagemaker, name = server.client("sagemaker"), unique("script")
    model = {"PrimaryContainer": containers[0]} if len(containers) == 1 else \
        {"Containers": list(containers)}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, **model)
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[
        {"VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": 1,
         "InstanceType": "ml.m5.large"}])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return name


def described(server, name):
    return server.wait_for(lambda: server.client("sagemaker").describe_endpoint(EndpointName=name),
                           "EndpointStatus", ("InService", "Failed"))


def deployed(server, *containers):
    name = create(server, *containers)
    answer = described(server, name)
    assert answer["EndpointStatus"] == "InService", answer["FailureReason"]
    return name


def ask(server, name, body, content_type="text/csv", accept=None, **more):
    """(body, content type) of an answer."""
    if accept:
        more["Accept"] = accept
    reply = server.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, Body=body, ContentType=content_type, **more)
    return reply["Body"].read(), reply["ContentType"]


def refusal(server, name, body, **more):
    """(the container's status, its words) of a request that its model refuses."""
    with pytest.raises(ClientError) as refused:
        ask(server, name, body, **more)
    answer = refused.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert answer["Error"]["Code"] == "ModelError"
    assert "Received " in answer["Error"]["Message"]
    return answer["OriginalStatusCode"], answer["OriginalMessage"]


def logged(server, name):
    logs, group = server.client("logs"), f"/aws/sagemaker/Endpoints/{name}"
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert all(stream["logStreamName"].startswith("AllTraffic/i-") for stream in streams)
    return "\n".join(event["message"] for event in
                     logs.filter_log_events(logGroupName=group)["events"])


# ---- the defaults of the scikit-learn container ----


@pytest.fixture(scope="module")
def default(server, fitted):
    return deployed(server, container(server, MODEL_FN, {"model.pkl": pickle.dumps(fitted)}))


def npy(array):
    out = io.BytesIO()
    numpy.save(out, array)
    return out.getvalue()


CSV = "".join(",".join(map(repr, map(float, row))) + "\n" for row in ROWS)


@pytest.mark.parametrize("content_type, body", [
    ("text/csv", CSV), ("application/json", json.dumps(ROWS.tolist())),
    ("application/x-npy", npy(ROWS)),
    ("application/jsonlines", "".join(json.dumps(row.tolist()) + "\n" for row in ROWS))])
def test_the_defaults_read_and_write_as_the_container_does(server, default, fitted, content_type,
                                                           body):
    right = fitted.predict(ROWS)
    answer, given = ask(server, default, body, content_type, "application/json")
    assert (json.loads(answer), given) == (right.tolist(), "application/json")
    # What nobody asks for is JSON.
    assert ask(server, default, body, content_type) == (answer, "application/json")
    answer, given = ask(server, default, body, content_type, "text/csv")
    assert (answer.decode(), given) == ("".join(f"{y}\n" for y in right),
                                        "text/csv; charset=utf-8")
    answer, given = ask(server, default, body, content_type, "application/x-npy")
    numpy.testing.assert_array_equal(numpy.load(io.BytesIO(answer)), right)
    assert given == "application/x-npy"


def test_what_the_defaults_do_not_know_is_an_error_of_the_container(server, default):
    status, words = refusal(server, default, "x", content_type="image/png")
    assert status == 500 and "<h1>Internal Server Error</h1>" in words
    assert "Content type image/png is not supported by this framework." in logged(server, default)
    # One request's failure is its own.
    assert ask(server, default, CSV)[1] == "application/json"


# ---- scripts with functions of their own ----

FOUR = """
import json, pickle, numpy

def model_fn(model_dir):
    return {"factor": 3}

def input_fn(body, content_type):
    assert content_type == "application/x-words", content_type
    return body.decode().split()

def predict_fn(words, model):
    if words == ["fail"]:
        raise ValueError("nobody can predict this")
    if words == ["exit"]:
        raise SystemExit(7)
    if words == ["hang"]:
        import time
        time.sleep(600)
    if words == ["print"]:
        for i in range(20000):
            print("a line of some length, number", i)
    return [word * model["factor"] for word in words]

def output_fn(words, accept):
    if words == ["NoneNoneNone"] or words == ["nonenonenone"]:
        return None
    if words == ["numbernumbernumber"]:
        return 7
    return json.dumps({"words": words, "accept": accept}), "application/x-own"
"""


def in_a_loop(script, requests, accept):
    """What the functions answer when they are called one after another."""
    names = {}
    exec(script, names)
    model = names["model_fn"](None)
    return [names["output_fn"](names["predict_fn"](names["input_fn"](
        body, "application/x-words"), model), accept)[0] for body in requests]


@pytest.fixture(scope="module")
def four(server):
    return deployed(server, container(server, FOUR, SAGEMAKER_MODEL_SERVER_TIMEOUT="2"))


def test_a_scripts_functions_answer_as_in_a_loop(server, four):
    requests = [f"word{i} other".encode() for i in range(50)]
    answers = [ask(server, four, body, "application/x-words", "application/x-any")
               for body in requests]
    assert [answer.decode() for answer, _ in answers] == \
        in_a_loop(FOUR, requests, "application/x-any")
    assert {content_type for _, content_type in answers} == {"application/x-own"}


@pytest.mark.parametrize("word, status, words", [
    ("fail", 500, "<h1>Internal Server Error</h1>"), ("none", 500, "Internal Server Error"),
    ("number", 500, "Internal Server Error"), ("exit", 500, "its process ended"),
    ("hang", 0, "Your invocation timed out")])
def test_a_requests_failure_is_its_own(server, four, word, status, words):
    given = refusal(server, four, word.encode(), content_type="application/x-words")
    assert given[0] == status and words in given[1]
    answer, _ = ask(server, four, b"a", "application/x-words")
    assert json.loads(answer)["words"] == ["aaa"]


def test_a_failures_traceback_is_in_the_endpoints_log(server, four):
    refusal(server, four, b"fail", content_type="application/x-words")
    log = logged(server, four)
    assert "Traceback (most recent call last):" in log
    assert "ValueError: nobody can predict this" in log and "inference.py" in log


def test_a_script_may_print_a_lot(server, four):
    answer, _ = ask(server, four, b"print", "application/x-words")
    assert json.loads(answer)["words"] == ["printprintprint"]


TRANSFORM = """
import os

def model_fn(model_dir):
    print("loads", os.listdir(model_dir))
    return model_dir

def transform_fn(model, body, content_type, accept):
    return f"{model} {type(body).__name__} {body} {content_type} {accept}"
"""


def test_transform_fn(server):
    name = deployed(server, container(server, TRANSFORM,
                                      SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="text/csv"))
    answer, content_type = ask(server, name, b"1,2", "text/csv")
    # A text that is no Response is Flask's page.
    assert (answer.decode(), content_type) == ("/opt/ml/model str 1,2 text/csv text/csv",
                                               "text/html; charset=utf-8")
    assert ask(server, name, b"1", "application/octet-stream", "x/y")[0] == \
        b"/opt/ml/model bytes b'1' application/octet-stream x/y"


# ---- starts that fail ----


@pytest.mark.parametrize("script, reason", [
    ("def model_fn(model_dir):\n    raise KeyError('no weights')\n",
     "KeyError: 'no weights' (model/code/inference.py, line 2)"),
    ("def input_fn(body, content_type):\n    return body\n",
     "NotImplementedError: Please provide a model_fn implementation."),
    ("import no_such_library_1\n", "ModuleNotFoundError: No module named 'no_such_library_1'"),
    ("import no_such_library_1\n", "-m pip install no_such_library_1"),
    ("def model_fn(:\n", "SyntaxError: invalid syntax (inference.py, line 1)"),
    ("import os\nos.write(2, b'no memory for this')\nos._exit(3)\n", "no memory for this"),
    (MODEL_FN + "def transform_fn(*a): pass\ndef input_fn(*a): pass\n",
     "Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn"),
])
def test_an_endpoint_whose_script_does_not_start_is_failed(server, script, reason):
    answer = described(server, create(server, container(server, script)))
    assert answer["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in answer["FailureReason"]
    assert reason in answer["FailureReason"]


def test_an_archive_that_leads_out_of_its_folder_is_refused(server, bucket_of_scripts):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        info = tarfile.TarInfo("../escaped")
        tar.addfile(info)
    bucket = bucket_of_scripts
    server.client("s3").put_object(Bucket=bucket, Key="model.tar.gz", Body=out.getvalue())
    answer = described(server, create(server, {
        "Image": SKLEARN, "ModelDataUrl": f"s3://{bucket}/model.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py"}}))
    assert "../escaped" in answer["FailureReason"]


# ---- other images ----


def test_the_source_may_be_an_object_of_its_own(server):
    source = upload(server, {"serve.py": TRANSFORM, "helper.py": ""}, "sourcedir.tar.gz")
    model = upload(server, {"weights.bin": "w"})
    name = deployed(server, {"Image": SKLEARN, "ModelDataUrl": model, "Environment": {
        "SAGEMAKER_PROGRAM": "serve.py", "SAGEMAKER_SUBMIT_DIRECTORY": source,
        "SAGEMAKER_MODEL_SERVER_WORKERS": "1"}})
    assert ask(server, name, b"x")[0].startswith(b"/opt/ml/model str x")
    assert "loads ['weights.bin']" in logged(server, name)


TOOLKIT = """
def model_fn(model_dir, context=None):
    return 2

def predict_fn(rows, model):
    if rows.shape == (1,):
        raise ValueError("one number is too few")
    return rows * model
"""


def test_any_other_image_serves_as_the_inference_toolkit(server):
    uri = upload(server, {"code/inference.py": TOOLKIT})
    name = deployed(server, {"Image": PYTORCH, "ModelDataUrl": uri,
                             "Environment": {"SAGEMAKER_MODEL_SERVER_WORKERS": "1"}})
    assert ask(server, name, b"[[1, 2]]", "application/json") == (b"[[2, 4]]", "application/json")
    assert ask(server, name, b"[[1, 2]]", "application/json", "text/csv") == (b"2,4\n", "text/csv")
    assert ask(server, name, b"[[1, 2]]", "application/json", "x/y, application/json")[0] == \
        b"[[2, 4]]"
    status, words = refusal(server, name, b"[1]", content_type="application/json")
    assert status == 500 and words.startswith("one number is too few\nTraceback")


def test_an_image_that_is_not_known_needs_a_script(server):
    uri = upload(server, {"weights.bin": "w"})
    with pytest.raises(ClientError) as refused:
        create(server, {"Image": PYTORCH, "ModelDataUrl": uri})
    assert "code/inference.py" in refused.value.response["Error"]["Message"]


# ---- its life ----


def test_endpoints_answer_again_after_a_restart_and_leave_nothing(server, server_factory, fitted):
    other = server_factory(["--config", str(server._arguments[1])])
    name = deployed(other, container(other, MODEL_FN, {"model.pkl": pickle.dumps(fitted)}))
    other.kill()
    other.start()
    assert json.loads(ask(other, name, CSV)[0]) == fitted.predict(ROWS).tolist()
    other.client("sagemaker").delete_endpoint(EndpointName=name)
    assert list((other.home / "endpoints").iterdir()) == []


ASKS_THE_SERVER = """
import boto3

def model_fn(model_dir):
    return boto3.client("s3").get_object(Bucket="BUCKET", Key="secret")["Body"].read().decode()

def transform_fn(model, body, content_type, accept):
    role = boto3.client("sts").get_caller_identity()["Arn"]
    other = boto3.client("s3").get_object(Bucket="BUCKET", Key="secret")["Body"].read().decode()
    return f"{model} {other} {role}", accept
"""


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_scripts_reach_the_server_after_a_restart(server, server_factory, end):
    """What recovery starts is told the server's addresses, though nobody is answered there yet."""
    own = server_factory(["--config", str(server._arguments[1])])
    bucket = unique("scripts")
    own.client("s3").create_bucket(Bucket=bucket)
    own.client("s3").put_object(Bucket=bucket, Key="secret", Body=b"one")
    name = deployed(own, container(own, ASKS_THE_SERVER.replace("BUCKET", bucket)))
    before = ask(own, name, b"")[0].decode()
    assert before.startswith("one one arn:aws:sts::")
    own.client("s3").put_object(Bucket=bucket, Key="secret", Body=b"two")
    getattr(own, end)()
    own.start()
    assert ask(own, name, b"")[0].decode() == before.replace("one", "two")
    own.client("sagemaker").delete_endpoint(EndpointName=name)


# ---- XGBoost ----


def booster():
    return xgboost.train({"objective": "binary:logistic", "max_depth": 3, "nthread": 1, "seed": 1},
                         xgboost.DMatrix(ROWS, LABELS), 5)


XGBOOST_FN = """
import os, xgboost

def model_fn(model_dir):
    model = xgboost.Booster()
    model.load_model(os.path.join(model_dir, "model.ubj"))
    return model
"""


def test_the_defaults_of_the_xgboost_container(server):
    trained = booster()
    name = deployed(server, container(server, XGBOOST_FN, {
        "model.ubj": bytes(trained.save_raw("ubj"))}, XGBOOST))
    right = trained.predict(xgboost.DMatrix(ROWS))
    answer, content_type = ask(server, name, CSV.rstrip("\n"), accept="application/json")
    assert json.loads(answer) == right.tolist() and content_type == "application/json"
    libsvm = "\n".join(" ".join(f"{i}:{value!r}" for i, value in enumerate(map(float, row)))
                       for row in ROWS)
    for content_type in ("text/libsvm", "text/x-libsvm", "text/libsvm; charset=utf-8"):
        answer, _ = ask(server, name, libsvm, content_type, "application/x-npy")
        numpy.testing.assert_array_equal(numpy.load(io.BytesIO(answer)), right)
    # The container's own reader of CSV wants no newline at the end.
    assert refusal(server, name, CSV)[0] == 500


@pytest.mark.parametrize("file, form", [("xgboost-model", "ubj"), ("model.json", "json"),
                                        ("model.ubj", "ubj")])
def test_a_script_without_functions_is_answered_without_python(server, file, form):
    """A training script that serves with nothing of its own: no process is started for it."""
    trained = booster()
    name = deployed(server, container(server, "import argparse\nprint('trains')\n", {
        file: bytes(trained.save_raw(form))}, XGBOOST))
    answer, _ = ask(server, name, CSV)
    given = [float(value) for value in answer.decode().split()]
    numpy.testing.assert_array_equal(numpy.float32(given), trained.predict(xgboost.DMatrix(ROWS)))
    assert not (server.home / "logs" / "aws" / "sagemaker" / "Endpoints" / name).exists()
    assert server.client("logs").describe_log_groups(
        logGroupNamePrefix=f"/aws/sagemaker/Endpoints/{name}")["logGroups"] == []


# ---- several containers in a row ----

SCALES = """
import numpy

def model_fn(model_dir):
    return 10

def predict_fn(rows, model):
    return rows * model
"""

COUNTS = """
def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept):
    if "fail" in str(body):
        raise RuntimeError("no")
    return f"{content_type}|{accept}|{body}", "text/plain"
"""


def test_containers_in_a_row_speak_as_on_sagemaker(server):
    """What comes between two is the first one's default; what the caller accepts the last one's."""
    scales = container(server, SCALES, SAGEMAKER_MODEL_SERVER_WORKERS="1")
    lines = container(server, SCALES, SAGEMAKER_MODEL_SERVER_WORKERS="1",
                      SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="text/csv")
    counts = container(server, COUNTS, SAGEMAKER_MODEL_SERVER_WORKERS="1")
    name = deployed(server, scales, lines, counts)
    answer, content_type = ask(server, name, b"1,2\n3,4\n", "text/csv", "x/own")
    assert answer == b"text/csv; charset=utf-8|x/own|b'100.0,200.0\\n300.0,400.0\\n'"
    assert content_type == "text/plain; charset=utf-8"
    name = deployed(server, scales, counts)
    assert ask(server, name, b"1,2\n3,4\n")[0] == \
        b"application/json|application/json|[[10.0, 20.0], [30.0, 40.0]]"


def test_a_refusal_names_its_container(server):
    echo = container(server, COUNTS, SAGEMAKER_MODEL_SERVER_WORKERS="1")
    name = deployed(server, container(server, SCALES, SAGEMAKER_MODEL_SERVER_WORKERS="1"),
                    {**echo, "ContainerHostname": "second"})
    with pytest.raises(ClientError) as refused:
        ask(server, name, b"x", "image/png")
    assert "from container-1 with message" in refused.value.response["Error"]["Message"]
    streams = server.client("logs").describe_log_streams(
        logGroupName=f"/aws/sagemaker/Endpoints/{name}")["logStreams"]
    assert {stream["logStreamName"].split("/")[2] for stream in streams} <= {"container-1", "second"}


def test_a_script_and_xgboost_in_a_row_equal_the_two_alone(server):
    """scikit-learn's script in Python, the trees in the server."""
    trained = booster()
    scaler = StandardScaler().fit(ROWS)
    script = MODEL_FN + textwrap.dedent("""
        def predict_fn(rows, model):
            return model.transform(rows)

        def output_fn(rows, accept):
            import io, numpy
            out = io.StringIO()
            numpy.savetxt(out, rows, delimiter=",", fmt="%.9g")
            return out.getvalue(), "text/csv"
    """)
    name = deployed(server, container(server, script, {"model.pkl": pickle.dumps(scaler)}),
                    {"Image": XGBOOST, "ModelDataUrl": upload(server, {
                        "xgboost-model": bytes(trained.save_raw("ubj"))})})
    right = trained.predict(xgboost.DMatrix(scaler.transform(ROWS).astype(numpy.float32)))
    answer, content_type = ask(server, name, CSV)
    given = numpy.float32([float(value) for value in answer.decode().split()])
    numpy.testing.assert_array_equal(given, right)
    assert content_type.startswith("text/csv")


# ---- many models behind one endpoint ----


def many(server, files, image=SKLEARN, **environment):
    """The name of an endpoint of these archives, {name: {file: content}}."""
    bucket = unique("many")
    server.client("s3").create_bucket(Bucket=bucket)
    for name, content in files.items():
        server.client("s3").put_object(Bucket=bucket, Key=f"models/{name}", Body=packed(content))
    return deployed(server, {"Image": image, "Mode": "MultiModel",
                             "ModelDataUrl": f"s3://{bucket}/models/",
                             "Environment": environment})


def test_many_models_with_scripts(server):
    script = "def model_fn(folder):\n    return {n}\n\ndef predict_fn(rows, model):\n" \
             "    return rows * model\n"
    broken = "def model_fn(folder):\n    raise OSError('torn')\n"
    name = many(server, {f"{n}.tar.gz": {"code/inference.py": script.replace("{n}", str(n))}
                         for n in (2, 5)} | {"broken.tar.gz": {"code/inference.py": broken}})
    for n in (2, 5, 2):
        assert json.loads(ask(server, name, b"1,2", TargetModel=f"{n}.tar.gz")[0]) == [[n, 2 * n]]
    with pytest.raises(ClientError) as missing:
        ask(server, name, b"1,2", TargetModel="7.tar.gz")
    assert missing.value.response["Error"]["Code"] == "ValidationError"
    assert "Failed to download model data" in missing.value.response["Error"]["Message"]
    status, words = refusal(server, name, b"1,2", TargetModel="broken.tar.gz")
    assert status == 500 and "OSError: torn" in words
    with pytest.raises(ClientError):
        ask(server, name, b"1,2")
    assert json.loads(ask(server, name, b"1,2", TargetModel="5.tar.gz")[0]) == [[5, 10]]


def test_many_models_of_trees(server):
    boosters = {f"{depth}.tar.gz": xgboost.train({"max_depth": depth, "nthread": 1},
                                                 xgboost.DMatrix(ROWS, LABELS), 4)
                for depth in range(1, 4)}
    name = many(server, {key: {"xgboost-model": bytes(trained.save_raw("ubj"))}
                         for key, trained in boosters.items()}, XGBOOST)
    for key, trained in boosters.items():
        right = trained.predict(xgboost.DMatrix(ROWS))
        for accept in ("*/*", "application/json"):
            body, content_type = ask(server, name, CSV, TargetModel=key, Accept=accept)
            assert content_type == "application/json" and json.loads(body) == right.tolist()
        body, content_type = ask(server, name, CSV, TargetModel=key, Accept="text/csv")
        assert content_type == "text/csv" and body.decode() == ",".join(map(str, right.tolist()))
    status, words = refusal(server, name, CSV, TargetModel=key, Accept="application/jsonlines")
    assert status == 415 and "not an accepted Accept type" in words


def test_an_endpoint_of_one_model_has_no_target(server, default):
    with pytest.raises(ClientError) as refused:
        ask(server, default, b"1,2", TargetModel="a.tar.gz")
    assert refused.value.response["Error"]["Code"] == "ValidationError"


WAITS = """
import os, time, urllib.error, urllib.request

def model_fn(model_dir):
    return f"{os.environ['AWS_ENDPOINT_URL']}/{os.environ['BUCKET']}/go"

def transform_fn(model, body, content_type, accept):
    while True:
        try:
            return urllib.request.urlopen(model).read()
        except urllib.error.HTTPError:
            time.sleep(0.05)
"""


def test_requests_that_wait_for_a_script_hold_up_nobody_else(server, bucket_of_scripts):
    """As many as may wait do; those beyond are told to come again; all else goes on. The script
    waits for an object of this very server."""
    name = deployed(server, container(server, WAITS, SAGEMAKER_MODEL_SERVER_WORKERS="1",
                                      BUCKET=bucket_of_scripts))
    outcomes = []

    def call():
        request = urllib.request.Request(
            f"{server.url}/endpoints/{name}/invocations", data=b"1", method="POST",
            headers={"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/"
                                      "sagemaker/aws4_request, SignedHeaders=host, Signature=0"})
        try:
            outcomes.append(urllib.request.urlopen(request, timeout=120).read())
        except urllib.error.HTTPError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=call) for _ in range(120)]
    for thread in threads:
        thread.start()
    while len(outcomes) < 120 - 101:
        server.client("s3").list_buckets()
    assert set(outcomes) == {503}
    server.client("s3").put_object(Bucket=bucket_of_scripts, Key="go", Body=b"went")
    for thread in threads:
        thread.join()
    assert outcomes.count(b"went") == 101 and outcomes.count(503) == 120 - 101


HANGS = "import time\n\ndef model_fn(folder):\n    print('hangs', flush=True)\n    time.sleep(3600)\n"


def hanging(server, **more):
    """An endpoint whose model_fn has begun, and never ends."""
    name = create(server, container(server, HANGS, SAGEMAKER_MODEL_SERVER_WORKERS="1"))
    group = f"/aws/sagemaker/Endpoints/{name}"
    logs = server.client("logs")
    while not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] or \
            not logs.filter_log_events(logGroupName=group)["events"]:
        time.sleep(0.05)
    return name


def test_an_endpoint_that_hangs_in_its_start_can_be_deleted(server):
    """And its name be used again."""
    sagemaker, name = server.client("sagemaker"), hanging(server)
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.delete_model(ModelName=name)
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container(
        server, TRANSFORM, SAGEMAKER_MODEL_SERVER_WORKERS="1"))
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert described(server, name)["EndpointStatus"] == "InService"


def test_a_server_ends_though_scripts_hang(server, server_factory):
    other = server_factory(["--config", str(server._arguments[1])])
    slow = deployed(other, container(other, FOUR, SAGEMAKER_MODEL_SERVER_WORKERS="1"))
    hanging(other)
    errors = []

    def call():
        try:
            ask(other, slow, b"hang", "application/x-words")
        except Exception as error:
            errors.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    assert other.stop() == 0
    caller.join()
    assert len(errors) == 1


def test_without_a_sandbox(server_factory, tmp_path):
    config = tmp_path / "lathe.yaml"
    python = os.path.join(os.path.realpath(sys.prefix), "bin", "python")
    config.write_text(f"runtime:\n  python: {python}\n  isolation: none\n")
    own = server_factory(["--config", str(config)])
    names = [deployed(own, container(own, TRANSFORM, SAGEMAKER_MODEL_SERVER_WORKERS="2"))
             for _ in range(2)]
    for name in names:
        folder, _, rest = ask(own, name, b"1,2", "text/csv")[0].decode().partition(" ")
        assert folder.startswith(str(own.home / "endpoints")) and folder.endswith("/model")
        assert rest == "str 1,2 text/csv application/json"


@pytest.mark.full  # pip's registry is asked
def test_requirements_are_installed_once_for_all_processes(server_factory, server):
    own = server_factory(["--config", str(server._arguments[1])])
    script = "import iniconfig\n" + TRANSFORM.replace('f"{model}', 'f"{iniconfig.__file__}')
    name = deployed(own, container(own, script, {
        "code/requirements.txt": "iniconfig==2.0.0\n"}, SAGEMAKER_MODEL_SERVER_WORKERS="3"))
    assert ask(own, name, b"1")[0].startswith(b"/run/lathe/packages/iniconfig/__init__.py")
    assert logged(own, name).count("Successfully installed") == 1


def test_lathe_logs_tells_what_an_endpoint_wrote(server, lathe, four):
    refusal(server, four, b"fail", content_type="application/x-words")
    environment = {**os.environ, "LATHE_HOME": str(server.home)}
    told = subprocess.run([lathe, "logs", four], env=environment, capture_output=True, text=True)
    assert "ValueError: nobody can predict this" in told.stdout, told.stderr
    follows = subprocess.Popen([lathe, "logs", "-f", four], env=environment, text=True,
                               stdout=subprocess.PIPE)
    ask(server, four, b"print", "application/x-words")
    assert any("a line of some length, number 19999" in line for line in follows.stdout)
    follows.kill()
    follows.wait()
    follows.stdout.close()


STAND_INS = """
from sagemaker_containers.beta.framework import content_types, encoders, worker

def model_fn(model_dir):
    return 2

def input_fn(body, content_type):
    return encoders.decode(body, content_type)

def predict_fn(rows, model):
    return rows * model

def output_fn(rows, accept):
    if accept == "teapot":
        return worker.Response("short and stout", status=418, mimetype="text/plain")
    return worker.Response(encoders.encode(rows, accept), accept, mimetype=accept)
"""


def test_scripts_that_import_what_the_containers_have(server):
    name = deployed(server, container(server, STAND_INS, SAGEMAKER_MODEL_SERVER_WORKERS="1"))
    assert ask(server, name, b"[1, 2]", "application/json", "text/csv") == \
        (b"2\n4\n", "text/csv; charset=utf-8")
    assert refusal(server, name, b"[1]", content_type="application/json", accept="teapot") == \
        (418, "short and stout")


def test_a_script_that_takes_too_much_memory_says_so(server_factory, tmp_path):
    config = tmp_path / "lathe.yaml"
    python = os.path.join(os.path.realpath(sys.prefix), "bin", "python")
    config.write_text(f"runtime:\n  python: {python}\n  memory: 512 MiB\n")
    own = server_factory(["--config", str(config)])
    script = "import time\n\ndef model_fn(folder):\n    return []\n\n" \
             "def transform_fn(model, body, content_type, accept):\n" \
             "    if body == 'eat':\n        model.append(bytearray(1 << 30)); time.sleep(60)\n" \
             "    return 'well'\n"
    name = deployed(own, container(own, script, SAGEMAKER_MODEL_SERVER_WORKERS="1"))
    status, words = refusal(own, name, b"eat")
    assert status == 500 and "too much memory" in words and "512.0" in words
    assert ask(own, name, b"x")[0] == b"well"


@pytest.mark.full  # pip's registry is asked
def test_requirements_that_nobody_has_are_the_reason(server):
    answer = described(server, create(server, container(
        server, TRANSFORM, {"code/requirements.txt": "a-library-that-nobody-has==1\n"})))
    assert "requirements.txt could not be installed" in answer["FailureReason"]

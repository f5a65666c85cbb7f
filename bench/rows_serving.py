"""Serving a user's script: what a request costs beyond the script's own functions, beside FastAPI and
uvicorn with as many workers."""

import io
import pathlib
import pickle
import re
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from harness import ROOT, Row, rows
from rows_server import free_port

WORKERS, CONNECTIONS, ALONE, TOGETHER = 2, 8, 2000, 6000
PEER = ROOT / "bench/peers/serve_script.py"
ROW = "0.5,-1.25,2,0.125"
ROLE = "arn:aws:iam::000000000000:role/SageMakerRole"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
# What reads a model and rows for scikit-learn.
READS = """
import pickle

import numpy


def model_fn(model_dir):
    with open(f"{model_dir}/model.pkl", "rb") as file:
        return pickle.load(file)


def input_fn(body, content_type):
    return numpy.array([line.split(",") for line in body.split()], dtype=float)
"""
SCRIPT = READS + """


def predict_fn(rows, model):
    return model.predict_proba(rows)[:, 1]


def output_fn(prediction, accept):
    return "".join(f"{value!r}\\n" for value in prediction.tolist()), "text/csv"
"""


def fitted():
    random = np.random.default_rng(1)
    table = random.standard_normal((500, 4))
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(table, table.sum(1) > 0)


def archive(folder, script="inference.py", model="model.pkl"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        if script:
            tar.add(folder / script, "code/inference.py")
        tar.add(folder / model, model)
    return out.getvalue()


def container(server, image, key, body, script=True):
    """One whose model is that archive."""
    server.client("s3").put_object(Bucket="models", Key=key, Body=body)
    own = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_MODEL_SERVER_WORKERS": str(WORKERS)}
    return {"Image": image, "ModelDataUrl": f"s3://models/{key}", "Environment": own if script else {}}


def deploy(server, name, *containers):
    """The path of an endpoint with these, one after the other."""
    sagemaker = server.client("sagemaker")
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, Containers=list(containers))
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[
        {"VariantName": "v", "ModelName": name, "InitialInstanceCount": 1,
         "InstanceType": "ml.m5.large"}])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    described = server.wait_for(lambda: sagemaker.describe_endpoint(EndpointName=name),
                                "EndpointStatus", ("InService", "Failed"))
    if described["EndpointStatus"] == "Failed":
        raise RuntimeError(described["FailureReason"])
    return f"/endpoints/{name}/invocations"


def wait_until_it_answers(port, process):
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping").read()
            return
        except urllib.error.URLError:
            if process.poll() is not None:
                raise RuntimeError("the peer has ended") from None
            time.sleep(0.05)


def ask(port, path):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", ROW.encode(),
                                     {"Content-Type": "text/csv"})
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.read()
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{path}: {error.read().decode()}") from None


def in_a_loop(folder):
    """Microseconds that the functions take themselves, called one after the other."""
    names = {}
    exec(SCRIPT, names)
    model = names["model_fn"](folder)

    def call():
        prediction = names["predict_fn"](names["input_fn"](ROW, "text/csv"), model)
        return names["output_fn"](prediction, "text/csv")[0]

    for _ in range(200):
        call()
    taken = []
    for _ in range(ALONE):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return call().encode(), sorted(taken)[ALONE // 2] * 1e6


def start(bench, folder):
    """A server whose scripts run in this interpreter."""
    prefix = pathlib.Path(sys.prefix).resolve()
    (folder / "lathe.yaml").write_text(f"runtime:\n  python: {prefix}/bin/python\n")
    server = bench.server(arguments=["--config", str(folder / "lathe.yaml")]).start()
    server.client("s3").create_bucket(Bucket="models")
    return server


def load(binary, port, path, connections, requests):
    """{"rate", "p50_us", "p99_us"}"""
    done = subprocess.run([binary.parent / "http_load", str(port), str(connections), str(requests),
                           path, ROW], capture_output=True, text=True, check=True)
    return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", done.stdout)}


@rows(Row("script-endpoint", 3, "time", "us", "a request, beyond the functions in a loop",
          "FastAPI and uvicorn, likewise"),
      Row("script-endpoint-rate", 1, "rate", "requests/s", f"{CONNECTIONS} connections",
          "FastAPI and uvicorn"),
      Row("script-endpoint-p99", 1, "time", "us", f"p99, {CONNECTIONS} connections",
          "FastAPI and uvicorn"))
def script_endpoint(bench):
    folder = bench.scratch
    folder.chmod(0o755)  # a script's user has to find its way to the home that is hidden from it
    (folder / "inference.py").write_text(SCRIPT)
    (folder / "model.pkl").write_bytes(pickle.dumps(fitted()))
    server = start(bench, folder)
    path, port = deploy(server, "script", container(server, IMAGE, "model.tar.gz",
                                                    archive(folder))), free_port()
    peer = subprocess.Popen([sys.executable, PEER, folder / "inference.py", folder, str(port)])
    try:
        wait_until_it_answers(port, peer)
        sides = ((server.port, path), (port, "/invocations"))
        right, _ = in_a_loop(folder)
        for place in sides:
            bench.check(ask(*place) == right, f"{place} answers otherwise than the functions")
        bench.note(f"scikit-learn, one row of CSV a request, {WORKERS} workers each; a request's "
                   "time is the median over one connection, less the functions' median in a loop")
        for _ in bench.rounds:
            _, alone = in_a_loop(folder)
            ours, theirs = (load(bench.binary, *place, 1, ALONE)["p50_us"] - alone
                            for place in sides)
            many, others = (load(bench.binary, *place, CONNECTIONS, TOGETHER) for place in sides)
            yield {"script-endpoint": (ours, theirs),
                   "script-endpoint-rate": (many["rate"], others["rate"]),
                   "script-endpoint-p99": (many["p99_us"], others["p99_us"])}
    finally:
        peer.terminate()
        peer.wait()


# --- an inference pipeline, fused -----------------------------------------------------------------

TRANSFORM = READS + """


def predict_fn(rows, model):
    return model.transform(rows)


def output_fn(table, accept):
    return "".join(",".join(map(repr, row)) + "\\n" for row in table.tolist()), "text/csv"
"""
PREDICT = """
import numpy
import xgboost


def model_fn(model_dir):
    booster = xgboost.Booster(model_file=f"{model_dir}/model.ubj")
    booster.set_param({"nthread": 1})
    return booster


def input_fn(body, content_type):
    body = body if isinstance(body, str) else body.decode()
    return numpy.array([line.split(",") for line in body.split()], dtype=numpy.float32)


def predict_fn(rows, model):
    return model.inplace_predict(rows)


def output_fn(answers, accept):
    return "".join(f"{value!r}\\n" for value in answers.tolist()), "text/csv"
"""
XGBOOST = IMAGE.replace("sagemaker-scikit-learn:1.2-1-cpu-py3", "sagemaker-xgboost:3.0-5")
SPARKML = IMAGE.replace("sagemaker-scikit-learn:1.2-1-cpu-py3", "sagemaker-sparkml-serving:3.3")


def fit_both(bench, folder):
    """A fitted transformer and trees on what it makes, as files of the folder; lathe's bundle too."""
    import xgboost
    from sklearn.preprocessing import MinMaxScaler

    random = np.random.default_rng(1)
    table = random.standard_normal((2000, 4))
    transformer = make_pipeline(StandardScaler(), MinMaxScaler()).fit(table)
    made = transformer.transform(table).astype(np.float32)
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 6, "nthread": 1},
                            xgboost.DMatrix(made, table.sum(1) > 0), 100)
    booster.save_model(folder / "model.ubj")
    (folder / "model.pkl").write_bytes(pickle.dumps(transformer))
    (folder / "transform.py").write_text(TRANSFORM)
    (folder / "predict.py").write_text(PREDICT)
    (folder / "lathe.yaml").write_text(
        f"runtime:\n  python: {pathlib.Path(sys.prefix).resolve()}/bin/python\n")
    home = folder / "import-home"
    home.mkdir()
    (home / "lathe.yaml").write_text((folder / "lathe.yaml").read_text())
    subprocess.run([bench.binary, "import", "sklearn", folder / "model.pkl", "--output",
                    folder / "bundle.tar.gz"], check=True, stdout=subprocess.DEVNULL,
                   env={"PATH": "/usr/bin:/bin", "LATHE_HOME": str(home)})


@rows(Row("pipeline-fused", 50, "rate", "requests/s",
          f"an imported scikit-learn pipeline and XGBoost, fused, {CONNECTIONS} connections",
          "the same as two containers with scripts, in lathe"))
def pipeline_fused(bench):
    folder = bench.scratch
    folder.chmod(0o755)
    fit_both(bench, folder)
    server = start(bench, folder)
    fused = deploy(
        server, "fused",
        container(server, SPARKML, "bundle.tar.gz", (folder / "bundle.tar.gz").read_bytes(), False),
        container(server, XGBOOST, "trees.tar.gz", archive(folder, None, "model.ubj"), False))
    hops = deploy(
        server, "hops",
        container(server, IMAGE, "transform.tar.gz", archive(folder, "transform.py")),
        container(server, XGBOOST, "predict.tar.gz", archive(folder, "predict.py", "model.ubj")))
    answers = [float(ask(server.port, path)) for path in (fused, hops)]
    bench.check(abs(answers[0] - answers[1]) < 1e-6, f"they answer otherwise: {answers}")
    bench.note(f"one row of CSV a request; {WORKERS} workers a container with a script")
    for _ in bench.rounds:
        ours = load(bench.binary, server.port, fused, CONNECTIONS, 20 * TOGETHER)
        theirs = load(bench.binary, server.port, hops, CONNECTIONS, TOGETHER // 3)
        yield {"pipeline-fused": (ours["rate"], theirs["rate"])}

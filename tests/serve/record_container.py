"""Records what SageMaker's XGBoost container answers, by running its own serving code:

    python record_container.py CONTAINER TOOLKIT TAG > container/TAG.json

CONTAINER is a checkout of the repository sagemaker-xgboost-container at the release TAG, TOOLKIT one
of sagemaker-containers at v2.8.6.post2. To be run with that release's XGBoost, and flask. What the
serving code imports and does not use for rows of text (mlio, gunicorn, pyarrow) is stubbed. Models
are trained here, small, and recorded with the answers, as base64 of the files in /opt/ml/model.

The recording: {"tag", "commit", "xgboost", "numpy", "models": {name: {file: base64}},
"answers": [{"model", "environment", "type", "accept", "body", "status", "answer_type", "answer"}]};
bodies that are not UTF-8 are {"base64": ...}.
"""

import base64
import contextlib
import importlib
import json
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import types
import unittest.mock

container, toolkit, tag = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]


def stub(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    module.__path__ = []
    sys.modules[name] = module
    if "." in name:
        parent, own = name.rsplit(".", 1)
        setattr(sys.modules[parent], own, module)
    return module


for name in ("mlio", "mlio.integ", "mlio.integ.arrow", "mlio.integ.numpy", "mlio.integ.scipy",
             "sagemaker_containers.record_pb2", "sagemaker_inference"):
    sys.modules[name] = unittest.mock.MagicMock()
unused = {name: unittest.mock.MagicMock() for name in ("pandas", "pyarrow", "pyarrow.parquet")}
stub("gunicorn")
stub("gunicorn.app")
stub("gunicorn.app.base", BaseApplication=object)
stub("gunicorn.six", iteritems=lambda d: d.items())
sys.path.insert(0, str(container / "src"))
package = stub("sagemaker_containers")
package.__path__ = [str(toolkit / "src/sagemaker_containers")]
encoders = importlib.import_module("sagemaker_containers._encoders")
stub("sagemaker_containers.beta")
sys.modules["sagemaker_containers.beta.framework"] = unittest.mock.MagicMock(encoders=encoders)

import numpy
import xgboost

for name in ("float", "int"):  # as they were in the numpy of that time
    if name not in numpy.__dict__:
        setattr(numpy, name, getattr(__builtins__, name))


# --- models

def rows(count=60):
    random = numpy.random.RandomState(5)
    values = random.randn(count, 3).round(2)
    values[random.rand(count, 3) < .15] = numpy.nan
    return values


def trained(labels, rounds=3, columns=3, **parameters):
    values = rows()[:, :columns]
    parameters = {"max_depth": 2, "eta": .5, "nthread": 1, "verbosity": 0, **parameters}
    return xgboost.train(parameters, xgboost.DMatrix(values, label=labels), rounds)


def stopped_early(**parameters):
    """Two rounds count of the twelve there are."""
    values, labels = rows(), classes(2)
    train = xgboost.DMatrix(values, label=labels)
    watched = xgboost.DMatrix(values + .4, label=labels[::-1])
    return xgboost.train({"max_depth": 3, "eta": .9, "nthread": 1, "verbosity": 0, **parameters}, train,
                         12, evals=[(watched, "v")], early_stopping_rounds=6, verbose_eval=False)


def classes(count):
    first = numpy.nan_to_num(rows()).sum(1)
    return (first > 0).astype(int) if count == 2 else numpy.digitize(first, [-1, 1])


def saved(booster, name="xgboost-model"):
    with tempfile.TemporaryDirectory() as folder:
        booster.save_model(os.path.join(folder, "xgboost-model"))
        return {name: pathlib.Path(folder, "xgboost-model").read_bytes()}


def pickled(booster):
    return {"xgboost-model": pickle.dumps(booster, protocol=4)}


squared = {"objective": "reg:linear" if xgboost.__version__ < "0.9" else "reg:squarederror"}
logistic = trained(classes(2), objective="binary:logistic")
softprob = trained(classes(3), rounds=2, objective="multi:softprob", num_class=3)
stopped = stopped_early(objective="binary:logistic")
models = {
    "logistic": saved(logistic),
    "logistic-pickled": pickled(logistic),
    "softprob": saved(softprob),
    "softprob-pickled": pickled(softprob),
    "softmax": saved(trained(classes(3), rounds=2, objective="multi:softmax", num_class=3)),
    "logitraw": saved(trained(classes(2), objective="binary:logitraw")),
    "squared": saved(trained(numpy.arange(60) / 7, **squared)),
    "one": saved(trained(numpy.arange(60) / 7, columns=1, **squared)),
    "poisson": saved(trained(numpy.arange(60.), rounds=2, objective="count:poisson",
                             base_score=3e38, max_delta_step=0.7)),
    "empty": saved(trained(classes(2), rounds=0, objective="binary:logistic")),
    "stopped": saved(stopped),
    "stopped-pickled": pickled(stopped),
    "stopped-forest": saved(stopped_early(objective="binary:logistic", num_parallel_tree=2)),
    "stopped-softprob": saved(stopped_early(objective="multi:softprob", num_class=2)),
    "two": {**saved(logistic, "xgboost-model-0"),
            **saved(trained(1 - classes(2), objective="binary:logistic"), "xgboost-model-1")},
}

# --- requests: (model, body, content type, accept, environment)

CSV, SVM, JSON, LINES = "text/csv", "text/libsvm", "application/json", "application/jsonlines"
ROW, ROWS = "0.5,-1.25,2", "0.5,-1.25,2\n,0.25,-3\n1e-3,,"
requests = []


def ask(model, body, kind=CSV, accept=None, **environment):
    requests.append((model, body, kind, accept, environment))


for model in models:
    if model != "one":
        ask(model, ROW)
        ask(model, ROWS)
        ask(model, ROWS, accept=JSON)
        ask(model, "0:0.5 1:-1.25 2:2\n1:0.25 2:-3", SVM)
for body in ("1.5", "15", "1\n2\n", "-3", "1,", "1,2", "0.25\n\n0.5", "1e5", "inf"):
    ask("one", body)
for body in ("0:1.5", "0:1\n0:2", "1:1"):
    ask("one", body, SVM)
# How rows are written.
for body in ("", "\n", " \n ", ROW + "\n", "\n\n" + ROW + "\n\n", ROW + "\r\n" + ROW + "\r\n",
             ROW + "\n\n" + ROW, "0.5;-1.25;2", "0.5\t-1.25\t2", "0.5 -1.25 2", "0.5|-1.25|2",
             " 0.5, -1.25 , 2 ", "0.5,,2", ",,", "0.5,nan,NaN", "0.5,NA,2", "0.5, ,2", "0.5,\"1\",2",
             "a,b,c\n" + ROW, "0.5,word,2", "0.5,1_0,2", "0.5,0x10,2", "0.5,True,2", "0.5,1e400,2",
             "0.5,1e39,2", "0.5,inf,2", "0.5,-Infinity,2", "0.5,+1,2", "0.5,1.,.5", "0.5,1e,2",
             "0.5,-1.25", "0.5", "0.5,-1.25,2,7", "0.5,-1.25,2,7,8", ROW + "\n0.5,1", "0.5,1\n" + ROW,
             ROW + ",\n" + ROW + ",", "1,2,3\x00", "\ufeff" + ROW, "0,5;1;2", "1 2,3 4,5", "1,5\t2\t3",
             "\u0661,2,3", "[0.5,-1.25,2]", "0.5,1 2,3", "\u00a01,2,3"):
    ask("logistic", body)
    ask("logistic-pickled", body)
ask("logistic", b"\xff,1,2")
for body in ("1:1.5", "0:1.5", "3:1", "4:1", "5:1", "0:1 0:2", "0:1 1:nan", "0:1 1:inf", "0:1 1:1e39",
             "1 0:0.5 2:2", "0:1\n\n0:2", "\n0:1", "0:1\n1", "1\n0:2", "0:1\n\n\n", "1", "word",
             "0:1 1", "0:1  2:2", "0:1\t2:2", " 0:1", "0:1 ", "0:1 2:2\r\n0:1\r\n", "0:", ":1", "a:1",
             "0:a", "-1:2", "1.0:2", "+1:2", "0:1:2", "qid:1 0:2", "1 qid:7 0:2", "0:1 # no",
             "0:1 #2:2", "0:0", "2:1 0:1", "999:1", "0:1_0", "1:1\n2:2\n3:3", "1:1 2:2\n3:3 1:1",
             "1:0.5 2:-1.25 3:2", "1,2,3", "0:1;1:2", "\ufeff0:1", "0:1\n \n0:2", "0:1\x0b0:2"):
    ask("logistic", body, SVM)
    ask("logistic-pickled", body, SVM)
# What they say they are.
for kind in (None, "", "csv", "libsvm", "text/x-libsvm", "TEXT/CSV", "text/csv;charset=utf-8",
             "text/csv; charset=utf-8", "text/csv ;label_size=1", "text/csv; label_size=0",
             "text/csv;label_size=\"1\"", "text/libsvm ;charset=utf8", "text/plain", JSON, LINES, "parquet",
             "application/x-parquet", "image/png", "*/*", "text", "text/csv, text/libsvm"):
    ask("logistic", ROW, kind)
    ask("logistic", "0:0.5 1:-1.25 2:2", kind)
ask("logistic", '{"data": [1, 2, 3]}', JSON)
# What is to be answered.
for accept in ("*/*", "", CSV, "TEXT/CSV", "text/csv; charset=utf-8", "csv", JSON, JSON + ";verbose=True",
               "Application/JSON", LINES, "text/plain", "image/png", "application/*", "text/*",
               "text/csv, application/json", "text/plain, */*", "application/x-npy"):
    for model in ("logistic", "softprob"):
        ask(model, ROWS, accept=accept)
ask("logistic", "0.5,word,2", accept="image/png")
ask("logistic", ROW + ",1", accept="image/png")
for default in (CSV, JSON, LINES, "text/plain"):
    ask("logistic", ROWS, SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT=default)
    ask("logistic", ROWS, accept="*/*", SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT=default)
    ask("logistic", ROWS, accept=CSV, SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT=default)
# Selected content.
for model in ("logistic", "softprob", "softmax", "logitraw", "squared", "poisson"):
    for keys in ("predicted_label", "probabilities,predicted_label", "probability, labels",
                 "raw_score,raw_scores,Predicted_Score", "predicted_score"):
        for accept in (None, JSON, LINES):
            ask(model, ROWS, accept=accept, SAGEMAKER_INFERENCE_OUTPUT=keys)
ask("logistic", ROWS, accept="text/plain", SAGEMAKER_INFERENCE_OUTPUT="probability")
ask("logistic", ROWS, SAGEMAKER_INFERENCE_OUTPUT="probability", SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT=JSON)
ask("two", ROWS, SAGEMAKER_INFERENCE_ENSEMBLE="true")

# --- answers


@contextlib.contextmanager
def serving(files, environment):
    """The service's own module, loaded anew as a container's start does, with these files."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            pathlib.Path(folder, name).write_bytes(content)
        with unittest.mock.patch.dict(os.environ, {"SM_MODEL_DIR": folder, **environment}):
            for name in [n for n in sys.modules if n.startswith(("sagemaker_xgboost_container",
                                                                 "sagemaker_algorithm_toolkit"))]:
                del sys.modules[name]
            with unittest.mock.patch.dict(sys.modules, unused):
                serve = importlib.import_module("sagemaker_xgboost_container.algorithm_mode.serve")
            yield serve.ScoringService.csdk_start().test_client()


def text(content):
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def answer(client, body, kind, accept):
    headers = {} if accept is None else {"Accept": accept}
    if kind is not None:
        headers["Content-Type"] = kind
    reply = client.post("/invocations", data=body if isinstance(body, bytes) else body.encode(),
                        headers=headers)
    return {"status": reply.status_code, "answer_type": reply.headers.get("Content-Type"),
            "answer": text(reply.data)}


def record():
    answers = [None] * len(requests)
    served = {}
    for i, (model, _, _, _, environment) in enumerate(requests):
        served.setdefault((model, tuple(environment.items())), []).append(i)
    for (model, environment), indices in served.items():
        with serving(models[model], dict(environment)) as client:
            for i in indices:
                _, body, kind, accept, _ = requests[i]
                answers[i] = {"model": model, "environment": dict(environment), "type": kind,
                              "accept": accept,
                              "body": text(body) if isinstance(body, bytes) else body,
                              **answer(client, body, kind, accept)}
    return answers


import logging

logging.disable(logging.CRITICAL)
commit = subprocess.run(["git", "-C", container, "rev-parse", "HEAD"], capture_output=True, text=True)
json.dump({
    "tag": tag, "commit": os.environ.get("COMMIT") or commit.stdout.strip(),
    "xgboost": xgboost.__version__, "numpy": numpy.__version__,
    "models": {name: {file: base64.b64encode(content).decode() for file, content in files.items()}
               for name, files in models.items()},
    "answers": record()}, sys.stdout, indent=0, ensure_ascii=False)
print()

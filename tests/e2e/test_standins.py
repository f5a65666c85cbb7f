"""What scripts import for SageMaker, where the user's Python lacks it, and what is told of names that
Python and libraries have dropped. The scripts are in the manner of AWS's workshops."""

import base64
import json
import pathlib

import pytest
from botocore.exceptions import ClientError

import scripts
from sagemaker_jobs import channel
from test_script_endpoints import XGBOOST as XGBOOST_IMAGE
from test_script_endpoints import ask, container, create, deployed, described

CODE = scripts.CODE


def succeed(server, bucket, script, **given):
    job, log = scripts.run(server, bucket, script, **given)
    assert job["ProcessingJobStatus"] == "Completed", log
    return log


# --- the containers' packages --------------------------------------------------------------------

FEATURIZER = """
import json, os
import numpy as np
import pandas as pd
from io import StringIO
from sklearn.compose import ColumnTransformer
from sklearn.externals import joblib
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sagemaker_containers.beta.framework import (
    content_types, encoders, env, modules, transformer, worker)

def input_fn(input_data, content_type):
    if content_type == content_types.CSV:
        return pd.read_csv(StringIO(input_data), header=None)
    raise ValueError("{} not supported by script!".format(content_type))

def output_fn(prediction, accept):
    if accept == "application/json":
        rows = [{"features": row} for row in prediction.tolist()]
        return worker.Response(json.dumps({"instances": rows}), mimetype=accept)
    return worker.Response(encoders.encode(prediction, accept), mimetype=accept)

if __name__ == "__main__":
    rows = pd.DataFrame({"a": [1.0, 3.0], "b": [None, 4.0]})
    model = make_pipeline(SimpleImputer(strategy="median"), StandardScaler()).fit(rows)
    joblib.dump(model, os.path.join(env.model_dir, "model.joblib"))
    loaded = joblib.load(os.path.join(env.model_dir, "model.joblib"))
    features = loaded.transform(rows)
    print(output_fn(features, "application/json").get_data(as_text=True))
    answer = output_fn(features, "text/csv")
    print(json.dumps([answer.get_data().decode(), answer.content_type, answer.status_code]))
    print(joblib.__name__, input_fn("1,2", "text/csv").shape)
"""


def test_a_featurizer_of_scikit_learn_and_its_answers(server, bucket):
    job, log = scripts.script_training(server, bucket, {"train.py": FEATURIZER})
    assert job["TrainingJobStatus"] == "Completed", log
    assert '{"instances": [{"features": [-1.0, 0.0]}, {"features": [1.0, 0.0]}]}' in log
    assert '["-1.0,0.0\\n1.0,0.0\\n", "text/csv; charset=utf-8", 200]' in log
    assert "joblib (1, 2)" in log


ENVIRONMENTS = """
import json, os
import sagemaker_containers
from sagemaker_containers.beta.framework import training_env
from sagemaker_training import environment
old, new = training_env(), environment.Environment()
assert dict(old) == {name: new[name] for name in old}
assert sagemaker_containers.training_env().hosts == ["algo-1"]
variables = new.to_env_vars()
theirs = {name for name in variables if os.environ.get(name) != variables[name]}
print(json.dumps([new.hyperparameters, new.channel_input_dirs, sorted(theirs)]))
"""


def test_the_environment_is_what_the_variables_say(server, bucket):
    """But SM_TRAINING_ENV, which tells the job's name of the hyperparameter, and SM_NUM_CPUS, which
    counts the cores of this process."""
    server.client("s3").put_object(Bucket=bucket, Key="data/rows.csv", Body="1,2\n")
    job, log = scripts.script_training(
        server, bucket, {"train.py": ENVIRONMENTS}, {"depth": "3", "name": '"abc"'},
        channels=[channel("train", f"s3://{bucket}/data/")])
    assert job["TrainingJobStatus"] == "Completed", log
    hyperparameters, channels, theirs = json.loads(log[-1])
    assert hyperparameters == {"depth": 3, "name": "abc"}
    assert channels == {"train": "/opt/ml/input/data/train"}
    assert set(theirs) <= {"SM_TRAINING_ENV", "SM_NUM_CPUS", "SM_FRAMEWORK_MODULE"}


XGBOOST = """
import argparse, logging, os, json
from sagemaker_containers import entry_point
from sagemaker_xgboost_container.data_utils import get_dmatrix
from sagemaker_xgboost_container import checkpointing, distributed
import xgboost as xgb

def _xgb_train(params, dtrain, evals, num_boost_round, model_dir, is_master):
    booster = checkpointing.train(dict(params=params, dtrain=dtrain, evals=evals,
                                       num_boost_round=num_boost_round), "/opt/ml/checkpoints")
    if is_master:
        booster.save_model(model_dir + "/xgboost-model.json")
        print("rounds", booster.num_boosted_rounds())

hosts = json.loads(os.environ["SM_HOSTS"])
dtrain = get_dmatrix(os.environ["SM_CHANNEL_TRAIN"], "text/csv; label_size=1")
dval = get_dmatrix(os.environ.get("SM_CHANNEL_VALIDATION", "/opt/ml/input/data/validation"), "csv")
print("rows", dtrain.num_row(), dtrain.num_col(), dtrain.get_label().tolist(), dval)
entry_point._wait_hostname_resolution()
distributed.rabit_run(
    exec_fun=_xgb_train, include_in_training=(dtrain is not None), hosts=hosts,
    current_host=os.environ["SM_CURRENT_HOST"], update_rabit_args=True,
    args=dict(params={"max_depth": 2}, dtrain=dtrain, evals=[(dtrain, "train")], num_boost_round=8,
              model_dir=os.environ["SM_MODEL_DIR"]))
try:
    distributed.rabit_run(None, {}, True, ["algo-1", "algo-2"], "algo-1")
except NotImplementedError as error:
    print(error)
"""


def test_a_script_of_xgboost_reads_its_channels_and_goes_on_at_a_checkpoint(server, bucket):
    s3 = server.client("s3")
    for name, body in (("a.csv", "1,2,3\n4,5,6\n"), ("deeper/b.csv", "7,8,\n")):
        s3.put_object(Bucket=bucket, Key=f"data/{name}", Body=body)
    given = dict(channels=[channel("train", f"s3://{bucket}/data/")],
                 CheckpointConfig={"S3Uri": f"s3://{bucket}/points"})
    for _ in "first", "again":
        job, log = scripts.script_training(server, bucket, {"train.py": XGBOOST}, **given)
        assert job["TrainingJobStatus"] == "Completed", log
        assert "rows 3 2 [1.0, 4.0, 7.0] None" in log and "rounds 8" in log
        assert ("sagemaker_xgboost_container.distributed.rabit_run with 2 hosts is not there: lathe "
                "trains on one host") in log
    kept = s3.list_objects_v2(Bucket=bucket, Prefix="points/")["Contents"]
    assert {item["Key"] for item in kept} == {
        f"points/xgboost-checkpoint.{number}" for number in (3, 4, 5, 6, 7)}


def test_matrices_of_all_content_types_are_the_same(server, bucket):
    script = """
import io, os
import numpy as np
import pandas as pd
from sagemaker_training.encoders import array_to_recordio_protobuf
from sagemaker_xgboost_container import data_utils, encoder
rows = np.float32([[1, 2, 3], [0, 5, 6]])
os.makedirs("data")
np.savetxt("data/csv", rows, delimiter=",")
open("data/libsvm", "w").write("1 0:2 1:3\\n0 0:5 1:6\\n")
pd.DataFrame(rows).to_parquet("data/parquet")
open("data/recordio-protobuf", "wb").write(array_to_recordio_protobuf(rows[:, 1:], rows[:, 0]))
for kind in ("csv", "libsvm", "parquet", "recordio-protobuf"):
    matrix = data_utils.get_dmatrix("data/" + kind, kind)
    print(kind, matrix.get_label().tolist(), matrix.get_data().toarray().tolist())
print(encoder.decode("1,,3", "text/csv; charset=utf-8").get_data().nnz,
      encoder.decode(b"0 1:5 3:6", "text/libsvm").num_col())
for bad in ("text/csv; label_size=2", "text/plain"):
    try:
        data_utils.get_content_type(bad)
    except Exception as error:
        print(type(error).__name__, bad in str(error))
"""
    log = succeed(server, bucket, script)
    same = "[1.0, 0.0] [[2.0, 3.0], [5.0, 6.0]]"
    lines = [f"{kind} {same}" for kind in ("csv", "libsvm", "parquet", "recordio-protobuf")]
    assert [line for line in log if line in lines] == lines
    assert log[-3:] == ["2 3", "UserError True", "UserError True"]


def test_what_the_users_python_has_comes_first(server, bucket):
    """A package of the script's own goes before ours too."""
    script = """
import os, sys
os.makedirs("own/sagemaker_inference")
open("own/sagemaker_inference/__init__.py", "w").write("MINE = True")
sys.path.insert(0, "own")
import sagemaker_inference
print(sagemaker_inference.MINE)
"""
    assert succeed(server, bucket, script) == ["True"]


# --- serving -------------------------------------------------------------------------------------

FEATURES = """
import json
from sagemaker_containers.beta.framework import content_types, encoders, worker
from sagemaker_inference import decoder

def model_fn(model_dir):
    return 2.0

def input_fn(body, content_type):
    return decoder.decode(body, content_type)

def predict_fn(rows, model):
    return rows * model

def output_fn(prediction, accept):
    if accept == content_types.JSON:
        rows = {"instances": [{"features": row} for row in prediction.tolist()]}
        return worker.Response(json.dumps(rows), mimetype=accept)
    return worker.Response(encoders.encode(prediction, accept), mimetype=accept)
"""


def test_an_endpoints_script_answers_with_responses(server):
    name = deployed(server, container(server, FEATURES))
    assert ask(server, name, b"1,2\n3,4\n", "text/csv", "application/json") == (
        b'{"instances": [{"features": [2.0, 4.0]}, {"features": [6.0, 8.0]}]}', "application/json")
    assert ask(server, name, b"[[1, 2]]", "application/json", "text/csv") == (
        b"2.0,4.0\n", "text/csv; charset=utf-8")


def test_the_defaults_of_xgboost_read_recordio_protobuf(server):
    """The body is one that AWS's own encoder wrote."""
    answers = json.loads((pathlib.Path(__file__).parent.parent / "python/answers.json").read_text())
    kind, body = answers["training"]["recordio"][0]
    assert kind == "bytes"
    script = """
        class Sum:
            def predict(self, rows, validate_features):
                return rows.get_data().toarray().sum(axis=1)

        def model_fn(model_dir):
            return Sum()
    """
    name = deployed(server, container(server, script, image=XGBOOST_IMAGE))
    answer, _ = ask(server, name, base64.b64decode(body), "application/x-recordio-protobuf", "text/csv")
    assert answer == b"3.5\n7.0\n"


def test_why_an_endpoint_fails_tells_of_dropped_names(server):
    name = create(server, container(server, "import cPickle\n"))
    assert ("(model/code/inference.py, line 1); the module cPickle: gone since Python 3.0; what "
            "replaces it: pickle") in described(server, name)["FailureReason"]


# --- the debugger's hook -------------------------------------------------------------------------

HOOK = """
import os
import numpy as np
import xgboost
from smdebug import SaveConfig
from smdebug.xgboost import Hook
rows, labels = np.arange(60, dtype="float32").reshape(20, 3) % 7, np.arange(20) % 3
train = xgboost.DMatrix(rows, label=labels)
hook = Hook.create_from_json_file()
hook.train_data = train
xgboost.train({"max_depth": 2}, train, num_boost_round=4, evals=[(train, "train")], callbacks=[hook])
try:
    hook.save_scalar("a", 1)
except NotImplementedError as error:
    print(error)
"""


def test_a_hook_of_the_debugger_is_configured_and_its_tensors_are_stored(server, bucket):
    """What it writes is held to smdebug's own files in python/test_stand_ins.py."""
    job, log = scripts.script_training(server, bucket, {"train.py": HOOK}, DebugHookConfig={
        "S3OutputPath": f"s3://{bucket}/debugger",
        "CollectionConfigurations": [{"CollectionName": "feature_importance"},
                                     {"CollectionName": "metrics",
                                      "CollectionParameters": {"save_interval": "2"}}]})
    assert job["TrainingJobStatus"] == "Completed", log
    assert log[-1].startswith("smdebug.xgboost.Hook.save_scalar is not there")
    s3, prefix = server.client("s3"), f"debugger/{job['TrainingJobName']}/debug-output/"
    kept = {item["Key"].removeprefix(prefix)
            for item in s3.list_objects_v2(Bucket=bucket, Prefix="debugger/")["Contents"]}
    assert kept == {"collections/000000000/worker_0_collections.json", "training_job_end.ts",
                    *(f"index/000000000/00000000000{step}_worker_0.json" for step in (0, 2)),
                    *(f"events/00000000000{step}/00000000000{step}_worker_0.tfevents"
                      for step in (0, 2))}
    index = json.loads(s3.get_object(
        Bucket=bucket, Key=f"{prefix}index/000000000/000000000002_worker_0.json")["Body"].read())
    assert [one["tensorname"] for one in index["tensor_payload"]] == ["train-rmse"]


def test_a_hooks_folder_lies_below_the_output(server, bucket):
    with pytest.raises(ClientError, match="DebugHookConfig: the LocalPath /tmp/x is not a path below "
                                          "/opt/ml/output"):
        scripts.script_training(server, bucket, {"train.py": HOOK}, DebugHookConfig={
            "S3OutputPath": f"s3://{bucket}/debugger", "LocalPath": "/tmp/x"})


# --- what is not there ---------------------------------------------------------------------------


@pytest.mark.parametrize("script, reason", [
    ("from sagemaker_containers.beta.framework import worker\nworker.Worker()\n",
     "AttributeError: sagemaker_containers.beta.framework.worker.Worker is not there: lathe itself "
     f"serves the functions of the inference script (model_fn, input_fn, predict_fn, output_fn, "
     f"transform_fn) ({CODE}/script.py, line 2)"),
    ("from sagemaker_training import environment\nenvironment.num_tpus()\n",
     "sagemaker_training.environment.num_tpus is not in lathe's stand-in for sagemaker_training, which "
     "has what scripts use of it; the whole package comes with: pip install sagemaker-training"),
    ("from sagemaker_inference.encoder import encode_all\n",
     f"({CODE}/script.py, line 1); sagemaker_inference.encoder.encode_all is not in lathe's stand-in"),
    ("import smdebug.pytorch\n",
     f"({CODE}/script.py, line 1); smdebug.pytorch is not in lathe's stand-in for smdebug"),
    ("import sagemaker_inference.nothing\n",
     f"({CODE}/script.py, line 1); sagemaker_inference.nothing is not in lathe's stand-in"),
])
def test_what_a_stand_in_lacks_is_told_by_its_name(server, bucket, script, reason):
    job, _ = scripts.run(server, bucket, script)
    assert reason in job["FailureReason"]


@pytest.mark.parametrize("script", [
    "from smexperiments.tracker import Tracker\n"
    "with Tracker.create(display_name='first') as run:\n"
    "    run.log_parameters({'eta': 0.5})\n    run.log_metric('loss', 1)\n"
    "print(run.trial_component.trial_component_name)\n",
    "from sagemaker.experiments import Run\n"
    "with Run(experiment_name='mine', run_name='first') as run:\n"
    "    run.log_parameter('eta', 0.5)\n    run.log_metric('loss', 1)\n"
    "print(run._trial_component.trial_component_name)\n"])
def test_experiments_are_kept_from_scripts(server, bucket, script):
    job, lines = scripts.run(server, bucket, script)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    told = server.client("sagemaker").describe_trial_component(TrialComponentName=lines[-1])
    assert told["Parameters"] == {"eta": {"NumberValue": 0.5}}
    assert [(one["MetricName"], one["Last"]) for one in told["Metrics"]] == [("loss", 1)]


@pytest.mark.parametrize("script, reason", [
    ('x = 1\nprint "hello"\n',
     f"({CODE}/script.py, line 2); the print statement: gone since Python 3.0; what replaces it: "
     "print(...)"),
    ("try:\n    pass\nexcept ValueError, e:\n    pass\n",
     f"({CODE}/script.py, line 3); `except Error, name`: gone since Python 3.0"),
    ("for i in xrange(3):\n    pass\n",
     f"({CODE}/script.py, line 1); the name xrange: gone since Python 3.0; what replaces it: range"),
    ("import urllib2\n",
     f"No module named 'urllib2' ({CODE}/script.py, line 1); the module urllib2: gone since Python 3.0; "
     "what replaces it: urllib.request and urllib.error"),
    ("import numpy as np\nnp.zeros(3, dtype=np.float)\n",
     f"({CODE}/script.py, line 2); np.float: gone since NumPy 1.24; what replaces it: float or "
     "np.float64"),
    ("import pandas as pd\nframe = pd.DataFrame({'a': [1]})\nframe = frame.append({'a': 2})\n",
     f"({CODE}/script.py, line 3); DataFrame.append: gone since pandas 2.0; what replaces it: "
     "pd.concat([frame, other])"),
    ("import pandas as pd\npd.io.json.json_normalize([{'a': 1}])\n",
     "pd.io.json.json_normalize: gone since pandas 2.0; what replaces it: pd.json_normalize"),
    ("from sklearn.datasets import load_boston\n",
     f"({CODE}/script.py, line 1); sklearn.datasets.load_boston: gone since scikit-learn 1.2"),
    ("from sklearn.preprocessing import OneHotEncoder\nOneHotEncoder(sparse=False)\n",
     f"({CODE}/script.py, line 2); the argument sparse of OneHotEncoder: gone since scikit-learn 1.4; "
     "what replaces it: sparse_output"),
    ("from sklearn.preprocessing import OneHotEncoder\n"
     "OneHotEncoder().fit([[1]]).get_feature_names()\n",
     "get_feature_names: gone since scikit-learn 1.2; what replaces it: get_feature_names_out()"),
    ("import xgboost\nxgboost.XGBClassifier().fit([[1], [2]], [0, 1], early_stopping_rounds=3)\n",
     f"({CODE}/script.py, line 2); the argument early_stopping_rounds of fit(): gone since XGBoost 2.1"),
    ("x = [\n", f"SyntaxError: '[' was never closed ({CODE}/script.py, line 1), exit code"),
])
def test_a_name_that_was_dropped_is_told_with_what_replaces_it(server, bucket, script, reason):
    job, _ = scripts.run(server, bucket, script)
    assert job["ProcessingJobStatus"] == "Failed" and reason in job["FailureReason"]

"""The SageMaker SDK's models with scripts, as its users deploy them: nothing is set but what `lathe env`
prints."""

import io
import json
import os
import pickle
import subprocess
import sys
import tarfile

import numpy
import pytest
import xgboost
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

pytestmark = pytest.mark.full

ROWS = numpy.random.default_rng(5).normal(size=(40, 3)).astype(numpy.float32)
LABELS = (ROWS.sum(1) > 0).astype(int)
SCRIPT = """
import os
import pickle


def model_fn(model_dir):
    with open(os.path.join(model_dir, "model.pkl"), "rb") as file:
        return pickle.load(file)
"""
XGBOOST_SCRIPT = """
import os

import xgboost


def model_fn(model_dir):
    booster = xgboost.Booster()
    booster.load_model(os.path.join(model_dir, "xgboost-model"))
    return booster
"""
SCALE_SCRIPT = SCRIPT + """

def predict_fn(rows, model):
    return model.transform(rows)


def output_fn(rows, accept):
    return "\\n".join(",".join("%.9g" % value for value in row) for row in rows), "text/csv"
"""
PROGRAM = """
import json, pathlib, sys, time
pause = time.sleep
time.sleep = lambda seconds: pause(min(seconds, 0.2))

import numpy, sagemaker
from sagemaker.deserializers import CSVDeserializer, JSONDeserializer, NumpyDeserializer
from sagemaker.model import Model
from sagemaker.multidatamodel import MultiDataModel
from sagemaker.pipeline import PipelineModel
from sagemaker.predictor import Predictor
from sagemaker.serializers import CSVSerializer, JSONSerializer, NumpySerializer
from sagemaker.sklearn.model import SKLearnModel
from sagemaker.xgboost.model import XGBoostModel

folder, role = pathlib.Path(sys.argv[1]), "arn:aws:iam::000000000000:role/SageMakerRole"
session = sagemaker.Session()
bucket = session.default_bucket()
rows = numpy.load(folder / "rows.npy")
uris = {name: session.upload_data(str(folder / name / "model.tar.gz"), bucket, name)
        for name in ("sklearn", "scaler", "xgboost")}
told, where = {}, {"initial_instance_count": 1, "instance_type": "ml.m5.large"}

predictor = SKLearnModel(uris["sklearn"], role, str(folder / "serve.py"), framework_version="1.2-1",
                         sagemaker_session=session, model_server_workers=2).deploy(**where)
told["sklearn"] = predictor.predict(rows).tolist()  # in NPY both ways
predictor.serializer, predictor.deserializer = CSVSerializer(), JSONDeserializer()
told["sklearn json"] = predictor.predict(rows)
predictor.delete_model(); predictor.delete_endpoint()

model = XGBoostModel(uris["xgboost"], role, str(folder / "serve_xgboost.py"),
                     framework_version="1.7-1", sagemaker_session=session, model_server_workers=1)
predictor = model.deploy(**where, serializer=CSVSerializer(), deserializer=JSONDeserializer())
told["xgboost"] = predictor.predict(rows)
predictor.delete_model(); predictor.delete_endpoint()

scaler = SKLearnModel(uris["scaler"], role, str(folder / "scale.py"), framework_version="1.2-1",
                      sagemaker_session=session, model_server_workers=1)
trees = Model(sagemaker.image_uris.retrieve("xgboost", "us-east-1", "1.7-1"), uris["xgboost"],
              role=role, sagemaker_session=session)
pipeline = PipelineModel([scaler, trees], role, sagemaker_session=session)
pipeline.deploy(**where, endpoint_name="in-a-row")
predictor = Predictor("in-a-row", session, CSVSerializer(), CSVDeserializer())
told["pipeline"] = [float(value) for row in predictor.predict(rows) for value in row]
pipeline.delete_model(); predictor.delete_endpoint()

many = MultiDataModel("many", f"s3://{bucket}/many/", model=SKLearnModel(
    uris["sklearn"], role, str(folder / "serve.py"), framework_version="1.2-1",
    sagemaker_session=session), sagemaker_session=session)
predictor = many.deploy(**where)
many.add_model(uris["sklearn"], "one.tar.gz")
told["listed"] = list(many.list_models())
predictor.serializer, predictor.deserializer = JSONSerializer(), JSONDeserializer()
told["many"] = predictor.predict(rows.tolist(), target_model="one.tar.gz")
predictor.delete_model(); predictor.delete_endpoint()

client = session.sagemaker_client
told["left"] = [client.list_models()["Models"], client.list_endpoints()["Endpoints"],
                client.list_endpoint_configs()["EndpointConfigs"]]
print()
print(json.dumps(told))
"""


def pack(folder, name, content):
    folder.mkdir()
    with tarfile.open(folder / "model.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))


@pytest.fixture(scope="module")
def models():
    return {"sklearn": LogisticRegression().fit(ROWS, LABELS), "scaler": StandardScaler().fit(ROWS),
            "xgboost": xgboost.train({"max_depth": 3, "nthread": 1}, xgboost.DMatrix(ROWS, LABELS), 6)}


@pytest.fixture(scope="module")
def told(server_factory, lathe, models, tmp_path_factory):
    pytest.importorskip("sagemaker", reason="the SageMaker SDK (tests/requirements.txt)")
    folder = tmp_path_factory.mktemp("sdk")
    python = os.path.join(os.path.realpath(sys.prefix), "bin", "python")
    (folder / "lathe.yaml").write_text(f"runtime:\n  python: {python}\n")
    server = server_factory(["--config", str(folder / "lathe.yaml")])
    pack(folder / "sklearn", "model.pkl", pickle.dumps(models["sklearn"]))
    pack(folder / "scaler", "model.pkl", pickle.dumps(models["scaler"]))
    pack(folder / "xgboost", "xgboost-model", bytes(models["xgboost"].save_raw("ubj")))
    numpy.save(folder / "rows.npy", ROWS)
    for name, text in (("serve.py", SCRIPT), ("serve_xgboost.py", XGBOOST_SCRIPT),
                       ("scale.py", SCALE_SCRIPT), ("program.py", PROGRAM)):
        (folder / name).write_text(text)
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LATHE_HOME": str(server.home)}
    done = subprocess.run(
        ["bash", "-c", 'eval "$("$1" env)" && exec "$2" "$3" "$4"', "bash", lathe, sys.executable,
         folder / "program.py", folder], env=clean, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return json.loads(done.stdout.splitlines()[-1])


def test_a_scikit_learn_model(told, models):
    right = models["sklearn"].predict(ROWS).tolist()
    assert told["sklearn"] == right
    assert told["sklearn json"] == right


def test_an_xgboost_model_with_a_script(told, models):
    assert told["xgboost"] == models["xgboost"].predict(xgboost.DMatrix(ROWS)).tolist()


def test_a_pipeline_of_a_script_and_trees(told, models):
    scaled = numpy.float32(models["scaler"].transform(ROWS))
    numpy.testing.assert_array_equal(numpy.float32(told["pipeline"]),
                                     models["xgboost"].predict(xgboost.DMatrix(scaled)))


def test_many_models(told, models):
    assert told["listed"] == ["one.tar.gz"]
    assert told["many"] == models["sklearn"].predict(ROWS).tolist()


def test_nothing_is_left(told):
    assert told["left"] == [[], [], []]

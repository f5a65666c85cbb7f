"""Records what SageMaker's containers answer for the scripts of serving_cases.py, by running their own
serving code:

    python record_serving.py sklearn CONTAINER TOOLKIT > serving/sklearn.json
    python record_serving.py xgboost CONTAINER TOOLKIT > serving/xgboost.json
    python record_serving.py toolkit INFERENCE_TOOLKIT > serving/toolkit.json
    python record_serving.py sklearn-many CONTAINER TOOLKIT INFERENCE_TOOLKIT > serving/sklearn-many.json
    python record_serving.py xgboost-many CONTAINER TOOLKIT INFERENCE_TOOLKIT > serving/xgboost-many.json

CONTAINER is a checkout of sagemaker-scikit-learn-container or sagemaker-xgboost-container, TOOLKIT one
of sagemaker-containers, INFERENCE_TOOLKIT one of sagemaker-inference-toolkit. To be run with numpy,
scipy, xgboost, flask, six and werkzeug. What serving does not use (MPI, gunicorn) is stubbed.

The recording: {"answers": [{"script", "type", "accept", "body", "status", "answer_type", "answer"}]},
bodies and answers as hexadecimal digits. Of Python's own traces only what comes before them is kept."""

import collections
import collections.abc
import json
import os
import pathlib
import sys
import tempfile
import types
import unittest.mock

from serving_cases import SCRIPTS, cases

family, _, many = sys.argv[1].partition("-")
os.environ["SAGEMAKER_BASE_DIR"] = tempfile.mkdtemp()
for folder in sys.argv[2:]:
    sys.path.insert(0, str(pathlib.Path(folder) / "src"))
collections.Mapping = collections.abc.Mapping  # as the images patch it
for name in ("gethostname", "paramiko", "boto3", "boto3.s3", "boto3.s3.transfer", "botocore",
             "botocore.exceptions", "retrying", "psutil", "pkg_resources",
             "sagemaker_containers._recordio", "sagemaker_xgboost_container.recordio_protobuf"):
    sys.modules.setdefault(name, unittest.mock.MagicMock(name=name))


def module_of(script):
    module = types.ModuleType("user")
    exec(SCRIPTS[script], module.__dict__)
    return module


def flask_client(script):
    package = f"sagemaker_{family}_container"
    stubs = ["serving_mms", "algorithm_mode.serve"]
    for name in stubs:
        sys.modules[f"{package}.{name}"] = unittest.mock.MagicMock(name=name)
    serving = __import__(f"{package}.serving", fromlist=["serving"])
    from sagemaker_containers.beta.framework import worker

    transformer = serving._user_module_transformer(module_of(script))
    transformer.initialize()
    client = worker.Worker(transform_fn=transformer.transform, module_name="user").test_client()

    def ask(content_type, accept, body):
        headers = {"Content-Type": content_type, "Accept": accept}
        reply = client.post("/invocations", data=body, headers={
            name: value for name, value in headers.items() if value is not None})
        return reply.status_code, reply.headers.get("Content-Type"), reply.get_data()

    return ask


def handler():
    """The defaults of a container that holds many models."""
    service = __import__(f"sagemaker_{family}_container.handler_service",
                         fromlist=["handler_service"]).HandlerService
    return getattr(service, {"sklearn": "DefaultSKLearnUserModuleInferenceHandler",
                             "xgboost": "DefaultXGBoostUserModuleInferenceHandler"}[family])()


def toolkit_client(script):
    from sagemaker_inference.transformer import Transformer

    sys.modules["inference"] = module_of(script)
    sys.modules["inference"].__spec__ = types.SimpleNamespace()
    transformer = Transformer(handler()) if many else Transformer()

    def ask(content_type, accept, body):
        context = unittest.mock.MagicMock()
        told = {"Content-Type": content_type, "Accept": accept}
        context.system_properties = {"model_dir": os.environ["SAGEMAKER_BASE_DIR"]}
        context.request_processor[0].get_request_properties.return_value = {
            name: value for name, value in told.items() if value is not None}
        answer = transformer.transform([{"body": body}], context)[0]
        status, given = 200, None
        for name, arguments, keywords in context.method_calls:
            if name == "set_response_status":
                status = keywords["code"]
            if name == "set_response_content_type":
                given = arguments[1]
        # As the model server writes what it is given (multi-model-server's codec).
        if not isinstance(answer, (bytes, bytearray)):
            answer = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        return int(status), given, bytes(answer).partition(b"\nTraceback")[0]

    return ask


clients = {}
answers = []
for script, content_type, accept, body in cases(family):
    if script not in clients:
        clients[script] = (
            toolkit_client if many or family == "toolkit" else flask_client)(script)
    try:
        status, answer_type, answer = clients[script](content_type, accept, body)
    except TypeError:  # in the model server itself, which writes JSON
        continue
    answers.append({"script": script, "type": content_type, "accept": accept, "body": body.hex(),
                    "status": status, "answer_type": answer_type, "answer": answer.hex()})
lines = ",\n".join(json.dumps(answer) for answer in answers)
print(f'{{"answers": [\n{lines}\n]}}')

"""What is asked of the packages of SageMaker's containers, by record.py, and of ours, by the tests. They
read the files of a training job below SAGEMAKER_BASE_DIR, which write_job makes."""

import base64
import json
import os

import numpy as np
from scipy.sparse import csr_matrix

VARIABLES = {"SAGEMAKER_PROGRAM": "train.py", "TRAINING_JOB_NAME": "job",
             "AWS_DEFAULT_REGION": "us-east-1"}
JOB = {
    "hyperparameters": {
        "n-estimators": "10", "layers": "[1, 2]", "name": "abc", "map": '{"b": 1, "a": 2}', "z": "null",
        "flag": "true", "sagemaker_program": '"train.py"', "sagemaker_container_log_level": "20",
        "sagemaker_submit_directory": '"s3://bucket/source.tar.gz"', "sagemaker_region": '"us-east-1"',
        "sagemaker_job_name": '"job"', "sagemaker_parameter_server_enabled": "true",
        "sagemaker_s3_output": '"s3://bucket/out"'},
    "resourceconfig": {
        "current_host": "algo-1", "hosts": ["algo-1", "algo-2"], "network_interface_name": "eth1",
        "current_instance_type": "ml.m5.large", "current_group_name": "homogeneousCluster",
        "instance_groups": [{"instance_group_name": "homogeneousCluster",
                             "instance_type": "ml.m5.large", "hosts": ["algo-1", "algo-2"]}]},
    "inputdataconfig": {"train": {"TrainingInputMode": "File"}, "test": {}}}


def write_job(folder):
    os.makedirs(f"{folder}/input/config")
    for name, value in JOB.items():
        with open(f"{folder}/input/config/{name}.json", "w") as file:
            json.dump(value, file)


def plain(value):
    """As JSON, with what tells types apart."""
    if isinstance(value, np.ndarray):
        return ["array", value.dtype.str, list(value.shape), value.tolist()]
    if isinstance(value, bytes):
        return ["bytes", base64.b64encode(value).decode()]
    if hasattr(value, "toarray"):
        return ["sparse", plain(value.toarray())]
    if isinstance(value, tuple):
        return ["tuple", *map(plain, value)]
    if hasattr(value, "keys"):
        return {str(key): plain(value[key]) for key in value}
    return value


def answer(function, *arguments):
    try:
        return plain(function(*arguments))
    except Exception as error:
        return ["raised", type(error).__name__, str(error)]


ARRAYS = [[1, 2, 3], [[1, 2], [3, 4]], [[1.5, float("nan")], [1e300, 0.1]], np.float32([[0.1, 2]]),
          np.array([["a", 'b "c"'], ["d,e", "f\n"]]), [], 7, np.int64([[1], [2]]), {"a": [1, 2]},
          np.array([True, False])]
UNEVEN = "1,2\n3"
TEXTS = ["1,2,3", "1,2\n3,4\n", "1.5,abc\n2,d", '"a, b",2', "", UNEVEN, '[1, 2.5]', "[[1], [2]]",
         '{"a": 1}', "7", "nonsense", '"', "1\n2\n3\n"]
TYPES = ["application/json", "text/csv", "application/x-npy", "text/csv; charset=utf-8", "text/plain"]


def npy(values):
    import io

    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


def of_encoders(encoders):
    answers = {}
    for kind in TYPES:
        answers[f"encode {kind}"] = [answer(encoders.encode, values, kind) for values in ARRAYS]
        # of rows that differ in length the originals fall over their own variable
        texts = [text for text in TEXTS if text != UNEVEN] if kind != "application/x-npy" else [
            npy(np.float32([[1, 2]])), npy([[1, 2], [3, 4]])]
        answers[f"decode {kind}"] = [answer(encoders.decode, text, kind) for text in texts]
    answers["csv of a type"] = [answer(encoders.csv_to_numpy, text, kind)
                                for text in TEXTS for kind in ("float32", "int64", "str")]
    answers["json of a type"] = [answer(encoders.json_to_numpy, "[[1, 2]]", kind)
                                 for kind in ("float32", "int8", "str")]
    return answers


def of_recordio(encoders):
    write, sparse = encoders.array_to_recordio_protobuf, csr_matrix([[0, 1.5, 0], [0, 0, 0], [2, 0, 300]])
    return [answer(write, *given) for given in (
        (np.array([[1.5, 2.0], [3, 4]]),), (np.float32([[1, 2]]), np.float32([1])),
        (np.array([[1, -2], [300, 4]]), np.array([0, 1])), (np.array([1.0, 2.0]),),
        (sparse,), (sparse, np.array([1.0, 0.0, 1.0])), (np.array([["a"]]),), (np.float16([[1]]),),
        (np.array([[1.0]]), np.array([[1.0]])), (np.array([[1.0, 2.0]]), np.array([1.0, 2, 3])))]


def of_mapping(mapping):
    given = {"a": 1, "b": [1, {"c": None}], "model-dir": "/x", "n": None, "m": {"z": 1, "y": "t"}, "bool": True,
             "bytes": b"x"}
    return {"to_env_vars": answer(mapping.to_env_vars, given),
            "to_cmd_args": answer(mapping.to_cmd_args, given),
            "split": answer(mapping.split_by_criteria, given, ["a"], "m")}


def fixed(values):
    """Without what is the machine's."""
    return {key: value for key, value in values.items() if key != "num_cpus"}


def of_environment(made):
    variables = made.to_env_vars()
    whole = json.loads(variables.pop("SM_TRAINING_ENV"))
    variables.pop("SM_NUM_CPUS")
    return {"items": fixed(plain(dict(made))), "arguments": made.to_cmd_args(), "variables": variables,
            "whole": fixed(whole), "s3_output": made.sagemaker_s3_output(),
            "set": {name: os.environ[name] for name in
                    ("SAGEMAKER_JOB_NAME", "CURRENT_HOST", "SAGEMAKER_REGION")}}


def of_containers():
    from sagemaker_containers.beta import framework

    return {"encoders": of_encoders(framework.encoders), "mapping": of_mapping(framework.mapping),
            "environment": of_environment(framework.training_env()),
            "serving": fixed(plain(dict(framework.env.ServingEnv()))),
            "types": [getattr(framework.content_types, name) for name in
                      ("JSON", "CSV", "OCTET_STREAM", "ANY", "NPY", "UTF8_TYPES")],
            "params": {name: value for name, value in vars(framework.params).items()
                       if name.isupper() and isinstance(value, str)}}


def of_training():
    from sagemaker_training import encoders, environment, errors, mapping, params

    return {"encoders": of_encoders(encoders), "recordio": of_recordio(encoders),
            "mapping": of_mapping(mapping), "environment": of_environment(environment.Environment()),
            "errors": [str(errors.ExecuteUserScriptError(["a", "b"], return_code=3, output=b"said")),
                       str(errors.InstallModuleError("x", info="more")),
                       str(errors.ChannelDoesNotExistError("train"))],
            "params": {name: value for name, value in vars(params).items()
                       if name.isupper() and isinstance(value, (str, tuple))}}


def of_inference():
    from sagemaker_inference import (
        content_types, decoder, default_inference_handler, encoder, environment, errors, utils)

    handler = default_inference_handler.DefaultInferenceHandler()
    return {
        "encode": {kind: [answer(encoder.encode, values, kind) for values in ARRAYS]
                   for kind in TYPES if kind != "text/csv"},
        "encode csv": [answer(encoder.encode, values, "text/csv") for values in ARRAYS[:5]],
        "decode": {kind: [answer(decoder.decode, text, kind) for text in TEXTS if text]
                   for kind in TYPES if kind != "application/x-npy"},
        "decode npy": answer(decoder.decode, npy([[1, 2]]), "application/x-npy"),
        "output": [answer(handler.default_output_fn, [1, 2], accept) for accept in (
            "application/json", "text/plain, text/csv", "text/plain", "*/*")],
        "environment": {name: getattr(environment.Environment(), name) for name in (
            "module_name", "model_server_timeout", "model_server_workers", "default_accept",
            "inference_http_port", "max_request_size", "vmargs", "startup_timeout")},
        "types": [content_types.NPZ, content_types.UTF8_TYPES],
        "errors": [str(errors.GenericInferenceToolkitError(400)),
                   str(errors.BaseInferenceToolkitError(400, "a", "b"))],
        "utils": [utils.parse_accept("a/b, c/d"), utils.remove_crlf("a\r\nb"),
                  utils.retrieve_content_type_header({"ContentType": "x"})]}


def everything():
    return {"containers": of_containers(), "training": of_training(), "inference": of_inference()}

"""What an inference container knows of itself: variables."""

import os

from lathe_containers import absent
from sagemaker_inference import content_types

DEFAULT_MODULE_NAME = "inference.py"
DEFAULT_HTTP_PORT = "8080"

base_dir = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
model_dir = os.path.join(
    base_dir, "models" if os.environ.get("SAGEMAKER_MULTI_MODEL") == "true" else "model")
code_dir = os.path.join(model_dir, "code")


def _number(name, missing=None):
    value = os.environ.get(name, missing)
    return None if value is None else int(value)


class Environment:
    def __init__(self):
        get = os.environ.get
        program = get("SAGEMAKER_PROGRAM", DEFAULT_MODULE_NAME)
        self.module_name = program[:-3] if program.endswith(".py") else program
        self.model_server_timeout = _number("SAGEMAKER_MODEL_SERVER_TIMEOUT", 60)
        self.model_server_timeout_seconds = _number("SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS")
        self.model_server_workers = get("SAGEMAKER_MODEL_SERVER_WORKERS")
        self.startup_timeout = _number("SAGEMAKER_STARTUP_TIMEOUT", 600)
        self.default_accept = get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", content_types.JSON)
        port = get("SAGEMAKER_BIND_TO_PORT", DEFAULT_HTTP_PORT)
        self.inference_http_port = self.management_http_port = port
        self.safe_port_range = get("SAGEMAKER_SAFE_PORT_RANGE")
        self.vmargs = get("SAGEMAKER_MODEL_SERVER_VMARGS", "-XX:-UseContainerSupport")
        size = _number("SAGEMAKER_MAX_PAYLOAD_IN_MB")
        self.max_request_size = None if size is None else size << 20


__getattr__ = absent.of(__name__)

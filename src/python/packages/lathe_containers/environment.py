"""What a training container knows of its job: the files below /opt/ml/input/config and variables."""

import json
import logging
import multiprocessing
import os
import sys

from lathe_containers import content_types, mapping, params

SAGEMAKER_BASE_PATH = "/opt/ml"
BASE_PATH_ENV = "SAGEMAKER_BASE_DIR"
HYPERPARAMETERS_FILE = "hyperparameters.json"
RESOURCE_CONFIG_FILE = "resourceconfig.json"
INPUT_DATA_CONFIG_FILE = "inputdataconfig.json"

base_dir = os.environ.get(BASE_PATH_ENV, SAGEMAKER_BASE_PATH)
code_dir = os.path.join(base_dir, "code")
model_dir = os.path.join(base_dir, "model")
input_dir = os.path.join(base_dir, "input")
_input_data_dir = os.path.join(input_dir, "data")
input_config_dir = os.path.join(input_dir, "config")
output_dir = os.path.join(base_dir, "output")
output_data_dir = os.path.join(output_dir, "data")
output_intermediate_dir = os.path.join(output_dir, "intermediate")
hyperparameters_file_dir = os.path.join(input_config_dir, HYPERPARAMETERS_FILE)
input_data_config_file_dir = os.path.join(input_config_dir, INPUT_DATA_CONFIG_FILE)
resource_config_file_dir = os.path.join(input_config_dir, RESOURCE_CONFIG_FILE)


def _read_json(path):
    with open(path) as file:
        return json.load(file)


def _decoded(value):
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value


def read_hyperparameters():
    return {key: _decoded(value) for key, value in _read_json(hyperparameters_file_dir).items()}


def read_resource_config():
    return _read_json(resource_config_file_dir)


def read_input_data_config():
    return _read_json(input_data_config_file_dir)


def channel_path(channel):
    return os.path.join(_input_data_dir, channel)


def num_gpus():
    return 0  # a job's sandbox has no devices


def num_neurons(instance_type):
    return 0


def num_cpus():
    return multiprocessing.cpu_count()


def write_env_vars(env_vars=None):
    os.environ.update(env_vars or {}, PYTHONPATH=":".join(sys.path))


def _module_name(program):
    return program[:-3] if program and program.endswith(".py") else program


class _Environment(mapping.MappingMixin):
    """A class of this has a property for each of its NAMES."""

    NAMES = ()

    def __init_subclass__(cls):
        for name in cls.NAMES:
            setattr(cls, name, property(lambda self, name=name: self._values[name]))


# sagemaker_containers has these; sagemaker_training more.
NAMES = (
    "additional_framework_parameters", "channel_input_dirs", "current_host", "framework_module",
    "hosts", "hyperparameters", "input_config_dir", "input_data_config", "input_dir", "is_master",
    "job_name", "log_level", "master_hostname", "model_dir", "module_dir", "module_name",
    "network_interface_name", "num_cpus", "num_gpus", "output_data_dir", "output_dir",
    "output_intermediate_dir", "resource_config", "user_entry_point")
NAMES_SINCE_GROUPS = (
    "current_instance_group", "current_instance_group_hosts", "current_instance_type",
    "distribution_hosts", "distribution_instance_groups", "instance_groups", "instance_groups_dict",
    "is_hetero", "is_modelparallel_enabled", "is_smddpmprun_installed", "is_smddprun_installed",
    "num_neurons", "topology")
NOT_VARIABLES = {
    "additional_framework_parameters", "channel_input_dirs", "distribution_hosts", "hyperparameters",
    "is_master", "is_modelparallel_enabled", "is_smddpmprun_installed", "is_smddprun_installed",
    "job_name", "master_hostname", "topology"}
DISTRIBUTIONS = (
    params.MPI_ENABLED, params.PARAMETER_SERVER_ENABLED, "sagemaker_distributed_dataparallel_enabled",
    "sagemaker_pytorch_ddp_enabled", params.PYTORCH_XLA_MULTI_WORKER_ENABLED,
    params.MULTI_WORKER_MIRRORED_STRATEGY_ENABLED, "sagemaker_torch_distributed_enabled")


class TrainingEnv(_Environment):
    NAMES = NAMES

    def __init__(self, resource_config=None, input_data_config=None, hyperparameters=None):
        resources = resource_config or read_resource_config()
        channels = input_data_config or read_input_data_config()
        split = mapping.split_by_criteria(
            hyperparameters or read_hyperparameters(), keys=params.SAGEMAKER_HYPERPARAMETERS,
            prefix=params.SAGEMAKER_PREFIX)
        self._own = split.included
        self._values = {**self._of_files(resources, channels), **self._of_program(),
                        "hyperparameters": split.excluded, **self._of_machine()}
        self._set_variables()

    def _of_files(self, resources, channels):
        hosts, host = resources["hosts"], resources["current_host"]
        return {"hosts": hosts, "current_host": host, "master_hostname": hosts[0],
                "is_master": host == hosts[0], "resource_config": resources,
                "input_data_config": channels,
                "channel_input_dirs": {name: channel_path(name) for name in channels},
                "network_interface_name": resources.get("network_interface_name", "eth0")}

    def _of_program(self):
        program = os.environ.get(params.USER_PROGRAM_ENV)
        told = self._own.get(params.USER_PROGRAM_PARAM)
        return {"module_name": _module_name(str(told) if program is None else program),
                "user_entry_point": program or told,
                "module_dir": str(self._own.get(params.SUBMIT_DIR_PARAM, code_dir)),
                "log_level": self._own.get(params.LOG_LEVEL_PARAM, logging.INFO),
                "framework_module": os.environ.get(params.FRAMEWORK_TRAINING_MODULE_ENV),
                "additional_framework_parameters": {
                    key: value for key, value in self._own.items()
                    if key not in params.SAGEMAKER_HYPERPARAMETERS}}

    def _of_machine(self):
        return {"job_name": os.environ.get(params.TRAINING_JOB_ENV), "num_cpus": num_cpus(),
                "num_gpus": num_gpus(), "model_dir": model_dir, "input_dir": input_dir,
                "input_config_dir": input_config_dir, "output_dir": output_dir,
                "output_data_dir": output_data_dir,
                "output_intermediate_dir": output_intermediate_dir}

    def _set_variables(self):
        """Whoever asks for the environment sets these too."""
        region = self._own.get(params.REGION_NAME_PARAM) or os.environ.get("AWS_DEFAULT_REGION", "")
        os.environ[params.JOB_NAME_ENV] = self._own.get(params.JOB_NAME_PARAM, "")
        os.environ[params.CURRENT_HOST_ENV] = self.current_host
        os.environ[params.REGION_NAME_ENV] = region

    def sagemaker_s3_output(self):
        return self._own.get(params.S3_OUTPUT_LOCATION_PARAM)

    def to_cmd_args(self):
        return mapping.to_cmd_args(self.hyperparameters)

    def to_env_vars(self):
        values = {name: getattr(self, name) for name in self.NAMES if name not in NOT_VARIABLES}
        values.update(hps=self.hyperparameters, channels=sorted(self.channel_input_dirs),
                      framework_params=self.additional_framework_parameters,
                      training_env=dict(self), user_args=self.to_cmd_args())
        values.update({f"channel_{name}": path for name, path in self.channel_input_dirs.items()})
        values.update({f"hp_{key}": value for key, value in self.hyperparameters.items()})
        return mapping.to_env_vars(values)


class Environment(TrainingEnv):
    NAMES = NAMES + NAMES_SINCE_GROUPS

    def _of_files(self, resources, channels):
        values = super()._of_files(resources, channels)
        group = resources.get("current_group_name", "homogeneousCluster")
        groups = {one["instance_group_name"]: one for one in resources.get("instance_groups", [])}
        values.update(
            current_instance_type=resources.get("current_instance_type", "local"),
            current_instance_group=group, instance_groups=list(groups), instance_groups_dict=groups,
            current_instance_group_hosts=groups[group]["hosts"] if group in groups else [],
            is_hetero=len(groups) > 1, topology=resources.get("topology", []))
        values.update(self._of_distribution(values, groups, group))
        return values

    def _of_distribution(self, values, groups, group):
        found = [group] if any(self._own.get(key) for key in DISTRIBUTIONS) else []
        found = self._own.get(params.DISTRIBUTION_INSTANCE_GROUPS, found)
        hosts = [host for name, one in groups.items() if name in found for host in one["hosts"]]
        hosts = hosts if groups else list(values["hosts"])
        master = (hosts or values["hosts"])[0]
        return {"distribution_instance_groups": found, "distribution_hosts": hosts,
                "master_hostname": master, "is_master": values["current_host"] == master}

    def _of_machine(self):
        parallel = os.environ.get(params.SM_HP_MP_PARAMETERS)
        return {**super()._of_machine(), "num_neurons": 0, "is_smddprun_installed": False,
                "is_smddpmprun_installed": False,
                "is_modelparallel_enabled": parallel and parallel != "{}"}


def _switch(text):
    return text.lower() in ("y", "yes", "t", "true", "on", "1")


class ServingEnv(_Environment):
    NAMES = ("current_host", "default_accept", "framework_module", "http_port", "log_level",
             "model_dir", "model_server_timeout", "model_server_workers", "module_dir", "module_name",
             "num_cpus", "num_gpus", "safe_port_range", "use_nginx", "user_entry_point")

    def __init__(self):
        get = os.environ.get
        program = get(params.USER_PROGRAM_ENV)
        self._values = {
            "current_host": get(params.CURRENT_HOST_ENV), "module_name": _module_name(program),
            "user_entry_point": program, "module_dir": get(params.SUBMIT_DIR_ENV, code_dir),
            "log_level": int(get(params.LOG_LEVEL_ENV, logging.INFO)), "model_dir": model_dir,
            "num_cpus": num_cpus(), "num_gpus": num_gpus(),
            "use_nginx": _switch(get(params.USE_NGINX_ENV, "true")),
            "model_server_timeout": int(get(params.MODEL_SERVER_TIMEOUT_ENV, "60")),
            "model_server_workers": int(get(params.MODEL_SERVER_WORKERS_ENV, num_cpus())),
            "framework_module": get(params.FRAMEWORK_SERVING_MODULE_ENV),
            "default_accept": get(params.DEFAULT_INVOCATIONS_ACCEPT_ENV, content_types.JSON),
            "http_port": get(params.SAGEMAKER_BIND_TO_PORT_ENV, "8080"),
            "safe_port_range": get(params.SAGEMAKER_SAFE_PORT_RANGE_ENV)}

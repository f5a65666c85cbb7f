"""Script mode: what the training toolkit of SageMaker's containers does before it runs a script.

Reads /opt/ml/input/config, unpacks the source, installs nothing (the server has done that), sets the
variables SM_*, and becomes the user's program with the hyperparameters as its arguments."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile

CODE = "/opt/ml/code"
CONFIG = "/opt/ml/input/config"
INPUT = "/opt/ml/input"
MODEL = "/opt/ml/model"
OUTPUT = "/opt/ml/output"

# The hyperparameters that are the toolkit's, not the script's (sagemaker_training/params.py).
OWN = {"sagemaker_enable_cloudwatch_metrics", "sagemaker_container_log_level",
       "sagemaker_job_name", "sagemaker_use_nvidia_smi", "sagemaker_program", "sagemaker_region",
       "sagemaker_submit_directory", "sagemaker_s3_output", "_tuning_objective_metric"}


def fail(text):
    os.makedirs(OUTPUT, exist_ok=True)
    with open(f"{OUTPUT}/failure", "w") as file:
        file.write(text)
    sys.exit(text)


def read(name, missing=None):
    path = f"{CONFIG}/{name}.json"
    if missing is not None and not os.path.exists(path):
        return missing
    with open(path) as file:
        return json.load(file)


def decoded(value):
    """Hyperparameters are texts, and those that the SDK sends JSON texts."""
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value


def argument(value):
    if hasattr(value, "items"):
        return ",".join(f"{key}={item}" for key, item in sorted(value.items()))
    return "" if value is None else str(value)


def arguments(hyperparameters):
    made = []
    for key in sorted(hyperparameters):
        made.append(f"--{key}" if len(key) > 1 else f"-{key}")
        made.append(argument(hyperparameters[key]))
    return made


def variable(value):
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def variables(values):
    return {f"SM_{name.upper()}": variable(value) for name, value in values.items()}


def cores():
    return len(os.sched_getaffinity(0))


def module_of(program):
    return program[:-3] if program.endswith(".py") else program


class Job:
    def __init__(self):
        hyperparameters = {key: decoded(value) for key, value in read("hyperparameters").items()}
        self.own = {key: value for key, value in hyperparameters.items()
                    if key in OWN or key.startswith("sagemaker_")}
        self.hyperparameters = {key: value for key, value in hyperparameters.items()
                                if key not in self.own}
        self.resources = read("resourceconfig")
        self.channels = read("inputdataconfig", {})
        self.program = os.environ.get("SAGEMAKER_PROGRAM") or self.own.get("sagemaker_program")
        self.source = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY") or \
            self.own.get("sagemaker_submit_directory") or CODE

    def values(self):
        hosts, host = self.resources["hosts"], self.resources["current_host"]
        instance = self.resources.get("current_instance_type", "local")
        group = self.resources.get("current_group_name", "homogeneousCluster")
        groups = self.resources.get("instance_groups", [])
        names = [one["instance_group_name"] for one in groups]
        framework = {key: value for key, value in self.own.items() if key not in OWN}
        log_level = self.own.get("sagemaker_container_log_level", 20)
        shared = {
            "channel_input_dirs": {name: f"{INPUT}/data/{name}" for name in self.channels},
            "current_host": host, "current_instance_type": instance,
            "current_instance_group": group,
            "current_instance_group_hosts": next(
                (one["hosts"] for one in groups if one["instance_group_name"] == group), []),
            "hosts": hosts, "network_interface_name": self.resources.get(
                "network_interface_name", "eth0"),
            "hyperparameters": self.hyperparameters, "input_data_config": self.channels,
            "input_config_dir": CONFIG, "input_dir": INPUT, "is_hetero": len(groups) > 1,
            "log_level": log_level, "model_dir": MODEL, "module_dir": str(self.source),
            "module_name": module_of(self.program), "num_cpus": cores(), "num_gpus": 0,
            "num_neurons": 0, "output_data_dir": f"{OUTPUT}/data", "output_dir": OUTPUT,
            "output_intermediate_dir": f"{OUTPUT}/intermediate",
            "resource_config": self.resources, "user_entry_point": self.program,
            "instance_groups": names,
            "instance_groups_dict": {one["instance_group_name"]: one for one in groups},
            "distribution_instance_groups": [], "framework_module": None}
        whole = dict(shared, additional_framework_parameters=framework, distribution_hosts=hosts,
                     is_master=host == sorted(hosts)[0], is_modelparallel_enabled=None,
                     is_smddpmprun_installed=False, is_smddprun_installed=False,
                     job_name=self.own.get("sagemaker_job_name", ""),
                     master_hostname=sorted(hosts)[0], topology=[])
        names_of = {"hyperparameters": "hps"}
        left_out = {"channel_input_dirs"}
        values = {names_of.get(key, key): value for key, value in shared.items()
                  if key not in left_out}
        values.update(framework_params=framework, channels=sorted(self.channels),
                      training_env=whole, user_args=arguments(self.hyperparameters))
        values.update({f"channel_{name}": path
                       for name, path in shared["channel_input_dirs"].items()})
        values.update({f"hp_{key}": value for key, value in self.hyperparameters.items()})
        return values


def unpack(source):
    """A source in S3 has been unpacked; one in the image, or a channel, is where it says."""
    os.makedirs(CODE, exist_ok=True)
    if source.startswith("s3://") or os.path.abspath(source) == CODE:
        return
    if os.path.isdir(source):
        shutil.copytree(source, CODE, dirs_exist_ok=True)
        return
    try:
        with tarfile.open(source) as archive:
            archive.extractall(CODE)
    except (OSError, tarfile.TarError) as error:
        fail(f"the source {source} is not a tar.gz that can be unpacked: {error}")


def command(program, given):
    """As the toolkit runs a package, a script and anything else."""
    if os.path.exists(f"{CODE}/setup.py") and not program.endswith((".py", ".sh")):
        subprocess.run([sys.executable, "-m", "pip", "install", ".", "--no-deps"], cwd=CODE,
                       check=True)
        return [sys.executable, "-m", module_of(program), *given]
    path = f"{CODE}/{program}"
    if not os.path.exists(path):
        fail(f"the program {program} is not in the source: it has "
             f"{', '.join(sorted(os.listdir(CODE))) or 'nothing'}")
    if program.endswith(".py"):
        return [sys.executable, program, *given]
    os.chmod(path, 0o755)
    return ["/bin/sh", "-c", " ".join([f"./{shlex.quote(program)}", *map(shlex.quote, given)])]


def main():
    job = Job()
    if not job.program:
        fail("script mode needs the hyperparameter sagemaker_program, or an entry point "
             "(AlgorithmSpecification.ContainerEntrypoint)")
    unpack(str(job.source))
    given = arguments(job.hyperparameters)
    made = variables(job.values())
    for folder in (MODEL, f"{OUTPUT}/data", f"{OUTPUT}/intermediate"):
        os.makedirs(folder, exist_ok=True)
    os.environ.update(made)
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [os.environ.get("PYTHONPATH"), CODE]))
    os.chdir(CODE)
    argv = command(job.program, given)
    print("Invoking script with the following command:\n\n" + " ".join(argv) + "\n", flush=True)
    os.execvp(argv[0], argv)


main()

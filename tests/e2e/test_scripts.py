"""Users' own programs as processing and training jobs: what they find, leave, and are told of."""

import ast
import io
import json
import tarfile
import time
import venv
import zipfile

import pytest
from botocore.exceptions import ClientError

import scripts
from scripts import CODE
from pipelines import definition, step
from sagemaker_jobs import ROLE, channel, unique


def put(server, bucket, **objects):
    for name, body in objects.items():
        server.client("s3").put_object(Bucket=bucket, Key=f"data/{name}.csv", Body=body)


def keys(server, bucket, prefix):
    found = server.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    return {item["Key"].removeprefix(prefix) for item in found.get("Contents", [])}


# --- processing ---------------------------------------------------------------------------------

SPLIT = """
import argparse, csv, os
parser = argparse.ArgumentParser()
parser.add_argument("--ratio", type=float)
ratio = parser.parse_args().ratio
base = "/opt/ml/processing"
rows = list(csv.reader(open(f"{base}/input/data/rows.csv")))
many = int(len(rows) * ratio)
for name, part in (("train", rows[:many]), ("test", rows[many:])):
    os.makedirs(f"{base}/{name}", exist_ok=True)
    csv.writer(open(f"{base}/{name}/{name}.csv", "w"), lineterminator="\\n").writerows(part)
open("/opt/ml/output/message", "w").write("split it")
print(os.environ["HOW"], flush=True)
"""


def test_a_script_processes_inputs_to_outputs(server, bucket):
    put(server, bucket, rows="".join(f"{i},{i * i}\n" for i in range(10)))
    base = "/opt/ml/processing"
    job, log = scripts.run(
        server, bucket, SPLIT, arguments=["--ratio", "0.7"], Environment={"HOW": "by hand"},
        inputs=[("data", f"s3://{bucket}/data/rows.csv", f"{base}/input/data")],
        outputs=[(name, f"s3://{bucket}/made/{name}", f"{base}/{name}")
                 for name in ("train", "test")])
    assert job["ProcessingJobStatus"] == "Completed" and job["ExitMessage"] == "split it"
    assert log == ["by hand"]
    s3 = server.client("s3")
    test = s3.get_object(Bucket=bucket, Key="made/test/test.csv")["Body"].read()
    assert test == b"7,49\n8,64\n9,81\n"
    assert keys(server, bucket, "made/") == {"train/train.csv", "test/test.csv"}


def test_a_script_finds_what_containers_have(server, bucket):
    name = unique("script")
    script = """
import json, os
config = json.load(open("/opt/ml/config/processingjobconfig.json"))
hosts = json.load(open("/opt/ml/config/resourceconfig.json"))
print(json.dumps([config["ProcessingJobName"], hosts["hosts"], hosts["current_host"], os.getcwd(),
                  os.environ["AWS_REGION"]]))
"""
    job, log = scripts.run(server, bucket, script, name=name)
    assert job["ProcessingJobStatus"] == "Completed"
    assert json.loads(log[0]) == [name, ["algo-1"], "algo-1", "/opt/ml", "us-east-1"]


def test_several_instances_are_one_host_and_the_log_says_so(server, bucket):
    script = 'print(open("/opt/ml/config/resourceconfig.json").read())'
    resources = {"ClusterConfig": {"InstanceCount": 3, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}}
    job, log = scripts.run(server, bucket, script, ProcessingResources=resources)
    assert job["ProcessingJobStatus"] == "Completed"
    assert job["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 3
    assert log[0].startswith("InstanceCount is 3: the job runs on one host, algo-1")
    assert json.loads(log[1])["hosts"] == ["algo-1"]


def test_a_script_asks_the_server_that_runs_it(server, bucket):
    script = f"""
import boto3
boto3.client("s3").put_object(Bucket="{bucket}", Key="from/within", Body=b"hello")
names = boto3.client("sagemaker").list_processing_jobs()["ProcessingJobSummaries"]
print(len(names) > 0)
"""
    job, log = scripts.run(server, bucket, script)
    assert job["ProcessingJobStatus"] == "Completed" and log == ["True"]
    assert keys(server, bucket, "from/") == {"within"}


def test_a_step_that_a_crash_cut_off_reaches_the_server_when_it_runs_again(server_factory):
    server = server_factory()
    s3, bucket = server.client("s3"), unique("crash")
    s3.create_bucket(Bucket=bucket)
    script = f"""
import boto3, time
s3 = boto3.client("s3")
begun = s3.list_objects_v2(Bucket="{bucket}", Prefix="begun/")["KeyCount"]
s3.put_object(Bucket="{bucket}", Key=f"begun/{{begun}}", Body=b"")
while not begun:
    time.sleep(0.1)
"""
    s3.put_object(Bucket=bucket, Key="code/script.py", Body=script)
    arguments = scripts.processing_request(bucket, script, name="code")
    del arguments["ProcessingJobName"]
    sagemaker, name = server.client("sagemaker"), unique("crash")
    sagemaker.create_pipeline(
        PipelineName=name, RoleArn=ROLE, ClientRequestToken=unique("t" * 32),
        PipelineDefinition=json.dumps(definition(step("Only", "Processing", arguments))))
    arn = sagemaker.start_pipeline_execution(
        PipelineName=name, ClientRequestToken=unique("t" * 32))["PipelineExecutionArn"]
    server.wait_for(lambda: s3.list_objects_v2(Bucket=bucket, Prefix="begun/"), "KeyCount", (1,))
    server.kill()
    server.start()
    end = server.wait_for(
        lambda: sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn),
        "PipelineExecutionStatus", ("Succeeded", "Failed", "Stopped"))
    assert end["PipelineExecutionStatus"] == "Succeeded", end
    assert keys(server, bucket, "begun/") == {"0", "1"}


@pytest.mark.parametrize("script, reason", [
    ("def f(x):\n    return int(x)\nf('abc')\n",
     "AlgorithmError: ValueError: invalid literal for int() with base 10: 'abc' "
     f"({scripts.CODE}/script.py, line 2), exit code: 1"),
    ("import a_library_that_nobody_has.part\n",
     "ModuleNotFoundError: No module named 'a_library_that_nobody_has' "
     f"({scripts.CODE}/script.py, line 1); install it into the Python that runs the scripts: "),
    ("import sys; print('that was it'); sys.exit(3)\n",
     "AlgorithmError: that was it, exit code: 3"),
    ("open('/opt/ml/output/failure', 'w').write('my own words'); raise ValueError('x')\n",
     "AlgorithmError: my own words, exit code: 1"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n", "killed by signal 11"),
    ("x = [\n", "SyntaxError"),
    ("open('/opt/ml/output/failure', 'w').write('\u00e9' * 5000); exit(1)\n", "\u00e9" * 900),
])
def test_why_a_script_failed_is_told(server, bucket, script, reason):
    job, _ = scripts.run(server, bucket, script)
    assert job["ProcessingJobStatus"] == "Failed" and reason in job["FailureReason"]


def test_an_entry_point_that_is_not_there_is_told(server, bucket):
    given = scripts.processing_request(bucket, "")["AppSpecification"]
    given["ContainerEntrypoint"] = ["a-program-that-is-not-there"]
    job, _ = scripts.run(server, bucket, "", AppSpecification=given)
    assert job["FailureReason"] == (
        "AlgorithmError: the command a-program-that-is-not-there could not be executed: "
        "No such file or directory, exit code: 127")


def test_an_image_without_a_program_is_told_how_to_bring_one(server, bucket):
    request = scripts.processing_request(bucket, "")
    del request["AppSpecification"]["ContainerEntrypoint"]
    with pytest.raises(ClientError) as caught:
        server.client("sagemaker").create_processing_job(**request)
    assert "AppSpecification.ContainerEntrypoint" in str(caught.value)


def test_outputs_come_while_the_script_runs(server, bucket):
    script = """
import time
open("/opt/ml/processing/out/early.txt", "w").write("early")
while True:
    time.sleep(0.1)
"""
    name = scripts.unique("script")
    request = scripts.processing_request(
        bucket, script, name=name, outputs=[("out", f"s3://{bucket}/out", "/opt/ml/processing/out")])
    output, = request["ProcessingOutputConfig"]["Outputs"]
    output["S3Output"]["S3UploadMode"] = "Continuous"
    server.client("s3").put_object(Bucket=bucket, Key=f"{name}/script.py", Body=script)
    server.client("sagemaker").create_processing_job(**request)
    deadline = time.monotonic() + 60
    while keys(server, bucket, "out/") != {"early.txt"}:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    server.client("sagemaker").stop_processing_job(ProcessingJobName=name)
    assert scripts.wait_for_processing(server, name)["ProcessingJobStatus"] == "Stopped"


def test_a_script_hears_that_it_is_to_stop(server, bucket):
    script = """
import signal, sys, time
def end(*_):
    print("heard it", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(600)
"""
    name = scripts.start_processing(server, bucket, script)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if scripts.log_of(server, "ProcessingJobs", name) == ["ready"]:
                break
        except (ClientError, ValueError):  # the stream is not there yet
            pass
        time.sleep(0.05)
    server.client("sagemaker").stop_processing_job(ProcessingJobName=name)
    assert scripts.wait_for_processing(server, name)["ProcessingJobStatus"] == "Stopped"
    assert scripts.log_of(server, "ProcessingJobs", name) == ["ready", "heard it"]


# --- training -----------------------------------------------------------------------------------

TRAIN = """
import argparse, json, os, sys
parser = argparse.ArgumentParser()
parser.add_argument("--n-estimators", type=int)
parser.add_argument("--alpha", type=float)
parser.add_argument("--flag")
parser.add_argument("--layers")
parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
args = parser.parse_args()
print(json.dumps(vars(args)))
print(json.dumps({name: value for name, value in os.environ.items() if name.startswith("SM_")}))
import helper
print(helper.WORD, sorted(os.listdir(args.train)), os.getcwd())
print("accuracy=0.75; loss: nan")
print("accuracy=0.80; loss: 1.5e-3")
with open(os.path.join(args.model_dir, "model.txt"), "w") as file:
    file.write("trained")
with open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "report.txt"), "w") as file:
    file.write("told")
"""


def members(server, uri):
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    body = server.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        return {one.name: archive.extractfile(one).read() for one in archive if one.isfile()}


def test_script_mode_as_the_training_toolkit_does_it(server, bucket):
    """The variables and arguments are those that sagemaker_training 5.1 makes of this job
    (environment.py and mapping.py at 3383937), for a host with its number of cores."""
    put(server, bucket, rows="1,2\n")
    job, log = scripts.script_training(
        server, bucket, {"train.py": TRAIN, "helper.py": "WORD = 'helped'\n"},
        {"n-estimators": "10", "alpha": "0.5", "flag": "true", "layers": "[1, 2]"},
        channels=[channel("train", f"s3://{bucket}/data/")],
        algorithm={"MetricDefinitions": [{"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"},
                                         {"Name": "loss", "Regex": r"loss: (\S+)"}]})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    lines = log[log.index(next(line for line in log if line.startswith("{"))):]
    assert json.loads(lines[0]) == {
        "n_estimators": 10, "alpha": 0.5, "flag": "True", "layers": "[1, 2]",
        "model_dir": "/opt/ml/model", "train": "/opt/ml/input/data/train"}
    made = json.loads(lines[1])
    assert made["SM_HPS"] == '{"alpha":0.5,"flag":true,"layers":[1,2],"n-estimators":10}'
    assert made["SM_USER_ARGS"] == ('["--alpha","0.5","--flag","True","--layers","[1, 2]",'
                                    '"--n-estimators","10"]')
    assert made["SM_HP_LAYERS"] == "[1,2]" and made["SM_HP_FLAG"] == "true"
    assert made["SM_CHANNELS"] == '["train"]' and made["SM_MODULE_NAME"] == "train"
    assert made["SM_HOSTS"] == '["algo-1"]' and made["SM_CURRENT_HOST"] == "algo-1"
    assert made["SM_USER_ENTRY_POINT"] == "train.py" and made["SM_NUM_GPUS"] == "0"
    assert ast.literal_eval(made["SM_LOG_LEVEL"]) == 20
    whole = json.loads(made["SM_TRAINING_ENV"])
    assert whole["hyperparameters"]["layers"] == [1, 2] and whole["is_master"] is True
    assert lines[2] == "helped ['rows.csv'] /opt/ml/code"
    metrics = {one["MetricName"]: one["Value"] for one in job["FinalMetricDataList"]}
    assert metrics == {"accuracy": 0.8, "loss": 0.0015}
    place = f"s3://{bucket}/out/{job['TrainingJobName']}/output"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"{place}/model.tar.gz"
    assert members(server, f"{place}/model.tar.gz") == {"model.txt": b"trained"}
    assert members(server, f"{place}/output.tar.gz") == {"report.txt": b"told"}


def test_a_metric_whose_regex_is_wrong_is_refused_when_the_job_is_created(server, bucket):
    definitions = [{"Name": "loss", "Regex": "loss=([0-9.]+)"},
                   {"Name": "validation:auc", "Regex": "auc=([0-9.+"}]
    with pytest.raises(ClientError) as refused:
        scripts.script_training(server, bucket, {"train.py": ""},
                        algorithm={"MetricDefinitions": definitions})
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert "validation:auc" in error["Message"] and "auc=([0-9.+" in error["Message"]
    assert "missing terminating ]" in error["Message"]


def test_a_program_that_is_not_in_the_source_is_told(server, bucket):
    job, _ = scripts.script_training(server, bucket, {"other.py": ""})
    assert job["FailureReason"].startswith(
        "AlgorithmError: the program train.py is not in the source: it has other.py")


def test_a_shell_script_trains(server, bucket):
    job, log = scripts.script_training(
        server, bucket, {"train.sh": "echo $SM_MODEL_DIR \"$@\" > $SM_MODEL_DIR/said\n"},
        {"a": "1 2"}, program="train.sh")
    assert job["TrainingJobStatus"] == "Completed", log
    model = members(server, job["ModelArtifacts"]["S3ModelArtifacts"])
    assert model == {"said": b"/opt/ml/model -a 1 2\n"}


def test_an_entry_point_trains_as_the_sdk_3_sends_it(server, bucket):
    s3 = server.client("s3")
    s3.put_object(Bucket=bucket, Key="drivers/sm_train.sh", Body=(
        "#!/bin/bash\nset -e\ncd /opt/ml/input/data/code\npython3 train.py\n"))
    s3.put_object(Bucket=bucket, Key="code/train.py", Body=(
        "import os; open('/opt/ml/model/m', 'w').write(os.environ['TRAINING_JOB_NAME'])\n"))
    path = "/opt/ml/input/data/sm_drivers/sm_train.sh"
    request = scripts.training_request(
        bucket, [channel("code", f"s3://{bucket}/code/"),
                 channel("sm_drivers", f"s3://{bucket}/drivers/")], image=scripts.IMAGE)
    request["HyperParameters"] = {}
    request["AlgorithmSpecification"].update(
        ContainerEntrypoint=["/bin/bash"],
        ContainerArguments=["-c", f"chmod +x {path} && {path}"])
    server.client("sagemaker").create_training_job(**request)
    job = scripts.wait_for_job(server, request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    model = members(server, job["ModelArtifacts"]["S3ModelArtifacts"])
    assert model == {"m": request["TrainingJobName"].encode()}


def test_checkpoints_come_in_and_go_out(server, bucket):
    server.client("s3").put_object(Bucket=bucket, Key="points/old", Body=b"1")
    script = """
import os
folder = "/opt/ml/checkpoints"
print(sorted(os.listdir(folder)))
with open(f"{folder}/old", "a") as file:
    file.write("2")
open(f"{folder}/new", "w").write("3")
"""
    job, log = scripts.script_training(
        server, bucket, {"train.py": script},
        CheckpointConfig={"S3Uri": f"s3://{bucket}/points"})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert "['old']" in log
    s3 = server.client("s3")
    bodies = {key: s3.get_object(Bucket=bucket, Key=f"points/{key}")["Body"].read()
              for key in keys(server, bucket, "points/")}
    assert bodies == {"old": b"12", "new": b"3"}


# --- libraries ----------------------------------------------------------------------------------


@pytest.mark.full  # pip's registry is asked
def test_requirements_are_installed_once(server_factory):
    own = server_factory()
    own.client("s3").create_bucket(Bucket="bucket")
    files = {"requirements.txt": "# one small library\niniconfig==2.0.0\n",
             "train.py": "import iniconfig; print(iniconfig.__file__)\n"}
    cache = own.home / "cache" / "requirements"
    for round in range(2):
        job, log = scripts.script_training(own, "bucket", files)
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        assert log[-1] == "/run/lathe/packages/iniconfig/__init__.py"
        assert any("Successfully installed" in line for line in log) == (round == 0)
        assert len([path for path in cache.iterdir() if path.suffix != ".lock"]) == 1
    files["requirements.txt"] = "a-library-that-nobody-has==1\n"
    job, log = scripts.script_training(own, "bucket", files)
    assert "requirements.txt could not be installed: " in job["FailureReason"]
    assert any("No matching distribution found" in line for line in log)
    assert len([path for path in cache.iterdir() if path.suffix != ".lock"]) == 1


@pytest.fixture(scope="module")
def offline(server_factory):
    """Whose pip finds no library anywhere, at once."""
    own = server_factory(environment={"PIP_NO_INDEX": "1"})
    own.client("s3").create_bucket(Bucket="bucket")
    return own


def archive_of(**files):
    bytes_ = io.BytesIO()
    with tarfile.open(fileobj=bytes_, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    return bytes_.getvalue()


NOBODY_HAS = b"a-library-that-nobody-has==1\n"
WANTED = ("requirements.txt could not be installed: "
          "No matching distribution found for a-library-that-nobody-has==1")


def test_requirements_for_a_python_without_pip(server_factory, tmp_path):
    venv.create(tmp_path / "bare", with_pip=False)
    file = tmp_path / "lathe.yaml"
    file.write_text(f"runtime:\n  python: {tmp_path}/bare/bin/python3\n")
    own = server_factory(["--config", str(file)], environment={"PIP_NO_INDEX": "1"})
    own.client("s3").create_bucket(Bucket="bucket")
    files = {"train.py": "import subprocess, sys\n"
                         "subprocess.run([sys.executable, '-m', 'pip', '--version'], check=True)\n"}
    job, log = scripts.script_training(own, "bucket", files)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert any(line.startswith("pip ") for line in log)
    files["requirements.txt"] = NOBODY_HAS.decode()
    assert WANTED in scripts.script_training(own, "bucket", files)[0]["FailureReason"]


@pytest.mark.parametrize("said, files, wanted", [
    (None, {"code/requirements.txt": NOBODY_HAS}, WANTED),
    ("reqs/cpu.txt", {"code/reqs/cpu.txt": NOBODY_HAS}, WANTED),
    ("reqs/cpu.txt", {"code/reqs/cpu.txt": b"# none\n", "code/requirements.txt": NOBODY_HAS}, None),
    ("auto", {"code/requirements.txt": NOBODY_HAS}, WANTED),
    ("reqs/cpu.txt", {"code/source.tar.gz": archive_of(**{"reqs/cpu.txt": NOBODY_HAS})}, WANTED),
    ("../../../config/x", {"code/requirements.txt": NOBODY_HAS}, None),
], ids=["beside", "by name", "another", "auto", "in an archive", "outside"])
def test_requirements_stand_where_the_sdk_3_says(offline, said, files, wanted):
    name = unique("sdk3")
    source = json.dumps({"entry_script": "train.py", "requirements": said})
    files = {**files, "code/train.py": b"print('ran')\n", "drivers/sourcecode.json": source}
    for key, body in files.items():
        offline.client("s3").put_object(Bucket="bucket", Key=f"{name}/{key}", Body=body)
    request = scripts.training_request(
        "bucket", [channel("code", f"s3://bucket/{name}/code/"),
                   channel("sm_drivers", f"s3://bucket/{name}/drivers/")], image=scripts.IMAGE)
    request["HyperParameters"] = {}
    request["AlgorithmSpecification"].update(
        ContainerEntrypoint=["python3", "/opt/ml/input/data/code/train.py"])
    offline.client("sagemaker").create_training_job(**request)
    job = scripts.wait_for_job(offline, request["TrainingJobName"])
    if wanted:
        assert job["TrainingJobStatus"] == "Failed" and wanted in job["FailureReason"]
    else:
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")


@pytest.mark.parametrize("channel_name, key, zipped", [
    ("sm_rf_user_ws", "workspace.zip", True),
    ("pre_exec_script_and_dependencies", "requirements.txt", False)], ids=["remote", "step"])
def test_requirements_of_a_remote_function(offline, channel_name, key, zipped):
    name, body = unique("remote"), NOBODY_HAS
    if zipped:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zip_:
            zip_.writestr("sagemaker_remote_function_workspace/requirements.txt", NOBODY_HAS)
        body = archive.getvalue()
    offline.client("s3").put_object(Bucket="bucket", Key=f"{name}/{key}", Body=body)
    request = scripts.training_request(
        "bucket", [channel(channel_name, f"s3://bucket/{name}/")], image=scripts.IMAGE)
    request["HyperParameters"] = {}
    request["AlgorithmSpecification"].update(ContainerEntrypoint=["/bin/bash", "-c", "true"])
    offline.client("sagemaker").create_training_job(**request)
    job = scripts.wait_for_job(offline, request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Failed" and WANTED in job["FailureReason"]


@pytest.mark.parametrize("file", ["requirements.txt", "reqs/cpu.txt"])
def test_requirements_of_a_source_that_a_shell_script_unpacks(offline, file):
    s3, name = offline.client("s3"), unique("sdk3")
    source = archive_of(**{"run.py": b"print('ran')\n", file: NOBODY_HAS})
    s3.put_object(Bucket="bucket", Key=f"{name}/source/sourcedir.tar.gz", Body=source)
    shell = (f"set -e\ncd {CODE}\ntar -xzf sourcedir.tar.gz\n"
             f"if [[ -f '{file}' ]]; then\n"
             f"    python3 {CODE}/install_requirements.py {file}\nfi\npython3 run.py \"$@\"\n")
    given = scripts.processing_request(
        "bucket", "", name=name,
        inputs=[("entrypoint", f"s3://bucket/{name}/script.py", "/opt/ml/processing/input/entrypoint")])
    code, entry = given["ProcessingInputs"]
    code["S3Input"]["S3Uri"] = f"s3://bucket/{name}/source/"
    s3.put_object(Bucket="bucket", Key=f"{name}/entry/runproc.sh", Body=shell)
    entry["S3Input"]["S3Uri"] = f"s3://bucket/{name}/entry/runproc.sh"
    given["AppSpecification"]["ContainerEntrypoint"] = [
        "/bin/bash", "/opt/ml/processing/input/entrypoint/runproc.sh"]
    offline.client("sagemaker").create_processing_job(**given)
    job = scripts.wait_for_processing(offline, name)
    assert job["ProcessingJobStatus"] == "Failed" and WANTED in job["FailureReason"]


# --- slots --------------------------------------------------------------------------------------

PARENT = """
import boto3, time
sagemaker = boto3.client("sagemaker")
request = {request!r}
sagemaker.create_processing_job(**request)
name = request["ProcessingJobName"]
while True:
    status = sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"]
    if status != "InProgress":
        break
    time.sleep(0.5)
print(status)
"""


def test_jobs_that_wait_for_jobs_lend_their_slots(server_factory, tmp_path):
    """Two parents on two slots; their children would wait for ever."""
    configuration = tmp_path / "lathe.yaml"
    configuration.write_text("slots: 2\n")
    own = server_factory(["--config", str(configuration)])
    own.client("s3").create_bucket(Bucket="bucket")
    parents = []
    for _ in range(2):
        child = scripts.processing_request("bucket", "")
        own.client("s3").put_object(Bucket="bucket", Body="print('done')",
                                    Key=f"{child['ProcessingJobName']}/script.py")
        parents.append(scripts.start_processing(own, "bucket", PARENT.format(request=child)))
    for name in parents:
        job = scripts.wait_for_processing(own, name)
        assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
        assert scripts.log_of(own, "ProcessingJobs", name) == ["Completed"]

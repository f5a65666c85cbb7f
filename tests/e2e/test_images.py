"""Processing jobs whose program is their image's own, run by podman: with an image that is imported
from a root file system of this machine's shell."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import pytest
from botocore.exceptions import ClientError

import pipelines
import scripts
from sagemaker_jobs import ROLE

IMAGE = "localhost/lathe-test:1"
PROGRAMS = ("bash", "cat", "grep", "id", "sleep", "touch")
# What the image does is what its input says.
PROGRAM = "#!/bin/bash\n. /opt/ml/processing/input/do.sh\n"


def root_file_system(folder):
    for name in ("etc", "opt", "proc", "sys", "dev", "tmp", "run", "bin"):
        (folder / name).mkdir(parents=True)
    for program in map(shutil.which, PROGRAMS):
        shutil.copy(program, folder / "bin")
        listed = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
        for library in {word for word in listed.split() if word.startswith("/")}:
            (folder / library[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, folder / library[1:])
    (folder / "program").write_text(PROGRAM)
    (folder / "program").chmod(0o755)


class Podman:
    """podman with images and containers of its own, which need nothing of the machine's disk."""

    def __init__(self, folder):
        self.path = folder / "podman"
        self.path.write_text(
            f"#!/bin/sh\nexec podman --root {folder}/root --runroot {folder}/run --storage-driver vfs "
            '--events-backend none --cgroup-manager cgroupfs --runtime '
            f'{shutil.which("runc") or shutil.which("crun")} "$@"\n')
        self.path.chmod(0o755)

    def __call__(self, *words, check=True):
        return subprocess.run([self.path, *words], capture_output=True, text=True, timeout=120,
                              check=check)

    def containers(self):
        return self("ps", "--all", "--format", "{{.Names}}").stdout.split()


def podman_in(folder):
    root_file_system(folder / "image")
    made = Podman(folder)
    subprocess.run(["tar", "-C", folder / "image", "-cf", folder / "image.tar", "."], check=True)
    made("import", "--change", 'ENTRYPOINT ["/program"]', folder / "image.tar", IMAGE)
    tried = made("run", "--rm", "--network", "none", "--ulimit", "nofile=1000:1000", "--ulimit",
                 "nproc=1000", "--entrypoint", "/bin/id", IMAGE, check=False)
    if tried.returncode:
        pytest.skip(f"podman starts no container here: {tried.stderr.strip()}")
    yield made
    made("rm", "--all", "--force", check=False)


@pytest.fixture(scope="module")
def podman():
    if not shutil.which("podman") or os.getuid() != 0:
        pytest.skip("podman, and root: only that starts a container in a network that we made")
    with tempfile.TemporaryDirectory() as short:  # a runroot may have 50 characters
        yield from podman_in(pathlib.Path(short))


@pytest.fixture(scope="module")
def own(server_factory, podman, tmp_path_factory):
    file = tmp_path_factory.mktemp("configuration") / "lathe.yaml"
    python = pathlib.Path(os.path.realpath(sys.prefix), "bin", "python")
    file.write_text(f"runtime:\n  engine: {podman.path}\n  python: {python}\n")
    server = server_factory(["--config", str(file)])
    server.client("s3").create_bucket(Bucket="images")
    return server


def request(server, name, commands, image=IMAGE):
    server.client("s3").put_object(Bucket="images", Key=f"{name}/do.sh", Body=commands)
    made = scripts.processing_request("images", "", name=name, outputs=[
        ("out", f"s3://images/out/{name}", "/opt/ml/processing/output")])
    made["AppSpecification"] = {"ImageUri": image}
    made["ProcessingInputs"][0]["S3Input"].update(S3Uri=f"s3://images/{name}/",
                                                  LocalPath="/opt/ml/processing/input")
    return made


def run(server, name, commands, **more):
    made = request(server, name, commands, **more)
    server.client("sagemaker").create_processing_job(**made)
    return scripts.wait_for_processing(server, name), scripts.log_of(server, "ProcessingJobs", name)


def test_an_images_own_program_runs_on_the_jobs_folder(own, podman):
    job, log = run(own, "folder", """
cat /opt/ml/config/processingjobconfig.json
echo; echo made > /opt/ml/processing/output/file
echo "$(id -u) $AWS_REGION"
""")
    assert job["ProcessingJobStatus"] == "Completed", (job, log)
    assert json.loads(log[0])["ProcessingJobName"] == "folder"
    user, region = log[1].split()
    assert int(user) >= 200000 and region == "us-east-1"
    found = own.client("s3").get_object(Bucket="images", Key="out/folder/file")
    assert found["Body"].read() == b"made\n"
    assert podman.containers() == []


def test_it_has_no_rights_and_reaches_this_server_alone(own):
    job, log = run(own, "rights", """
reached() { (exec 3<>/dev/tcp/$1/$2) 2>/dev/null && echo yes || echo no; }
place=${AWS_ENDPOINT_URL#http://}
reached ${place%:*} ${place#*:}
reached 127.0.0.1 443
reached 10.0.0.1 80
reached 1.1.1.1 53
touch /program /new 2>/dev/null && echo written
cd /opt/ml/.lathe && for name in *; do echo "$name"; done
grep -cE '^(Cap(Prm|Eff|Bnd|Amb):.0+|NoNewPrivs:.1)$' /proc/self/status
""")
    assert job["ProcessingJobStatus"] == "Completed", (job, log)
    assert log == ["yes", "yes", "no", "no", "*", "5"]


def test_what_it_does_to_its_input_only_it_sees(own):
    job, log = run(own, "input", "echo more >> /opt/ml/processing/input/do.sh && echo written")
    assert job["ProcessingJobStatus"] == "Completed" and log[0] == "written"
    found = own.client("s3").get_object(Bucket="images", Key="input/do.sh")["Body"].read()
    assert found.endswith(b"echo written")


def test_its_status_and_an_image_that_is_not_there_are_told(own):
    job, _ = run(own, "status", "echo that was it; exit 3")
    assert job["FailureReason"] == "AlgorithmError: that was it, exit code: 3"
    job, _ = run(own, "absent", "", image="localhost/nobody-has-this:1")
    assert job["ProcessingJobStatus"] == "Failed"
    assert "localhost/nobody-has-this:1: image not known" in job["FailureReason"]


def begun(server, name, podman):
    """A job whose container runs until it is told to end."""
    made = request(server, name, f"""
trap 'echo told; exit 0' TERM
while true; do sleep 0.1; done
""")
    server.client("sagemaker").create_processing_job(**made)
    deadline = time.monotonic() + 60
    while not podman.containers():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(0.5)


def test_it_hears_that_it_is_to_stop(own, podman):
    begun(own, "told", podman)
    own.client("sagemaker").stop_processing_job(ProcessingJobName="told")
    assert scripts.wait_for_processing(own, "told")["ProcessingJobStatus"] == "Stopped"
    assert scripts.log_of(own, "ProcessingJobs", "told") == ["told"]
    assert podman.containers() == []


def test_it_ends_with_the_server(own, podman):
    begun(own, "orphan", podman)
    own.kill()
    deadline = time.monotonic() + 60
    while podman.containers():
        assert time.monotonic() < deadline, "the container outlives its server"
        time.sleep(0.1)
    own.start()


def test_a_script_may_not_start_one(own):
    """Neither at the server's address nor at that of AWS's host."""
    made = request(own, "inner", "")
    job, log = scripts.run(own, "images", f"""
import boto3, json
request = json.loads({json.dumps(json.dumps(made))})
for endpoint in None, "https://api.sagemaker.us-east-1.amazonaws.com":
    try:
        boto3.client("sagemaker", endpoint_url=endpoint).create_processing_job(**request)
    except Exception as error:
        print(error.response["Error"]["Code"], error)
""")
    assert job["ProcessingJobStatus"] == "Completed" and len(log) == 2, log
    for line in log:
        assert line.startswith("ValidationException") and "scripts in a sandbox may not" in line


REFUSAL = "scripts in a sandbox may not start, neither themselves nor by a pipeline"
OWN_END = "exit code: 3"  # of the image's program, where it ran


def image_step(server, name, **more):
    arguments = request(server, name, "exit 3")
    del arguments["ProcessingJobName"]
    return pipelines.step("Image", "Processing", arguments, **more)


def written(name, *steps):
    return {"PipelineName": name, "PipelineDefinition": json.dumps(pipelines.definition(*steps)),
            "RoleArn": ROLE}


def by_a_script(server, *calls):
    """What the last of these calls answers, each of them (operation, request), made in a sandbox."""
    job, log = scripts.run(server, "images", f"""
import boto3, json
for name, request in json.loads({json.dumps(json.dumps(calls))}):
    answer = getattr(boto3.client("sagemaker"), name)(**request)
print(json.dumps(answer, default=str))
""")
    assert job["ProcessingJobStatus"] == "Completed", log
    return json.loads(log[-1])


def reason_of(server, execution):
    """Why the step of the image failed."""
    sagemaker = server.client("sagemaker")
    arn = {"PipelineExecutionArn": execution["PipelineExecutionArn"]}
    ended = server.wait_for(lambda: sagemaker.describe_pipeline_execution(**arn),
                            "PipelineExecutionStatus", ("Failed", "Succeeded", "Stopped"))
    assert ended["PipelineExecutionStatus"] == "Failed"
    steps = sagemaker.list_pipeline_execution_steps(**arn)["PipelineExecutionSteps"]
    reason, = (step["FailureReason"] for step in steps if step["StepName"] == "Image")
    return reason


def test_nor_by_a_pipeline_that_it_starts(own, podman):
    pipeline = written("its-own", image_step(own, "its-own"))
    execution = by_a_script(own, ("create_pipeline", pipeline),
                            ("start_pipeline_execution", {"PipelineName": "its-own"}))
    assert REFUSAL in reason_of(own, execution)
    own.client("sagemaker").create_pipeline(**written("users", image_step(own, "users")))
    execution = by_a_script(own, ("start_pipeline_execution", {"PipelineName": "users"}))
    assert REFUSAL in reason_of(own, execution)
    assert podman.containers() == []


def test_nor_by_one_that_is_cut_off(own):
    """The call is made by the server's next life."""
    waits = scripts.processing_request("images", "", name="waits")
    del waits["ProcessingJobName"]
    own.client("s3").put_object(Bucket="images", Key="waits/script.py", Body="""
import boto3, time
while not boto3.client("s3").list_objects_v2(Bucket="images", Prefix="go").get("KeyCount"):
    time.sleep(0.1)
""")
    pipeline = written("cut-off", pipelines.step("Wait", "Processing", waits),
                       image_step(own, "cut-off", DependsOn=["Wait"]))
    execution = by_a_script(own, ("create_pipeline", pipeline),
                            ("start_pipeline_execution", {"PipelineName": "cut-off"}))
    own.kill()
    own.start()
    own.client("s3").put_object(Bucket="images", Key="go", Body=b"")
    assert REFUSAL in reason_of(own, execution)


def test_nor_by_one_that_it_retries(own):
    sagemaker = own.client("sagemaker")
    sagemaker.create_pipeline(**written("retried", image_step(own, "retried")))
    execution = sagemaker.start_pipeline_execution(PipelineName="retried")
    assert OWN_END in reason_of(own, execution)
    again = {"PipelineExecutionArn": execution["PipelineExecutionArn"],
             "ClientRequestToken": "r" * 32}
    by_a_script(own, ("retry_pipeline_execution", again))
    assert REFUSAL in reason_of(own, execution)


def test_nor_by_one_that_it_wrote(own):
    """Its user starts it: each version is whose who wrote it."""
    sagemaker = own.client("sagemaker")

    def end_of(**version):
        return reason_of(own, sagemaker.start_pipeline_execution(PipelineName="wrote", **version))
    first, second = (written("wrote", image_step(own, name)) for name in ("first", "second"))
    by_a_script(own, ("create_pipeline", first))
    assert REFUSAL in end_of()
    sagemaker.update_pipeline(PipelineName="wrote", PipelineDescription="not another definition")
    assert REFUSAL in end_of()
    sagemaker.update_pipeline(**second)
    assert OWN_END in end_of() and REFUSAL in end_of(PipelineVersionId=1)
    by_a_script(own, ("update_pipeline", first))
    assert REFUSAL in end_of() and OWN_END in end_of(PipelineVersionId=2)


def test_where_there_is_no_engine_that_is_told(server_factory, tmp_path):
    file = tmp_path / "lathe.yaml"
    file.write_text("runtime:\n  engine: none\n")
    server = server_factory(["--config", str(file)])
    server.client("s3").create_bucket(Bucket="images")
    with pytest.raises(ClientError) as refused:
        server.client("sagemaker").create_processing_job(**request(server, "none", ""))
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationException"
    for word in (IMAGE, "podman or docker", "runtime.engine", "ContainerEntrypoint"):
        assert word in error["Message"]

"""What a job's script may see, reach, write and leave behind: by scripts that try each of these."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

import scripts
from scripts import CODE


def can_isolate():
    if not shutil.which("bwrap"):
        return False
    return subprocess.run(["bwrap", "--unshare-user", "--ro-bind", "/", "/", "true"],
                          capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(
    not can_isolate(), reason="this machine forbids user namespaces, or has no bubblewrap")


@pytest.fixture(scope="module")
def own(server_factory):
    server = server_factory(environment={"LATHE_SECRET": "of the server"})
    server.client("s3").create_bucket(Bucket="bucket")
    return server


def answers(server, script, **given):
    """What a script prints as JSON in its last line."""
    job, log = scripts.run(server, "bucket", script, **given)
    assert job["ProcessingJobStatus"] == "Completed", (job.get("FailureReason"), log)
    return json.loads(log[-1])


def test_it_sees_no_home_no_secrets_and_no_other_process(own):
    script = f"""
import json, os
def listed(path):
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        return error.strerror
print(json.dumps({{
    "home": listed("/home"), "root": listed("/root"), "run": listed("/run"),
    "server": listed({str(own.home)!r}), "secret": os.environ.get("LATHE_SECRET"),
    "user": os.getuid(), "processes": len([p for p in os.listdir("/proc") if p.isdigit()]),
    "shadow": os.access("/etc/shadow", os.R_OK), "opt": listed("/opt/ml"),
    "settings": listed("/opt/ml/.lathe")}}))
"""
    found = answers(own, script)
    assert found["home"] == ["job"] and found["run"] == ["lathe"]
    assert found["root"] == [] or not [name for name in found["root"] if name[0] != "."]
    assert found["server"] in ([], "No such file or directory")
    assert found["secret"] is None and not found["shadow"]
    assert found["user"] == os.getuid() if os.getuid() else found["user"] >= 200000
    assert found["processes"] == 2 and found["settings"] == []
    assert set(found["opt"]) <= {".lathe", "config", "output", "processing"}


def test_it_writes_its_own_folder_and_nothing_else(own):
    name = scripts.unique("written")
    script = f"""
import json, os
def written(path):
    try:
        open(path, "w").close()
        return True
    except OSError:
        return False
folders = ["/", "/etc", "/usr", "/var", "/root", "/home", "/opt", "/run", "/run/lathe", "/opt/ml",
           "/tmp", "/var/tmp", os.environ["HOME"], "/dev/shm"]
print(json.dumps([folder for folder in folders if written(folder + "/{name}")]))
"""
    assert answers(own, script) == ["/opt/ml", "/tmp", "/var/tmp", "/home/job", "/dev/shm"]
    for folder in ("/", "/etc", "/usr", "/var", "/root", "/opt", "/run", "/tmp", "/dev/shm"):
        assert not pathlib.Path(folder, name).exists()


def test_commands_that_begin_with_sudo_are_its_own(own):
    script = """
import json, os, subprocess
def said(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout
os.mkdir("/opt/ml/model")
subprocess.run(["sudo", "chmod", "-R", "777", "/opt/ml/model"], check=True)
shadow = subprocess.run(["sudo", "cat", "/etc/shadow"], capture_output=True).returncode
modes = [subprocess.run(["sudo", "chmod", "777", path]).returncode
         for path in ("/usr/bin/env", "/nowhere")]  # what is read-only stays it, and is no error
print(json.dumps([said("sudo", "-E", "-u", "root", "id", "-u") == said("id", "-u"),
                  said("sudo", "A=1", "sh", "-c", "echo $A $1", "sh", "a b"),
                  os.stat("/opt/ml/model").st_mode & 0o777, shadow != 0, modes]))
"""
    assert answers(own, script) == [True, "1 a b\n", 0o777, True, [0, 1]]


def test_it_reaches_the_server_and_nothing_else(own, server):
    script = f"""
import json, os, socket, urllib.request
def reached(host, port):
    try:
        socket.create_connection((host, port), 2).close()
        return True
    except OSError:
        return False
own = urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/bucket").status
print(json.dumps([own, reached("127.0.0.1", {server.port}), reached("10.0.0.1", 80),
                  reached("1.1.1.1", 53), reached("169.254.169.254", 80)]))
"""
    assert answers(own, script) == [200, False, False, False, False]


def test_it_reaches_awss_own_hosts_in_this_server_and_no_others(own):
    script = """
import json, os, ssl, urllib.error, urllib.parse, urllib.request
def asked(url):
    try:
        return urllib.request.urlopen(url, timeout=30).status
    except urllib.error.HTTPError as error:
        return error.code
    except urllib.error.URLError as error:
        return str(error.reason)
names = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
trusted = {os.environ[name] for name in names}
try:
    open(trusted.copy().pop(), "a")
except OSError as error:
    changed = type(error).__name__
print(json.dumps([asked("https://bucket.s3.us-east-1.amazonaws.com/"),
                  asked("https://nobody.s3.us-east-1.amazonaws.com/"),
                  asked("https://www.example.com/"), len(trusted), changed]))
"""
    listed, missing, other, trusted, changed = answers(own, script)
    assert (listed, missing, trusted) == (200, 404, 1)
    assert "403" in other and changed in ("PermissionError", "OSError")  # another user; read-only


AS_IF_NOBODY_HAD_SAID = """
import json, os, socket, ssl
for name in list(os.environ):
    if "proxy" in name.lower() or name.startswith("AWS_ENDPOINT"):
        del os.environ[name]
"""


def test_awss_names_lead_to_this_server_whoever_asks(own):
    script = AS_IF_NOBODY_HAD_SAID + """
def status(host):
    context = ssl.create_default_context()
    with socket.create_connection((host, 443), 10) as link, \\
            context.wrap_socket(link, server_hostname=host) as session:
        session.sendall(f"GET / HTTP/1.1\\r\\nHost: {host}\\r\\nConnection: close\\r\\n\\r\\n".encode())
        return int(session.recv(64).split()[1])
def failure(call, *given):
    try:
        call(*given)
    except OSError as error:
        return type(error).__name__
with open("/proc/self/status") as file:
    rights = [line.split()[1] for line in file if line.startswith("Cap")]
print(json.dumps([status("bucket.s3.us-east-1.amazonaws.com"),
                  status("nobody.s3.us-east-1.amazonaws.com"),
                  failure(socket.create_connection, ("www.example.com", 443)),
                  failure(socket.create_server, ("127.0.0.1", 80)),
                  socket.gethostbyname("localhost"), sorted(set(rights))]))
"""
    assert answers(own, script) == [200, 404, "gaierror", "PermissionError", "127.0.0.1", ["0" * 16]]


def test_pyarrows_own_client_reads_and_writes_the_lake(server_factory, tmp_path):
    """It takes neither a proxy nor an endpoint from anywhere."""
    pytest.importorskip("pyarrow", reason="pyarrow (tests/requirements.txt)")
    file = tmp_path / "lathe.yaml"
    python = pathlib.Path(os.path.realpath(sys.prefix), "bin", "python")
    file.write_text(f"runtime:\n  python: {python}\n")
    server = server_factory(["--config", str(file)])
    server.client("s3").create_bucket(Bucket="bucket")
    server.client("s3").put_object(Bucket="bucket", Key="to/arrow", Body=b"from outside")
    script = AS_IF_NOBODY_HAD_SAID + """
from pyarrow import fs
s3 = fs.S3FileSystem(region="us-east-1")
with s3.open_output_stream("bucket/from/arrow") as stream:
    stream.write(b"from within")
print(json.dumps([s3.open_input_stream("bucket/to/arrow").read().decode(),
                  [found.path for found in s3.get_file_info(fs.FileSelector("bucket/from"))]]))
"""
    assert answers(server, script) == ["from outside", ["bucket/from/arrow"]]
    found = server.client("s3").get_object(Bucket="bucket", Key="from/arrow")
    assert found["Body"].read() == b"from within"


def test_what_it_does_to_its_inputs_only_it_sees(own):
    s3 = own.client("s3")
    for name in ("changed", "grown", "removed"):
        s3.put_object(Bucket="bucket", Key=f"in/{name}.txt", Body=b"as it was")
    script = """
import json, os
folder = "/opt/ml/processing/input/data"
os.chmod(f"{folder}/changed.txt", 0o600)
with open(f"{folder}/changed.txt", "w") as file:
    file.write("otherwise")
os.remove(f"{folder}/removed.txt")
os.replace(f"{folder}/grown.txt", f"{folder}/moved.txt")
os.mkdir(f"{folder}/new")
print(json.dumps([sorted(os.listdir(folder)), open(f"{folder}/changed.txt").read()]))
"""
    found = answers(own, script, inputs=[
        ("data", "s3://bucket/in/", "/opt/ml/processing/input/data")])
    assert found == [["changed.txt", "moved.txt", "new"], "otherwise"]
    for name in ("changed", "grown", "removed"):
        assert s3.get_object(Bucket="bucket", Key=f"in/{name}.txt")["Body"].read() == b"as it was"


def test_links_in_outputs_lead_nowhere(own):
    script = """
import os
out = "/opt/ml/processing/out"
os.makedirs(out, exist_ok=True)
os.symlink("/etc/passwd", out + "/file")
os.symlink("/etc", out + "/folder")
os.mkfifo(out + "/pipe")
open(out + "/real", "w").write("real")
"""
    job, _ = scripts.run(own, "bucket", script, outputs=[
        ("out", "s3://bucket/links", "/opt/ml/processing/out")])
    assert job["ProcessingJobStatus"] == "Completed"
    there = own.client("s3").list_objects_v2(Bucket="bucket", Prefix="links/")["Contents"]
    assert [item["Key"] for item in there] == ["links/real"]


def test_folders_that_became_links_lead_nowhere(own, tmp_path):
    """What the server reads of a job's folder may not be what the script itself may not read."""
    secret = tmp_path / "secret"
    secret.write_text("not the job's")
    (tmp_path / "failure").write_text("not the job's")
    replace = "import os, sys, time\nfor path in {}:\n    os.path.isdir(path) and os.rmdir(path)\n" \
              f"    os.symlink({{!r}}, path)\n"
    there = ["/opt/ml/processing/comes", "/opt/ml/processing/out"]
    script = replace.format(there, str(tmp_path)) + "time.sleep(3)"
    request = scripts.processing_request("bucket", script, outputs=[
        (path[-3:], f"s3://bucket/linked{path}", path) for path in there])
    request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3UploadMode"] = "Continuous"
    name = request["ProcessingJobName"]
    own.client("s3").put_object(Bucket="bucket", Key=f"{name}/script.py", Body=script)
    own.client("sagemaker").create_processing_job(**request)
    job = scripts.wait_for_processing(own, name)
    assert "/opt/ml/processing/out, where it was to lie, is a folder no more" in job["FailureReason"]
    script = replace.format(["/opt/ml/model", "/opt/ml/output/data"], str(tmp_path))
    training, _ = scripts.script_training(own, "bucket", {"train.py": script})
    assert "a folder no more" in training["FailureReason"]
    script = replace.format(["/opt/ml/output/failure"], str(secret)) + "sys.exit(1)"
    training, _ = scripts.script_training(own, "bucket", {"train.py": script})
    script = replace.format(["/opt/ml/output/data", "/opt/ml/output"], str(tmp_path)) + "sys.exit(1)"
    other, _ = scripts.script_training(own, "bucket", {"train.py": script})
    for one in (training, other):
        assert one["TrainingJobStatus"] == "Failed"
        assert "not the job's" not in one["FailureReason"]
    keys = [item["Key"] for item in own.client("s3").list_objects_v2(Bucket="bucket")["Contents"]]
    assert not [key for key in keys if key.startswith("linked") or key.endswith("/model.tar.gz")], keys
    assert secret.read_text() == "not the job's"


FORK = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("detached", flush=True)
        marker = "{marker}"
        while True:
            time.sleep(0.05)
    os._exit(0)
time.sleep({seconds})
"""


def running(marker):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if marker.encode() in path.read_bytes():
                found.append(path)
        except OSError:
            pass
    return found


@pytest.mark.parametrize("end", ["by itself", "by a stop", "with the server"])
def test_all_that_it_started_ends_with_it(server_factory, end):
    own = server_factory()
    own.client("s3").create_bucket(Bucket="bucket")
    marker = scripts.unique("marker")
    request = {"ContainerEntrypoint": ["python3", f"{CODE}/script.py"],
               "ContainerArguments": [marker], "ImageUri": scripts.IMAGE}
    name = scripts.start_processing(
        own, "bucket", FORK.format(marker=marker, seconds=1 if end == "by itself" else 600),
        AppSpecification=request)
    deadline = time.monotonic() + 60
    while len(running(marker)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    if end == "by a stop":
        own.client("sagemaker").stop_processing_job(ProcessingJobName=name)
    elif end == "with the server":
        own.kill()
    while running(marker):
        assert time.monotonic() < deadline, "a detached process lives on"
        time.sleep(0.05)
    if end == "with the server":
        own.start()
    wanted = {"by itself": "Completed", "by a stop": "Stopped", "with the server": "Failed"}[end]
    assert scripts.wait_for_processing(own, name)["ProcessingJobStatus"] == wanted


@pytest.fixture(scope="module")
def narrow(server_factory, tmp_path_factory):
    file = tmp_path_factory.mktemp("configuration") / "lathe.yaml"
    file.write_text("runtime:\n  memory: 256 MiB\n  processes: 40\n")
    server = server_factory(["--config", str(file)])
    server.client("s3").create_bucket(Bucket="bucket")
    return server


@pytest.mark.parametrize("script, reason", [
    ("x = bytearray(600 << 20)\nimport time; time.sleep(60)\n",
     "the job was ended: its processes held too much memory"),
    ("with open('/tmp/x', 'wb') as f:\n    for _ in range(40):\n        f.write(bytes(64 << 20))\n"
     "import time; time.sleep(60)\n", ""),
    ("import os, time\n"
     "for i in range(40):\n"
     "    with open(f'/opt/ml/{i}', 'wb') as f: f.write(bytes(64 << 20))\n"
     "time.sleep(60)\n", "the job was ended: it wrote too much"),
    ("import os, time\n"
     "for _ in range(100):\n"
     "    if os.fork() == 0: time.sleep(60); os._exit(0)\n", "BlockingIOError"),
])
def test_what_takes_too_much_is_ended(narrow, script, reason):
    job, _ = scripts.run(narrow, "bucket", script)
    assert job["ProcessingJobStatus"] == "Failed" and reason in job["FailureReason"]


def test_a_configuration_is_checked_whole(server_factory, tmp_path):
    file = tmp_path / "lathe.yaml"
    for text, words in (("runtime:\n  pyhton: x\n", "there is no key runtime.pyhton; is python"),
                        ("slots: many\n", "slots has to be a number from 1 to 1024"),
                        ("runtime: {isolation: docker}\n", "runtime.isolation has to be none or"),
                        ("runtime: {python: /nowhere}\n", "an interpreter that can be executed")):
        file.write_text(text)
        server = server_factory(["--config", str(file)], start=False)
        with pytest.raises(RuntimeError) as caught:
            server.start()
        assert words in str(caught.value)


@pytest.mark.skipif(os.getuid() != 0, reason="/opt is to be written")
def test_without_isolation_scripts_run_one_at_a_time(server_factory, tmp_path):
    if os.path.lexists("/opt/ml") and not os.path.islink("/opt/ml"):
        pytest.skip("/opt/ml is a folder of this machine")
    file = tmp_path / "lathe.yaml"
    file.write_text("runtime:\n  isolation: none\n")
    own = server_factory(["--config", str(file)])
    own.client("s3").create_bucket(Bucket="bucket")
    script = """
import os, time
assert not os.path.exists("/opt/ml/input/data/mark")
os.makedirs("/opt/ml/input/data", exist_ok=True)
open("/opt/ml/input/data/mark", "w").close()
time.sleep(0.3)
print(os.path.realpath("/opt/ml"))
"""
    names = [scripts.start_processing(own, "bucket", script) for _ in range(3)]
    for name in names:
        job = scripts.wait_for_processing(own, name)
        assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
        where, = scripts.log_of(own, "ProcessingJobs", name)
        assert where == str(own.home / "jobs" / f"processing-job-{name}")
    job, log = scripts.script_training(own, "bucket", {
        "train.py": "import os; open(os.environ['SM_MODEL_DIR'] + '/m', 'w').write('x')\n"})
    assert job["TrainingJobStatus"] == "Completed", log
    name = scripts.start_processing(own, "bucket", "print('first')\nraise ValueError('told')\n")
    job = scripts.wait_for_processing(own, name)
    assert "ValueError: told" in job["FailureReason"]
    log = scripts.log_of(own, "ProcessingJobs", name)
    assert log[0] == "first" and "ValueError: told" in log[-1]
    assert not os.path.lexists("/opt/ml")


# --- what scripts do wrong ----------------------------------------------------------------------


def is_well(server):
    """That the server goes on: it answers, and runs another script."""
    return answers(server, "print('[1]')\n") == [1]


@pytest.mark.parametrize("script, status, reason", [
    ("import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
     "open('/opt/ml/processing/up', 'w').close()\ntime.sleep(600)\n", "Failed", "ran longer than"),
    ("import os, sys\nos.close(1); os.close(2); sys.exit(5)\n", "Failed", "exit code: 5"),
    ("import sys\nsys.stdout.buffer.write(b'\\xff\\xfe\\x00 no text\\n' * 1000)\n", "Completed", None),
    ("print('x' * 3_000_000)\n", "Completed", None),
    ("for _ in range(100_000): print('a line of some length, of which there are many')\n",
     "Completed", None),
    ("import os, shutil\nfor name in os.listdir('/opt/ml'):\n"
     "    shutil.rmtree('/opt/ml/' + name, ignore_errors=True)\n", "Completed", None),
    ("import os\nos.remove('/opt/ml/output/x') if 0 else None\n"
     "path = '/opt/ml/processing/deep'\n"
     "for _ in range(400):\n"
     "    os.mkdir(path) if not os.path.exists(path) else None\n"
     "    os.chdir(path); path = 'd' * 200\n"
     "    os.mkdir(path)\n", "Completed", None),
    ("import os\nos.chmod('/opt/ml/output', 0)\nos.chmod('/opt/ml', 0)\nraise ValueError('shut')\n",
     "Failed", "exit code: 1"),
])
def test_what_a_script_does_to_itself(own, script, status, reason):
    name = scripts.unique("wrong")
    request = {"StoppingCondition": {"MaxRuntimeInSeconds": 3}} if "600" in script else {}
    scripts.start_processing(own, "bucket", script, name=name, **request)
    if request:  # what does not hear SIGTERM has two minutes; a Stop does not make it longer
        deadline = time.monotonic() + 60
        while not list(own.home.glob(f"jobs/*{name}/processing/up")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        own.stop()  # ten seconds, then SIGKILL
        own.start()
        job = own.client("sagemaker").describe_processing_job(ProcessingJobName=name)
        assert job["ProcessingJobStatus"] == "Failed"
    else:
        job = scripts.wait_for_processing(own, name)
        assert job["ProcessingJobStatus"] == status, job.get("FailureReason")
        assert reason is None or reason in job["FailureReason"]
    assert is_well(own)
    deadline = time.monotonic() + 20
    while list((own.home / "jobs").iterdir()):
        assert time.monotonic() < deadline, list((own.home / "jobs").iterdir())
        time.sleep(0.05)

"""Runs of pythonshell jobs: the user's Python, its arguments, files and libraries, its end. boto3."""

import io
import json
import subprocess
import textwrap
import time
import zipfile

import pytest

from e2e.glue_jobs import Jobs, unique


@pytest.fixture
def jobs(server):
    return Jobs(server)


def python(jobs, script, arguments=None, **more):
    return jobs.make("pythonshell", textwrap.dedent(script), arguments, **more)


SHOW = """
import json, sys
print("ARGV " + json.dumps(sys.argv[1:]))
"""


def argv_of(jobs, told):
    line, = [line for line in jobs.log(told) if line.startswith("ARGV ")]
    words = json.loads(line.removeprefix("ARGV "))
    return dict(zip(words[::2], words[1::2]))


def test_arguments_are_passed_as_glue_passes_them(jobs):
    name = python(jobs, SHOW, {"--OUT": "a", "--KEPT": "k", "--extra-py-files": ""},
                  NonOverridableArguments={"--FIXED": "f"})
    told = jobs.succeed(name, {"--OUT": "b c", "--FIXED": "other", "--EMPTY": ""})
    argv = argv_of(jobs, told)
    assert {key: argv[key] for key in ("--OUT", "--KEPT", "--FIXED", "--EMPTY", "--JOB_NAME",
                                       "--JOB_RUN_ID", "--job-bookmark-option")} == {
        "--OUT": "b c", "--KEPT": "k", "--FIXED": "f", "--EMPTY": "", "--JOB_NAME": name,
        "--JOB_RUN_ID": told["Id"], "--job-bookmark-option": "job-bookmark-disable"}
    assert argv["--JOB_ID"].startswith("j_") and "--extra-py-files" not in argv
    assert told["LogGroupName"] == "/aws-glue/python-jobs"


def test_arguments_by_glues_own_function(jobs):
    name = python(jobs, """
        import sys
        from awsglue.utils import getResolvedOptions
        told = getResolvedOptions(sys.argv, ["JOB_NAME", "OUT"])
        print("TOLD", told["JOB_NAME"], told["OUT"])
        """, {"--OUT": "a"})
    assert f"TOLD {name} b c" in jobs.log(jobs.succeed(name, {"--OUT": "b c"}))


def zipped(**files):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/") + ".py", text)
    return made.getvalue()


def test_files_beside_the_script(jobs):
    jobs.put("lib/one.py", "value = 1")
    jobs.put("lib/two.zip", zipped(two="value = 2"))
    jobs.put("lib/three-1.0-py3-none-any.whl", zipped(three="value = 3"))
    jobs.put("other/one.py", "never = 1")
    files = ",".join(f"s3://{jobs.bucket}/lib/{name}"
                     for name in ("one.py", "two.zip", "three-1.0-py3-none-any.whl"))
    name = python(jobs, "import one, two, three\nprint(one.value, two.value, three.value)\n",
                  {"--extra-py-files": files})
    assert "1 2 3" in jobs.log(jobs.succeed(name))
    told = jobs.run(name, {"--extra-py-files": f"s3://{jobs.bucket}/lib/none.py"})
    assert told["JobRunState"] == "FAILED" and "lib/none.py" in told["ErrorMessage"]
    told = jobs.run(name, {"--extra-py-files": "/tmp/x.py"})
    assert told["JobRunState"] == "FAILED" and "/tmp/x.py" in told["ErrorMessage"]


def test_the_script_reaches_the_lake(jobs):
    name = python(jobs, """
        import sys, boto3
        bucket = sys.argv[sys.argv.index("--bucket") + 1]
        boto3.client("s3").put_object(Bucket=bucket, Key="out/x.txt", Body=b"written")
        """)
    jobs.succeed(name)
    assert jobs.s3.get_object(Bucket=jobs.bucket, Key="out/x.txt")["Body"].read() == b"written"


def test_a_script_that_fails_says_why(jobs):
    told = jobs.run(python(jobs, """
        import sys
        for i in range(1000):
            print("out", i)
            print("err", i, file=sys.stderr)
        print("by its name", file=open("/dev/stderr", "w"))
        raise ValueError('the reason')
        """))
    assert told["JobRunState"] == "FAILED" and "ValueError: the reason" in told["ErrorMessage"]
    assert jobs.log(told) == [f"out {i}" for i in range(1000)]
    errors = jobs.log(told, "error")
    assert errors[:1000] == [f"err {i}" for i in range(1000)]
    assert errors[1000] == "by its name" and errors[1001].startswith("Traceback")
    assert "ValueError: the reason" in errors


def test_both_logs_of_a_run_are_followed(jobs, lathe):
    name = python(jobs, "import sys, time\nprint('out')\nprint('err', file=sys.stderr)\ntime.sleep(600)\n")
    run = jobs.start(name)
    jobs.wait(name, run, ("RUNNING",))
    following = subprocess.Popen([str(lathe), "logs", run, "-f"], env=jobs.server.environment(),
                                 text=True, stdout=subprocess.PIPE)
    seen = sorted(following.stdout.readline().split()[-1] for _ in range(2))
    jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run])
    assert seen == ["err", "out"]
    assert jobs.wait(name, run)["JobRunState"] == "STOPPED"
    assert following.wait(timeout=60) == 0


def test_a_script_that_writes_where_it_may_not(jobs):
    told = jobs.run(python(jobs, "open('/etc/lathe-was-here', 'w')\n"))
    assert told["JobRunState"] == "FAILED" and "/etc/lathe-was-here" in told["ErrorMessage"]


def test_a_script_leaves_its_inputs_as_they_are(jobs):
    jobs.put("lib/one.py", "value = 1")
    name = python(jobs, "import one\nopen(one.__file__, 'a').write('x = 2')\n",
                  {"--extra-py-files": f"s3://{jobs.bucket}/lib/one.py"})
    jobs.run(name)
    assert jobs.s3.get_object(Bucket=jobs.bucket, Key="lib/one.py")["Body"].read() == b"value = 1"


HANG = """
import time
print("hangs", flush=True)
time.sleep(600)
"""


def test_a_script_that_hangs_is_stopped(jobs):
    name = python(jobs, HANG)
    run = jobs.start(name)
    jobs.wait(name, run, ("RUNNING",))
    answer = jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run])
    assert answer["Errors"] == []
    assert jobs.wait(name, run)["JobRunState"] == "STOPPED"


def test_a_script_that_hangs_runs_out_of_time(server_factory):
    jobs = Jobs(server_factory(["--test-clock"]))
    name = python(jobs, HANG, Timeout=5)
    run = jobs.start(name)
    while "hangs" not in jobs.log(jobs.wait(name, run, ("RUNNING",))):
        pass
    jobs.server.move_clock(290)
    assert jobs.told(name, run)["JobRunState"] == "RUNNING"
    jobs.server.move_clock(11)
    told = jobs.wait(name, run)
    assert told["JobRunState"] == "TIMEOUT" and "5 minutes" in told["ErrorMessage"]


def test_what_is_run_again_succeeds_at_last(jobs):
    name = python(jobs, """
        import sys
        run = sys.argv[sys.argv.index("--JOB_RUN_ID") + 1]
        sys.exit(0 if run.endswith("_attempt_2") else f"not yet {run}")
        """, MaxRetries=3)
    run = jobs.start(name)
    deadline = time.monotonic() + 60
    while len(runs := jobs.glue.get_job_runs(JobName=name)["JobRuns"]) < 3 or (
            runs[0]["JobRunState"] not in ("SUCCEEDED", "FAILED")):
        assert time.monotonic() < deadline, runs
    assert [(one["Id"], one["JobRunState"], one["Attempt"]) for one in runs] == [
        (f"{run}_attempt_2", "SUCCEEDED", 2), (f"{run}_attempt_1", "FAILED", 1),
        (run, "FAILED", 0)]


# ---- what a script keeps of itself ----

COUNTS = """
import json, os, sys
with open("/opt/ml/input/config/bookmark.json") as file:
    told = json.load(file)
states = {"source": {"count": told["states"].get("source", {}).get("count", 0) + 1}}
print("COUNT", states["source"]["count"], told["version"], told["run"])
with open("/opt/ml/output/bookmark.json", "w") as file:
    json.dump({**told, "states": states}, file)
sys.exit(int(sys.argv[sys.argv.index("--exit") + 1]))
"""


def test_states_of_a_script_move_with_its_success_alone(jobs):
    enabled = {"--job-bookmark-option": "job-bookmark-enable", "--exit": "0"}
    name = python(jobs, COUNTS, enabled)

    def count(**options):
        told = jobs.run(name, {f"--{key.replace('_', '-')}": value for key, value in options.items()})
        line, = [line for line in jobs.log(told) if line.startswith("COUNT")]
        return int(line.split()[1]), told

    assert count(exit="3")[0] == 1
    one, first = count()
    assert one == 1 and count()[0] == 2 and count(exit="1")[0] == 3 and count()[0] == 3
    assert count(job_bookmark_option="job-bookmark-pause")[0] == 4 and count()[0] == 4
    entry = jobs.glue.get_job_bookmark(JobName=name)["JobBookmarkEntry"]
    assert json.loads(entry["JobBookmark"]) == {"source": {"count": 4}}
    jobs.glue.reset_job_bookmark(JobName=name, RunId=first["Id"])
    assert count()[0] == 2
    jobs.glue.reset_job_bookmark(JobName=name)
    assert count()[0] == 1


# ---- kill -9 ----

def test_a_run_that_a_kill_cut_off_is_run_again(server_factory):
    jobs = Jobs(server_factory())
    name = python(jobs, """
        import sys, time
        run = sys.argv[sys.argv.index("--JOB_RUN_ID") + 1]
        if not run.endswith("_attempt_1"):
            time.sleep(600)
        """, MaxRetries=1)
    last = python(jobs, HANG)
    run, other = jobs.start(name), jobs.start(last)
    jobs.wait(name, run, ("RUNNING",))
    jobs.wait(last, other, ("RUNNING",))
    jobs.server.kill()
    jobs.server.start()
    cut = jobs.wait(name, run)
    assert cut["JobRunState"] == "FAILED" and "unexpectedly" in cut["ErrorMessage"]
    assert jobs.wait(last, other)["JobRunState"] == "FAILED"
    assert jobs.wait(name, f"{run}_attempt_1")["JobRunState"] == "SUCCEEDED"
    assert len(jobs.glue.get_job_runs(JobName=last)["JobRuns"]) == 1
    assert jobs.start(last)  # nothing counts as going on


def test_runs_that_waited_for_a_slot_begin_after_a_kill(server_factory):
    jobs = Jobs(server_factory())
    name = python(jobs, "import time\ntime.sleep(0.2)\n", ExecutionProperty={"MaxConcurrentRuns": 30},
                  MaxRetries=1)
    runs = [jobs.start(name) for _ in range(6)]
    jobs.server.kill()
    jobs.server.start()
    for run in runs:
        told = jobs.wait(name, run)
        if told["JobRunState"] == "FAILED":
            told = jobs.wait(name, f"{run}_attempt_1")
        assert told["JobRunState"] == "SUCCEEDED", told


def test_modules_that_pip_does_not_find(jobs):
    told = jobs.run(python(jobs, "print(1)\n", {
        "--additional-python-modules": f"lathe-{unique('none')}==1.0,--no-index"}))
    assert told["JobRunState"] == "FAILED" and "could not be installed" in told["ErrorMessage"]


# ---- the command line ----

def test_runs_on_the_command_line(jobs, lathe):
    def run(*words):
        return subprocess.run([str(lathe), *words], env=jobs.server.environment(), text=True,
                              capture_output=True, timeout=60)

    name = python(jobs, "print('the words')\nimport time\ntime.sleep(600)\n")
    other = jobs.sql("SELECT 'of SQL' AS words")
    going, told = jobs.start(name), jobs.succeed(other)
    jobs.wait(name, going, ("RUNNING",))
    listed = json.loads(run("status", "--json").stdout)["JobRuns"]
    assert [one["Id"] for one in listed[:2]] == [told["Id"], going]
    assert f"{name}  {going}" in run("status").stdout
    assert "of SQL" in run("logs", told["Id"]).stdout
    assert run("stop", going).returncode == 0
    jobs.wait(name, going, ("STOPPED",))
    assert "the words" in run("logs", going, "-f").stdout
    again = run("stop", going)
    assert again.returncode != 0 and "STOPPED" in again.stderr

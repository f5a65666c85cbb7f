"""Features, the main job from raw rows to an evaluated model, and deploying it."""

import json
import os
import re
import subprocess
import sys
import time

import numpy
import pandas
import yaml

from harness import ROOT, Row, rows
from rows_train import PEERS, PeakOfTree, run_peer

EXAMPLE = ROOT / "examples/ai4i"
ROLE = "arn:aws:iam::000000000000:role/lathe"
MANY = 2_000_000
ONE_CORE = 0
DEPLOY_GOAL_MS = 20


def sample(bench, name, count):
    path = bench.scratch / name
    with open(path, "wb") as file:
        subprocess.run([bench.binary, "sample", "ai4i", "--rows", str(count), "--seed", "1"],
                       check=True, stdout=file)
    return path


# --- features -----------------------------------------------------------------------------------


def on_one_core(words):
    """Runs a program on one core; (what it printed, seconds)."""
    started = time.perf_counter()
    done = subprocess.run([*map(str, words)], check=True, stdout=subprocess.PIPE, text=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, {ONE_CORE}))
    return done.stdout, time.perf_counter() - started


def peer_on_one_core(program, *arguments):
    printed, _ = on_one_core([sys.executable, PEERS / program, *arguments])
    return json.loads(printed)


def stages():
    """The example's stages as JSON text: infinities are texts there."""
    specification = yaml.safe_load((EXAMPLE / "features.yaml").read_text())
    text = json.dumps({"stages": specification["stages"]})
    return text.replace("-Infinity", '"-Infinity"').replace(" Infinity", ' "Infinity"')


def feature_job(bench, path):
    """The folder of a job that writes the features of all rows."""
    folder = bench.scratch / "job"
    config, data = (folder / "processing/input" / name for name in ("config", "data"))
    config.mkdir(parents=True)
    data.mkdir()
    specification = json.loads(stages())
    specification["labelCol"] = "Machine failure"
    (config / "features.json").write_text(json.dumps(specification))
    os.link(path, data / "rows.csv")
    return folder


@rows(Row("features", 5, "time", "s", "AI4I's features of 2 million CSV rows, fitted and applied",
          "scikit-learn with pandas"),
      Row("features-duckdb", 1.5, "time", "s", "the same",
          "DuckDB, parsing and one-hot encoding the same rows"),
      Row("features-job", 5, "time", "s", "the same as a lathe-features job, which writes them as "
          "CSV", "scikit-learn with pandas, writing them with to_csv"))
def features(bench):
    program = bench.binary.parent / "feature_bench"
    subprocess.run(["cmake", "--build", bench.binary.parent, "--target", "feature_bench"],
                   check=True, stdout=subprocess.DEVNULL)
    path, written = sample(bench, "many.csv", MANY), bench.scratch / "written.csv"
    specification, job = bench.scratch / "stages.json", feature_job(bench, path)
    specification.write_text(stages())
    bench.note(f"{path.stat().st_size / 1e6:.0f} MB of CSV in the page cache, one core each. Ours "
               "are whole processes; the Python programs' imports are not counted")

    on_one_core([bench.binary, "job", "features", job])
    sums = pandas.read_csv(job / "processing/output/train/train.csv",
                           header=None).to_numpy().sum(0)[1:]
    theirs = peer_on_one_core("sklearn_features.py", path)["sums"]
    bench.check(numpy.allclose(sums, theirs, rtol=1e-10), "the features' sums differ")
    shown = float(re.search(r"sum (\S+)", on_one_core([program, specification, path])[0])[1])
    bench.check(numpy.isclose(shown, sums[0]), "the sums of the first feature differ")
    for _ in bench.rounds:
        _, ours = on_one_core([program, specification, path])
        _, whole = on_one_core([bench.binary, "job", "features", job])
        yield {"features": (ours, peer_on_one_core("sklearn_features.py", path)["seconds"]),
               "features-duckdb": (ours, peer_on_one_core("duckdb_one_hot.py", path)["seconds"]),
               "features-job": (whole, peer_on_one_core("sklearn_features.py", path,
                                                        written)["seconds"])}


# --- the main job -------------------------------------------------------------------------------


def workflow(folder):
    """The example's workflow up to the evaluated model, beside its features; (file, parameters)."""
    definition = yaml.safe_load((EXAMPLE / "pipeline.yaml").read_text())
    definition["Steps"] = [step for step in definition["Steps"]
                           if step["Name"] in ("Features", "Train", "Evaluate")]
    (folder / "features.yaml").write_text((EXAMPLE / "features.yaml").read_text())
    (folder / "ai4i.json").write_text(json.dumps(definition))
    return folder / "ai4i.json"


PARAMETERS = {"objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "num_round": 100,
              "max_depth": 6, "eta": 0.1, "tree_method": "hist", "max_bin": 4096}


@rows(Row("ai4i-end-to-end", 5, "time", "s", "AI4I from raw CSV to an evaluated model: lathe run",
          "a Python program with pandas, scikit-learn and XGBoost"),
      Row("ai4i-end-to-end-memory", 3, "size", "MB", "the peak of lathe and its jobs together",
          "the Python program's peak"))
def end_to_end(bench):
    path, definition = sample(bench, "rows.csv", 10_000), workflow(bench.scratch)
    bench.note("10,000 rows; both sides are whole processes, started anew; lathe's home is new each "
               "time, its store and objects are synced to disk")

    def ours(number):
        home = bench.scratch / f"run-{number}"
        started = time.perf_counter()
        process = subprocess.Popen(
            [bench.binary, "run", definition, "-p", f"InputData=file://{path}", "--json", "--home",
             home], stdout=subprocess.PIPE, text=True)
        with PeakOfTree(process.pid) as memory:
            printed, _ = process.communicate()
        took = time.perf_counter() - started
        if process.returncode != 0:
            raise RuntimeError(f"lathe run ended with {process.returncode}: {printed}")
        return took, memory.peak

    def peer():
        quality, took, peak = run_peer("sklearn_ai4i.py", path, json.dumps(PARAMETERS),
                                       bench.scratch / "peer.ubj")
        return quality, took, peak

    ours("check")
    report = bench_report(bench, bench.scratch / "run-check")
    quality, _, _ = peer()
    bench.note(f"on unseen rows, of other splits: AUC {report['auc']['value']:.4f} ours, "
               f"{quality['auc']:.4f} theirs; F1 {report['f1']['value']:.3f} and "
               f"{quality['f1']:.3f}")
    bench.check(abs(report["auc"]["value"] - quality["auc"]) < 0.03, "the models are not alike")
    for number in bench.rounds:
        took, peak = ours(number)
        _, their_took, their_peak = peer()
        yield {"ai4i-end-to-end": (took, their_took),
               "ai4i-end-to-end-memory": (peak / 1e6, their_peak / 1e6)}


def bench_report(bench, home):
    """The evaluation that a run left in its home, read by a server that opens that."""
    from lathe_server import Server

    server = Server(bench.binary, home).start()
    try:
        s3 = server.client("s3")
        [key] = [item["Key"] for item in s3.list_objects_v2(Bucket="lathe-ai4i")["Contents"]
                 if item["Key"].endswith("evaluation.json")]
        text = s3.get_object(Bucket="lathe-ai4i", Key=key)["Body"].read()
    finally:
        server.stop()
    return json.loads(text)["binary_classification_metrics"]


# --- deploying ----------------------------------------------------------------------------------


@rows(Row("deploy", 1, "time", "ms", "CreateEndpoint to the first answer, AI4I's pipeline",
          f"{DEPLOY_GOAL_MS} ms"))
def deploy(bench):
    server = bench.server().start()
    sagemaker, runtime = server.client("sagemaker"), server.client("sagemaker-runtime")
    sagemaker.create_model_package_group(ModelPackageGroupName="ai4i")
    path = sample(bench, "rows.csv", 10_000)
    done = subprocess.run([bench.binary, "run", EXAMPLE / "pipeline.yaml", "-p",
                           f"InputData=file://{path}", "--json"], env=server.environment(),
                          check=True, stdout=subprocess.PIPE, text=True)
    identity = json.loads(done.stdout)["PipelineExecutionArn"].rsplit("/", 1)[1]
    first = f"ai4i-{identity}"
    question = {"ContentType": "text/csv", "Body": "L,301.6,310.6,1318,63.2,208"}
    expected = runtime.invoke_endpoint(EndpointName=first, **question)["Body"].read()
    bench.note("boto3 asks without pause until it is answered; its own time is counted, and the "
               "sync of what CreateEndpoint acknowledges")
    for number in bench.rounds:
        name = f"deployed-{number}"
        started = time.perf_counter()
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=first)
        while True:
            try:
                answer = runtime.invoke_endpoint(EndpointName=name, **question)["Body"].read()
                break
            except runtime.exceptions.ValidationError:
                if time.perf_counter() - started > 10:
                    raise
        took = (time.perf_counter() - started) * 1000
        bench.check(answer == expected, "the new endpoint answers something else")
        yield {"deploy": (took, DEPLOY_GOAL_MS)}

"""Metrics logged through MLflow's client, here and to MLflow's own server."""

import json
import os
import pathlib
import subprocess
import time
import urllib.request

from harness import ROOT, Row, rows
from rows_server import free_port

LOAD = pathlib.Path(__file__).resolve().parent / "peers/mlflow_load.py"
BATCHED, SINGLE = 100_000, 2_000  # metrics of 100 runs; one by one the peer would take a quarter of an hour
PEER = "MLflow's own server on SQLite, one worker"


def python_of():
    path = pathlib.Path(os.environ.get("LATHE_MLFLOW_PYTHON", ROOT / "build/venv-mlflow/bin/python"))
    if not path.exists():
        raise FileNotFoundError(f"{path}, an environment with tests/requirements-mlflow.txt, is not there "
                                "(LATHE_MLFLOW_PYTHON)")
    return path


def load(python, uri, how, count):
    done = subprocess.run([python, LOAD, uri, how, str(count)], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(done.stdout.splitlines()[-1])


def start_peer(bench, python):
    """MLflow's server, and its tracking URI."""
    port = free_port()
    process = subprocess.Popen(
        [python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
         "--backend-store-uri", f"sqlite:///{bench.scratch}/peer.db",
         "--artifacts-destination", str(bench.scratch / "peer-artifacts")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"})
    url = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            with urllib.request.urlopen(url + "/health", timeout=5):
                return process, url
        except OSError:
            time.sleep(0.5)
    raise RuntimeError("mlflow server did not answer within two minutes")


def history(uri, run):
    with urllib.request.urlopen(f"{uri}/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key=loss"
                                "&max_results=2000") as reply:
        return [(one["step"], one["timestamp"], one["value"]) for one in json.load(reply)["metrics"]]


def measured(python, ours, peer, stub, how, count):
    """(ours, peer), the client's own time taken off both; and a run of each."""
    client = load(python, stub, how, count)["seconds"]
    here, there = load(python, ours, how, count), load(python, peer, how, count)
    least = client / 100
    return ((max(here["seconds"] - client, least), max(there["seconds"] - client, least)),
            (here["runs"][-1], there["runs"][-1]))


@rows(Row("log-metrics", 10, "time", "s",
          f"{BATCHED:,} metrics of 100 runs by log_batch of 1,000, the client's time taken off", PEER),
      Row("log-metrics-single", 10, "time", "s",
          f"{SINGLE:,} metrics of 100 runs by log_metric, the client's time taken off", PEER))
def log_metrics(bench):
    python = python_of()
    ours = f"{bench.server().start().url}/mlflow"
    peer, peer_uri = start_peer(bench, python)
    stub = subprocess.Popen([python, LOAD, "stub"], stdout=subprocess.PIPE, text=True)
    stub_uri = f"http://127.0.0.1:{stub.stdout.readline().strip()}/stub"
    bench.note("the client's time is that against a server that answers {} to everything")
    try:
        for _ in bench.rounds:
            batched, runs = measured(python, ours, peer_uri, stub_uri, "batch", BATCHED)
            bench.check(history(ours, runs[0]) == history(peer_uri, runs[1]), "the histories differ")
            single, runs = measured(python, ours, peer_uri, stub_uri, "single", SINGLE)
            bench.check(history(ours, runs[0]) == history(peer_uri, runs[1]), "the histories differ")
            yield {"log-metrics": batched, "log-metrics-single": single}
    finally:
        for process in (stub, peer):
            process.terminate()
            process.wait()

"""Logs metrics through MLflow's client, and says in seconds how long that took.

    mlflow_load.py URI batch|single METRICS     a line of JSON: {"seconds", "runs"}
    mlflow_load.py stub                         prints the port where {} is answered to everything
"""

import json
import logging
import os
import socket
import sys
import threading
import time

RUNS = 100
BATCH = 1000


def answer(link):
    reply = (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
    data = b""
    while True:
        head, found, rest = data.partition(b"\r\n\r\n")
        length = 0
        if found:
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
        if found and len(rest) >= length:
            data = rest[length:]
            link.sendall(reply)
            continue
        more = link.recv(1 << 20)
        if not more:
            return
        data += more


def stub():
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            link, _ = server.accept()
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=answer, args=(link,), daemon=True).start()


def runs_of(client, uri):
    if uri.endswith("/stub"):
        return [f"{number:032x}" for number in range(RUNS)]
    name = f"bench {time.time_ns()}"
    experiment = client.create_experiment(name)
    return [client.create_run(experiment).info.run_id for _ in range(RUNS)]


def log(uri, how, count):
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow import MlflowClient
    from mlflow.entities import Metric
    logging.disable(logging.WARNING)
    client = MlflowClient(uri)
    runs = runs_of(client, uri)
    each = count // RUNS
    batches = [[Metric("loss", 1 / (step + 1), 1_700_000_000_000 + step, step)
                for step in range(first, min(first + BATCH, each))] for first in range(0, each, BATCH)]
    began = time.perf_counter()
    for run in runs:
        if how == "batch":
            for batch in batches:
                client.log_batch(run, metrics=batch)
        else:
            for step in range(each):
                client.log_metric(run, "loss", 1 / (step + 1), 1_700_000_000_000 + step, step)
    print(json.dumps({"seconds": time.perf_counter() - began, "runs": runs}))


if __name__ == "__main__":
    stub() if sys.argv[1] == "stub" else log(sys.argv[1], sys.argv[2], int(sys.argv[3]))

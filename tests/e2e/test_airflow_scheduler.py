"""Airflow as an installation runs it: scheduler, executor, triggerer, processor of DAGs and API server,
each a process of its own, with SQLite and with PostgreSQL, on the DAG of examples/abalone."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

import pytest

from airflow_runs import PYTHON, ROOT, Airflow
from spark_jobs import spark_server

pytestmark = [pytest.mark.full, pytest.mark.airflow]

# Waits for the end of the DAG's last run.
ENDED = """
import json, sys, time
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
deadline = time.monotonic() + 450
while time.monotonic() < deadline:
    with create_session() as session:
        state = session.query(DagRun.state).filter_by(dag_id=sys.argv[1]).order_by(
            DagRun.id.desc()).first()[0]
    if state in ("success", "failed"):
        break
    time.sleep(0.5)
print()
print(json.dumps(state))
"""
SERVICES = {"api": ["api-server", "--workers", "1"], "processor": ["dag-processor"],
            "scheduler": ["scheduler", "--skip-serve-logs"],
            "triggerer": ["triggerer", "--skip-serve-logs"]}


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_for_port(process, port):
    while True:
        assert process.poll() is None, process.args
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)


def postgresql_programs():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = found[-1] if found else shutil.which("initdb")
    if not initdb:
        pytest.skip("no initdb: ./dev setup airflow brings PostgreSQL")
    return pathlib.Path(initdb).parent


@contextlib.contextmanager
def postgresql(folder):
    """A PostgreSQL of the test's own: its address for SQLAlchemy. It does not run as root."""
    programs, port = postgresql_programs(), free_port()
    as_other = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
    folder.mkdir()
    if as_other:
        shutil.chown(folder, as_other["user"], as_other["group"])
        for parent in folder.parents[:3]:
            parent.chmod(0o755)
    settings = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, **as_other}
    subprocess.run([programs / "initdb", "-D", folder / "data", "-U", "airflow", "-A", "trust",
                    "--no-sync"], check=True, **settings)
    server = subprocess.Popen([programs / "postgres", "-D", folder / "data", "-p", str(port),
                               "-h", "127.0.0.1", "-k", folder], **settings)
    try:
        while subprocess.run([programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port)],
                             stdout=subprocess.DEVNULL).returncode:
            assert server.poll() is None, "PostgreSQL ended"
            time.sleep(0.1)
        subprocess.run([programs / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "airflow",
                        "airflow"], check=True)
        yield f"postgresql+psycopg2://airflow@127.0.0.1:{port}/airflow"
    finally:
        server.terminate()
        server.wait()


@contextlib.contextmanager
def services(airflow):
    """Airflow's processes, each with a log in its home. The first is what the others ask."""
    running = {}
    try:
        for name, words in SERVICES.items():
            with open(airflow.home / f"{name}.log", "wb") as log:
                running[name] = subprocess.Popen(
                    [PYTHON.parent / "airflow", *words], env=airflow.environment, cwd=airflow.home,
                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
            if name == "api":
                wait_for_port(running[name], int(airflow.environment["AIRFLOW__API__PORT"]))
        yield running
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/airflow.db"
        return
    with postgresql(tmp_path / "postgresql") as address:
        yield address


@pytest.fixture
def server(server_factory, tmp_path):
    return spark_server(server_factory, tmp_path)


@pytest.fixture
def airflow(server, database, tmp_path):
    home, port = tmp_path / "airflow", free_port()
    home.mkdir()
    return Airflow(server, home, ROOT / "examples/abalone", {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        "AIRFLOW__API__HOST": "127.0.0.1", "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API_AUTH__JWT_SECRET": "of the test, and long enough to be one: 0123456789abcdef" * 2,
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False", "AIRFLOW__CORE__PARALLELISM": "2"})


def test_the_scheduler_runs_the_example(server, airflow, lathe, tmp_path):
    rows = tmp_path / "abalone.csv"
    with open(rows, "wb") as file:
        subprocess.run([lathe, "sample", "abalone", "--rows", "1500"], check=True, stdout=file)
    airflow.call("dags", "reserialize")
    airflow.call("dags", "trigger", "abalone", "--conf", json.dumps(
        {"rows": str(rows), "rounds": 20, "tune": True}))
    with services(airflow) as running:
        airflow.python(ENDED, "abalone")
        assert {name: process.poll() for name, process in running.items()} == dict.fromkeys(SERVICES)
    log = "".join((airflow.home / f"{name}.log").read_text()[-6000:] for name in SERVICES)
    tasks = airflow.tasks("abalone", "success", log)
    assert tasks.pop("train")["state"] == "skipped"
    assert {task["state"] for task in tasks.values()} == {"success"}
    assert 5 < tasks["ask"]["result"] < 15
    assert server.client("sagemaker").list_endpoints()["Endpoints"] == []
    assert server.client("s3").list_buckets()["Buckets"] == []

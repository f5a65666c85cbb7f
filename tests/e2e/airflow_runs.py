"""A real Airflow with a database of its own, for the tests."""

import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PYTHON = pathlib.Path(os.environ.get("LATHE_AIRFLOW_PYTHON", ROOT / "build/venv-airflow/bin/python"))

# What a run left, as JSON on the last line: {task: {"state", "tries", "result"}}.
TOLD = """
import json, sys
from airflow.models.dagrun import DagRun
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
with create_session() as session:
    run = session.query(DagRun).filter_by(dag_id=sys.argv[1]).order_by(DagRun.id.desc()).first()
    results = {row.task_id: XComModel.deserialize_value(row) for row in session.query(
        XComModel).filter_by(dag_id=run.dag_id, run_id=run.run_id, key="return_value")}
    print()
    print(json.dumps({"run_id": run.run_id, "state": run.state, "tasks": {
        ti.task_id: {"state": ti.state, "tries": ti.try_number, "result": results.get(ti.task_id)}
        for ti in run.get_task_instances(session=session)}}))
"""


class Airflow:
    """dags: the folder whose DAGs it runs; more: variables of its environment."""

    def __init__(self, server, home, dags, more=None):
        if not PYTHON.exists():
            pytest.skip(f"no Airflow as {PYTHON}: ./dev setup airflow brings it")
        self.server, self.home = server, home
        self.environment = {
            **server.environment(), "AIRFLOW_HOME": str(home), "HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW_CONN_AWS_DEFAULT": "aws://test:test@/?region_name=us-east-1",
            "PATH": f"{PYTHON.parent}:{os.environ['PATH']}", "VIRTUAL_ENV": str(PYTHON.parent.parent),
            **(more or {})}
        self.call("db", "migrate")

    def call(self, *words):
        """One command of Airflow's; what it said."""
        done = self._run([PYTHON.parent / "airflow", *words])
        assert done.returncode == 0, done.stdout[-20000:]
        return done.stdout

    def python(self, program, *arguments):
        """What the program, in Airflow's interpreter, prints as JSON on its last line."""
        done = self._run([PYTHON, "-c", program, *arguments], stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.rstrip().rsplit("\n", 1)[-1])

    def _run(self, words, stderr=subprocess.STDOUT):
        return subprocess.run(words, env=self.environment, cwd=self.home, text=True, timeout=540,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr)

    def test(self, dag, state="success", **conf):
        """airflow dags test: the whole DAG in one process. (its tasks as TOLD tells them, its log)"""
        log = self._run([PYTHON.parent / "airflow", "dags", "test", dag, "--conf",
                         json.dumps(conf)]).stdout
        return self.tasks(dag, state, log), log

    def tasks(self, dag, state, log):
        """The tasks of the DAG's last run, which is to have ended like that."""
        told = self.python(TOLD, dag)
        assert told["state"] == state, f"{told}\n{log[-20000:]}"
        return told["tasks"]

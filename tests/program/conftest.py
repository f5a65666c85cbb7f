"""A processing job's program on a folder of its own: the process alone, with no server."""

import gzip
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DUCKDB = "LATHE_DUCKDB_LIBRARY"


class Folder:
    """An /opt/ml tree, and what running a program on it gave."""

    def __init__(self, path, binary, program):
        self.path, self.binary, self.program = path, binary, program
        (path / "processing/input").mkdir(parents=True)

    def write(self, name, content):
        """A file below processing/input; a name that ends in .gz is packed. Things that are
        neither text nor bytes are written as JSON, of which YAML is a superset."""
        target = self.path / "processing/input" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, (str, bytes)):
            content = json.dumps(content)
        content = content if isinstance(content, bytes) else content.encode()
        target.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return self

    def run(self, **environment):
        done = subprocess.run([self.binary, "job", self.program, self.path], text=True, timeout=300,
                              env={**os.environ, **environment}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.status, self.log = done.returncode, done.stdout
        assert "Sanitizer" not in self.log and "runtime error:" not in self.log, self.log
        failure = self.path / "output/failure"
        self.failure = failure.read_text() if failure.exists() else None
        return self

    def works(self, **environment):
        self.run(**environment)
        assert self.status == 0, self.log
        assert self.failure is None
        return self

    def fails(self, *words, **environment):
        """Runs what has to fail, for a reason that has these words."""
        self.run(**environment)
        assert self.status == 1, self.log
        for word in words:
            assert word in self.failure
        assert self.failure in self.log

    def output(self, name):
        return self.path / "processing/output" / name


@pytest.fixture
def folder(lathe, tmp_path):
    """folder("features"): a fresh folder for the program."""
    made = []

    def make(program):
        path = tmp_path / f"{program}-{len(made)}"
        made.append(path)
        return Folder(path, lathe, program)

    return make


@pytest.fixture(scope="session")
def duckdb_library(lathe):
    """Where the program finds DuckDB's library, or the test is skipped."""
    places = [os.environ.get(DUCKDB), ROOT / "build/deps/duckdb/libduckdb.so",
              lathe.parent / "lib/duckdb/libduckdb.so"]
    for place in places:
        if place and pathlib.Path(place).exists():
            return str(place)
    pytest.skip(f"DuckDB's library is not there: ./dev setup fetches it, or {DUCKDB} names it")

"""liblathe.so of the build under test, and programs that load it."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("LATHE_BUILD", ROOT / "build/debug"))


@pytest.fixture(scope="session")
def library():
    path = BUILD / "liblathe.so"
    if not path.exists():
        pytest.fail(f"{path} is not there", pytrace=False)
    return path


@pytest.fixture(scope="session")
def preload(library):
    """A library under AddressSanitizer needs its runtime loaded first; Python itself leaks."""
    if b"__asan_init" not in library.read_bytes():
        return {}
    runtimes = [subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True,
                               text=True).stdout.strip() for name in ("libasan.so", "libubsan.so")]
    return {"LD_PRELOAD": " ".join(runtimes), "ASAN_OPTIONS": "detect_leaks=0"}


@pytest.fixture
def python(library, preload):
    """python(script, arguments, input): a Python of its own with examples/python/lathe.py and the
    library under test; returns what it prints."""
    def run(script, arguments=(), text=None):
        done = subprocess.run([sys.executable, "-c", script, *map(str, arguments)], input=text,
                              env={**os.environ, **preload, "LIBLATHE": str(library),
                                   "PYTHONPATH": str(ROOT / "examples/python")},
                              timeout=300, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run

"""Fixtures for tests that drive lathe from outside, with real clients.

    LATHE_BINARY     the program under test (default build/debug/lathe: under sanitizers)
    LATHE_BUILD      the build folder to take helper programs from
    LATHE_TEST_DATA  the folder of real data sets (default ../shared/data beside the checkout)
"""

import fcntl
import os
import pathlib
import subprocess

import pytest

from lathe_server import Server

ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def lathe():
    """The program under test."""
    binary = pathlib.Path(os.environ.get("LATHE_BINARY", ROOT / "build/debug/lathe")).resolve()
    if not binary.exists():
        pytest.fail(f"{binary} is not there: ./dev build debug makes it", pytrace=False)
    return binary


class Servers:
    """Servers that were made, to be ended and asked whether a sanitizer found something in one."""

    def __init__(self, lathe, tmp_path_factory):
        self._lathe = lathe
        self._tmp_path_factory = tmp_path_factory
        self._made = []

    def make(self, arguments=(), environment=None, start=True, home=None):
        home = home or self._tmp_path_factory.mktemp("home") / "lathe"
        made = Server(self._lathe, home, arguments, environment)
        self._made.append(made)
        return made.start() if start else made

    def count(self):
        return len(self._made)

    def end(self, kept=0):
        """Ends all but the first `kept`; the test, or the module, fails where one was not well."""
        ended = [self._made.pop() for _ in range(len(self._made) - kept)]
        problems = []
        for made in ended:
            try:
                status = made.stop()
            except RuntimeError as error:
                problems.append(str(error))
                continue
            if status != 0:
                problems.append(f"lathe serve ended with {status}; its log:\n{made.log_text()}")
            elif made.sanitizer_reports():
                problems.append(f"a sanitizer found:\n{made.log_text()}")
        if problems:
            pytest.fail("\n".join(problems), pytrace=False)


@pytest.fixture(scope="module")
def servers(lathe, tmp_path_factory):
    made = Servers(lathe, tmp_path_factory)
    yield made
    made.end()


@pytest.fixture(scope="module")
def server_factory(servers):
    """Makes servers: server_factory() is started, in a home of its own. Those that a test makes end
    with it, those of a module's fixtures with the module: a hundred that stay take the machine's
    memory."""
    return servers.make


@pytest.fixture(autouse=True)
def _end_own_servers(servers):
    """Fixtures of the module stand before this one, those of the test behind it."""
    before = servers.count()
    yield
    servers.end(before)


@pytest.fixture(scope="session")
def server(lathe, tmp_path_factory):
    """One server for the whole run. A test that kills it or changes what others see (default
    buckets, limits) takes one of its own from server_factory. It runs no images of containers,
    whatever this machine has."""
    configuration = tmp_path_factory.mktemp("configuration") / "lathe.yaml"
    configuration.write_text("runtime:\n  engine: none\n")
    made = Servers(lathe, tmp_path_factory)
    yield made.make(["--test-clock", "--config", str(configuration)])
    made.end()


@pytest.fixture
def bucket(server):
    """A fresh bucket of the session's server."""
    name = f"test-{os.urandom(6).hex()}"
    server.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="session")
def data():
    """data("abalone/abalone.csv"): the path of a real data file, or the test is skipped."""
    folder = pathlib.Path(os.environ.get("LATHE_TEST_DATA", ROOT.parent / "shared/data"))

    def path(name):
        if not (folder / name).exists():
            pytest.skip(f"real data: {folder / name} is not there (LATHE_TEST_DATA)")
        return folder / name

    return path


@pytest.fixture(scope="session")
def built():
    """built("forest_answers"): the path of a program that only tests need, made up to date. Processes
    that test side by side build one after the other: the folder is theirs together, and a program
    that another one runs must not be written."""
    folder = pathlib.Path(os.environ.get("LATHE_BUILD", ROOT / "build/debug"))

    def make(target):
        with (folder / "tests.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            subprocess.run(["cmake", "--build", folder, "--target", target], check=True,
                           stdout=subprocess.DEVNULL)
        return folder / target

    return make

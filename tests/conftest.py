"""Fixtures for tests that drive lathe from outside, with real clients.

    LATHE_BINARY     the program under test (default build/debug/lathe: under sanitizers)
    LATHE_BUILD      the build folder to take helper programs from
    LATHE_TEST_DATA  the folder of real data sets (default ../shared/data beside the checkout)
"""

import os
import pathlib

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


@pytest.fixture(scope="session")
def server_factory(lathe, tmp_path_factory):
    """Makes servers: server_factory() is started, in a home of its own; all end with the run,
    which fails where a sanitizer found something in one of them."""
    servers = []

    def make(arguments=(), environment=None, start=True, home=None):
        home = home or tmp_path_factory.mktemp("home") / "lathe"
        made = Server(lathe, home, arguments, environment)
        servers.append(made)
        return made.start() if start else made

    yield make
    problems = []
    for made in servers:
        try:
            status = made.stop()
        except RuntimeError as error:
            problems.append(str(error))
            continue
        if status != 0:
            problems.append(f"lathe serve ended with {status}; its log:\n{made.log_text()}")
    for made in servers:
        if made.sanitizer_reports():
            problems.append(f"a sanitizer found:\n{made.log_text()}")
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.fixture(scope="session")
def server(server_factory, tmp_path_factory):
    """One server for the whole run. A test that kills it or changes what others see (default
    buckets, limits) takes one of its own from server_factory. It runs no images of containers,
    whatever this machine has."""
    configuration = tmp_path_factory.mktemp("configuration") / "lathe.yaml"
    configuration.write_text("runtime:\n  engine: none\n")
    return server_factory(["--test-clock", "--config", str(configuration)])


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

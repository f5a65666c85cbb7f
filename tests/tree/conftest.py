import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import forest_program  # noqa: E402


@pytest.fixture(scope="session")
def answers_program(built, tmp_path_factory):
    """forest_answers: of the build in LATHE_BUILD, or compiled here (CC, LATHE_TEST_CFLAGS)."""
    if "LATHE_BUILD" in os.environ:
        return built("forest_answers")
    return forest_program.compiled(tmp_path_factory.mktemp("program") / "forest_answers",
                                   os.environ.get("CC", "cc"),
                                   os.environ.get("LATHE_TEST_CFLAGS", "-O2").split())


@pytest.fixture
def answers(answers_program, tmp_path):
    """answers(model_bytes, rows, kinds): a dict of float32 arrays, one row a row."""
    runner = os.environ.get("LATHE_TEST_RUNNER", "").split()
    return forest_program.asking([*runner, answers_program], tmp_path)

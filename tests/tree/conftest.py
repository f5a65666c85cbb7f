import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

HOUSE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(pathlib.Path(__file__).parent))


@pytest.fixture(scope="session")
def answers_program(tmp_path_factory):
    """forest_answers: of the build in LATHE_BUILD, or compiled here (CC, LATHE_TEST_CFLAGS)."""
    if "LATHE_BUILD" in os.environ:
        subprocess.run(["cmake", "--build", os.environ["LATHE_BUILD"], "-t", "forest_answers"],
                       check=True, stdout=subprocess.DEVNULL)
        return pathlib.Path(os.environ["LATHE_BUILD"]) / "forest_answers"
    program = tmp_path_factory.mktemp("program") / "forest_answers"
    flags = os.environ.get("LATHE_TEST_CFLAGS", "-O2").split()
    sources = [*HOUSE.glob("src/tree/*.c"), *HOUSE.glob("src/parse/*.c")]
    subprocess.run([os.environ.get("CC", "cc"), "-std=c17", "-ffp-contract=off",
                    "-D_POSIX_C_SOURCE=200809L", *flags, f"-I{HOUSE}/src", f"-I{HOUSE}/include",
                    HOUSE / "tests/tree/forest_answers.c", *sources, "-lm", "-lpthread",
                    "-o", program], check=True)
    return program


class Refused(Exception):
    pass


@pytest.fixture
def answers(answers_program, tmp_path):
    """answers(model_bytes, rows, kinds): a dict of float32 arrays, one row a row."""
    runner = os.environ.get("LATHE_TEST_RUNNER", "").split()

    def run(model, rows, *kinds):
        rows = np.ascontiguousarray(rows, np.float32)
        (tmp_path / "model").write_bytes(model)
        (tmp_path / "rows").write_bytes(rows.tobytes())
        for old in tmp_path.glob("out.*"):
            old.unlink()
        done = subprocess.run([*runner, answers_program, tmp_path / "model", tmp_path / "rows",
                               str(rows.shape[1]), tmp_path / "out", *kinds],
                              capture_output=True, text=True)
        if done.returncode == 1:
            raise Refused(done.stderr.strip())
        assert done.returncode == 0, done.stderr
        return {kind: np.fromfile(tmp_path / f"out.{kind}", np.float32).reshape(len(rows), -1)
                for kind in kinds if (tmp_path / f"out.{kind}").exists()}

    run.Refused = Refused
    return run

"""forest_answers, compiled for a machine and asked."""

import pathlib
import subprocess

import numpy as np

HOUSE = pathlib.Path(__file__).resolve().parents[2]


def compiled(program, compiler, flags):
    sources = [*HOUSE.glob("src/tree/*.c"), *HOUSE.glob("src/parse/*.c")]
    subprocess.run([compiler, "-std=c17", "-ffp-contract=off", "-D_POSIX_C_SOURCE=200809L", *flags,
                    f"-I{HOUSE}/src", f"-I{HOUSE}/include", HOUSE / "tests/tree/forest_answers.c",
                    *sources, "-lm", "-lpthread", "-o", program], check=True)
    return program


class Refused(Exception):
    pass


def asking(command, folder):
    """run(model_bytes, rows, kinds): a dict of float32 arrays, one row a row."""
    def run(model, rows, *kinds):
        rows = np.ascontiguousarray(rows, np.float32)
        (folder / "model").write_bytes(model)
        (folder / "rows").write_bytes(rows.tobytes())
        for old in folder.glob("out.*"):
            old.unlink()
        done = subprocess.run([*command, folder / "model", folder / "rows", str(rows.shape[1]),
                               folder / "out", *kinds], capture_output=True, text=True)
        if done.returncode == 1:
            raise Refused(done.stderr.strip())
        assert done.returncode == 0, done.stderr
        return {kind: np.fromfile(folder / f"out.{kind}", np.float32).reshape(len(rows), -1)
                for kind in kinds if (folder / f"out.{kind}").exists()}

    run.Refused = Refused
    return run

import os
import pathlib
import subprocess

import numpy as np
import pytest

BUILD = pathlib.Path(os.environ["LATHE_BUILD"])


@pytest.fixture(scope="session")
def tune_answers():
    """tune_answers(lines): what the program says to them, as an array of numbers a line."""
    subprocess.run(["cmake", "--build", BUILD, "-t", "tune_answers"], check=True, stdout=subprocess.DEVNULL)

    def ask(*lines):
        done = subprocess.run([BUILD / "tune_answers"], input="\n".join(lines) + "\n", text=True, check=True,
                              stdout=subprocess.PIPE)
        return [np.array(line.split(), float) for line in done.stdout.splitlines()]
    return ask

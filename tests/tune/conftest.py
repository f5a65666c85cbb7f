import subprocess

import numpy as np
import pytest


@pytest.fixture(scope="session")
def tune_answers(built):
    """tune_answers(lines): what the program says to them, as an array of numbers a line."""
    program = built("tune_answers")

    def ask(*lines):
        done = subprocess.run([program], input="\n".join(lines) + "\n", text=True, check=True,
                              stdout=subprocess.PIPE)
        return [np.array(line.split(), float) for line in done.stdout.splitlines()]
    return ask

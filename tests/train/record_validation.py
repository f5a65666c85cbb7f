"""Records what the XGBoost container answers to hyperparameters, release by release.

    python record_validation.py CONTAINER > hyperparameters.json

CONTAINER is a git clone of sagemaker-xgboost-container. Its validation needs neither XGBoost nor the
rest of the container, so it runs by itself, in a process a release. The cases are those of
hyperparameter_cases.py; the answers are kept with the commit that gave them."""

import json
import pathlib
import subprocess
import sys
import tempfile

from hyperparameter_cases import CASES

RELEASES = {"0.90-1": "origin/0.90-1", "0.90-2": "origin/0.90-2", "1.0-1": "origin/1.0-1",
            "1.2-1": "origin/1.2-1", "1.2-2": "origin/1.2-2", "1.3-1": "origin/1.3-1",
            "1.5-1": "v1.5-1", "1.7-1": "v1.7-1", "3.0-5": "v3.0-5", "3.2-0": "HEAD"}
ASK = """
import json, sys, types
sys.path.insert(0, sys.argv[1])
package = types.ModuleType("sagemaker_xgboost_container.algorithm_mode")  # without its __init__, which serves
package.__path__ = [sys.argv[1] + "/sagemaker_xgboost_container/algorithm_mode"]
sys.modules[package.__name__] = package
from sagemaker_algorithm_toolkit import exceptions
from sagemaker_xgboost_container.algorithm_mode import hyperparameter_validation, metrics
answers = []
for given in json.load(sys.stdin):
    try:
        hyperparameter_validation.initialize(metrics.initialize()).validate(given)
        answers.append(None)
    except exceptions.BaseToolkitError as error:
        answers.append(type(error).__name__ + ": " + str(error))
    except Exception as error:
        answers.append(type(error).__name__ + ": " + str(error))
json.dump(answers, sys.stdout)
"""


def git(container, *arguments):
    return subprocess.run(["git", "-C", container, *arguments], check=True, capture_output=True).stdout


def commit_of(container, name):
    """A branch may be a local one in a mirror."""
    for each in (name, name.removeprefix("origin/")):
        found = subprocess.run(["git", "-C", container, "rev-parse", "--short", "--verify", f"{each}^{{commit}}"],
                               capture_output=True, text=True)
        if found.returncode == 0:
            return found.stdout.strip()
    raise SystemExit(f"{container} has no {name}")


def ask(container, name):
    commit = commit_of(container, name)
    with tempfile.TemporaryDirectory() as folder:
        archive = git(container, "archive", commit, "src")
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        answers = subprocess.run([sys.executable, "-c", ASK, str(pathlib.Path(folder) / "src")],
                                 input=json.dumps(CASES), check=True, stdout=subprocess.PIPE, text=True).stdout
    return {"commit": commit, "answers": json.loads(answers)}


if __name__ == "__main__":
    json.dump({tag: ask(sys.argv[1], name) for tag, name in RELEASES.items()}, sys.stdout, indent=0)
    print()

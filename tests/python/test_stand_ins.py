"""Our stand-ins for the packages of SageMaker's containers against the answers that those gave
(record.py)."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

import cases
import debugger_cases
import experiments_cases

HERE = pathlib.Path(__file__).parent
PYTHON = HERE.parent.parent / "src/python"
ANSWERS = json.loads((HERE / "answers.json").read_text())


def ask(program, **environment):
    """In a process of its own, which has no SM_* of this one's."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{PYTHON / 'packages'}:{HERE}",
                   **environment}
    return subprocess.run([sys.executable, "-W", "ignore", "-c", program], env=environment, check=True,
                          capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    cases.write_job(folder)
    said = ask("import cases, json; print(json.dumps(cases.everything()))",
               SAGEMAKER_BASE_DIR=str(folder), **cases.VARIABLES)
    return json.loads(said.replace(str(folder), "/opt/ml"))


@pytest.mark.parametrize("package, part", [
    (package, part) for package, parts in ANSWERS.items() for part in parts if part != "params"])
def test_answers_are_those_of_the_package_of_aws(own, package, part):
    assert own[package][part] == ANSWERS[package][part]


@pytest.mark.parametrize("package", ["containers", "training"])
def test_names_of_variables_are_those_of_the_package_of_aws(own, package):
    recorded = ANSWERS[package]["params"]
    assert {name: own[package]["params"].get(name) for name in recorded} == recorded


@pytest.mark.parametrize("number", range(len(debugger_cases.CASES)),
                         ids=[case.__name__ for case in debugger_cases.CASES])
def test_a_hook_writes_the_files_of_smdebug(tmp_path, number):
    """Byte for byte, but for the wall times."""
    ask(f"import debugger_cases as d; d.CASES[{number}]({str(tmp_path / 'out')!r})")
    recorded = json.loads((HERE / "debugger.json").read_text())
    assert debugger_cases.files(tmp_path / "out") == recorded[debugger_cases.CASES[number].__name__]


@pytest.mark.parametrize("case", [case.__name__ for case in experiments_cases.CASES])
def test_experiments_make_the_calls_of_smexperiments(case):
    made = json.loads(ask("import experiments_cases, json; "
                          "print(json.dumps(experiments_cases.everything()))"))
    assert made[case] == json.loads((HERE / "experiments.json").read_text())[case]

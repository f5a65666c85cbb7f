"""record.py WHAT: what the packages that AWS publishes answer to our tests, written beside this file.

    record.py answers    to cases.py: by a Python that has sagemaker-training 5.1.4, sagemaker-inference
                         1.10.1 and sagemaker-containers 2.8.6.post2, all installed without what they
                         depend on, with numpy 2, scipy, boto3, flask, six, gevent, paramiko, psutil,
                         retrying, inotify_simple and protobuf 3.20
    record.py debugger   to debugger_cases.py: smdebug 1.0.34 with XGBoost 3.2, numpy 1.26, pandas 2.2,
                         bokeh 2, requests, pyinstrument and protobuf 3.20
    record.py experiments   to experiments_cases.py: sagemaker-experiments 0.1.45 with boto3"""

import collections
import collections.abc
import json
import os
import pathlib
import subprocess
import sys
import tempfile

collections.Mapping = collections.abc.Mapping  # as sagemaker-containers finds it in Python 3.9


def answers(folder):
    import cases

    os.environ.update(cases.VARIABLES, SAGEMAKER_BASE_DIR=folder)
    cases.write_job(folder)
    return cases.everything()


def debugger(folder):
    """Each in a process of its own: a hook ends with its program."""
    import debugger_cases

    recorded = {}
    for number, case in enumerate(debugger_cases.CASES):
        out = f"{folder}/{case.__name__}"
        subprocess.run([sys.executable, "-W", "ignore", "-c", debugger_cases.PROGRAM, str(number), out],
                       check=True, cwd=pathlib.Path(__file__).parent)
        recorded[case.__name__] = debugger_cases.files(out)
    return recorded


def experiments(folder):
    import experiments_cases

    return experiments_cases.everything()


def main(what):
    with tempfile.TemporaryDirectory() as folder:
        made = {"answers": answers, "debugger": debugger, "experiments": experiments}[what](folder)
    text = json.dumps(made, sort_keys=True, indent=1).replace(folder, "/opt/ml")
    pathlib.Path(__file__).with_name(f"{what}.json").write_text(text + "\n")


main(*sys.argv[1:])

"""record.py: writes answers.json, what the packages that AWS publishes answer to cases.py. Run by a
Python that has them: sagemaker-training 5.1.4, sagemaker-inference 1.10.1 and, for Pythons of before
3.10, sagemaker-containers 2.8.6.post2, all installed without what they depend on, with numpy, scipy,
boto3, flask, six, gevent, paramiko, psutil, retrying, inotify_simple and protobuf 3.20."""

import collections
import collections.abc
import json
import os
import pathlib
import tempfile

collections.Mapping = collections.abc.Mapping  # as sagemaker-containers finds it in Python 3.9


def main():
    import cases

    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(cases.VARIABLES, SAGEMAKER_BASE_DIR=folder)
        cases.write_job(folder)
        text = json.dumps(cases.everything(), sort_keys=True, indent=1).replace(folder, "/opt/ml")
    pathlib.Path(__file__).with_name("answers.json").write_text(text + "\n")


main()

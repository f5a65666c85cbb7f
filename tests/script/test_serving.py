"""src/python/lathe_serving.py by itself, as a process with a socket: for the scripts and requests of
serving_cases.py it answers what SageMaker's containers answered (record_serving.py)."""

import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys

import pytest

from serving_cases import SCRIPTS

HERE = pathlib.Path(__file__).parent
PROGRAM = HERE.parent.parent / "src" / "python" / "lathe_serving.py"
FAMILIES = ("sklearn", "xgboost", "toolkit", "sklearn-many", "xgboost-many")
RECORDED = {family: json.loads((HERE / "serving" / f"{family}.json").read_text())["answers"]
            for family in FAMILIES}
ADDRESS = re.compile(rb"0x[0-9a-f]+")  # of an object, in its exception's words
# The program expects its socket at 3.
MOVE = ("import os, sys; os.dup2(int(sys.argv[1]), 3); os.close(int(sys.argv[1])); "
        "os.execv(sys.executable, [sys.executable, sys.argv[2]])")


class Process:
    """The program on a folder with a script, answering calls."""

    def __init__(self, folder, script, **environment):
        (folder / "model" / "code").mkdir(parents=True)
        (folder / "model" / "code" / "inference.py").write_text(script)
        self.socket, other = socket.socketpair()
        self.log = open(folder / "log", "wb+")
        self.process = subprocess.Popen(
            [sys.executable, "-c", MOVE, str(other.fileno()), str(PROGRAM)],
            pass_fds=[other.fileno()], stdout=self.log, stderr=self.log,
            env={"PATH": os.environ["PATH"], "SAGEMAKER_BASE_DIR": str(folder),
                 "PYTHONPATH": str(PROGRAM.parent / "site"), **environment})
        other.close()

    def _receive(self, size):
        received = b""
        while len(received) < size:
            block = self.socket.recv(size - len(received))
            if not block:
                raise EOFError(self.log_text())
            received += block
        return received

    def take(self):
        size, kind = struct.unpack("<IB3x", self._receive(8))
        return kind, self._receive(size)

    def ask(self, body, **head):
        """(status, content type, body)"""
        packed = json.dumps(head).encode()
        message = struct.pack("<I", len(packed)) + packed + body
        self.socket.sendall(struct.pack("<IB3x", len(message), 2) + message)
        kind, answer = self.take()
        assert kind == 3
        size = struct.unpack_from("<I", answer)[0]
        told = json.loads(answer[4:4 + size])
        return told["Status"], told.get("ContentType"), answer[4 + size:]

    def log_text(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def end(self):
        self.socket.close()
        assert self.process.wait(60) == 0, self.log_text()
        self.log.close()


@pytest.fixture
def start(tmp_path):
    started = []

    def make(script, **environment):
        process = Process(tmp_path / str(len(started)), script, **environment)
        started.append(process)
        assert process.take() == (1, b""), process.log_text()
        return process

    yield make
    for process in started:
        process.end()


def said(case):
    head = {"ContentType": case["type"], "Accept": case["accept"]}
    return {name: value for name, value in head.items() if value is not None}


def told(case):
    return f"{case['script']} {case['type']} {case['accept']} {bytes.fromhex(case['body'])}"


@pytest.mark.parametrize("family, script", sorted(
    {(family, case["script"]) for family in FAMILIES for case in RECORDED[family]}))
def test_it_answers_as_the_container(start, family, script):
    cases = [case for case in RECORDED[family] if case["script"] == script]
    name, _, many = family.partition("-")
    process = start(SCRIPTS[script], LATHE_SERVING=name,
                    **({"SAGEMAKER_MULTI_MODEL": "true"} if many else {}))
    wrong = []
    for case in cases:
        status, content_type, body = process.ask(bytes.fromhex(case["body"]), **said(case))
        if many or family == "toolkit":
            body = body.partition(b"\nTraceback")[0]
            content_type = content_type if status == 200 else None
        right = (case["status"], case["answer_type"], ADDRESS.sub(b"", bytes.fromhex(case["answer"])))
        if (status, content_type, ADDRESS.sub(b"", body)) != right:
            wrong.append(f"{told(case)}\n  answers {status, content_type, body}\n  not     {right}")
    assert not wrong, "\n".join(wrong)


def test_json_lines_are_read_and_written_too(start):
    """Which the containers' own defaults leave to scripts."""
    for family in ("sklearn", "toolkit"):
        process = start(SCRIPTS["twice"], LATHE_SERVING=family)
        assert process.ask(b"[1, 2]\n[3, 4]\n", ContentType="application/jsonlines",
                           Accept="application/jsonlines") == \
            (200, "application/jsonlines", b"[2, 4]\n[6, 8]\n")


RESPONSE = """
class Response:
    status_code, content_type, mimetype = 418, "text/plain; charset=utf-8", "text/plain"

    def get_data(self):
        return b"a teapot"

def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept):
    return Response()
"""


def test_a_response_says_its_status(start):
    process = start(RESPONSE, LATHE_SERVING="sklearn")
    assert process.ask(b"") == (418, "text/plain; charset=utf-8", b"a teapot")


OWN_ERROR = """
class BaseInferenceToolkitError(Exception):
    def __init__(self, status_code, message, phrase):
        self.status_code, self.message, self.phrase = status_code, message, phrase

class TooLarge(BaseInferenceToolkitError):
    pass

def model_fn(model_dir, context):
    return context.system_properties["model_dir"]

def transform_fn(model, body, content_type, accept, context):
    if body == b"header":
        return context.get_request_header(0, "X-Amzn-SageMaker-Custom-Attributes")
    raise TooLarge(413, "that is too much", "Too Large")
"""


def test_the_toolkits_own_errors_and_context(start):
    process = start(OWN_ERROR, LATHE_SERVING="toolkit")
    status, _, words = process.ask(b"x")
    assert status == 413 and words.startswith(b"that is too much\nTraceback")
    assert process.ask(b"header", CustomAttributes="a=b", Accept="x/y") == (200, "x/y", b"a=b")

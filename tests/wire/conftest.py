"""The echo server: every operation tells what it was asked, and answers what the test wrote."""

import http.client
import json
import os
import pathlib
import re
import subprocess

import boto3
import pytest
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Echo:
    def __init__(self, folder):
        binary = pathlib.Path(os.environ.get("LATHE_BUILD", ROOT / "build/debug")) / "echo_server"
        if not binary.exists():
            pytest.fail(f"{binary} is not there: build it, or name its folder in LATHE_BUILD",
                        pytrace=False)
        self.folder = folder
        self.process = subprocess.Popen([binary, folder], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[-1])
        self.answer()

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0, "the echo server found an error (see its output)"

    def answer(self, output=None, body=None, error=None):
        script = {"output": output or {}}
        if body is not None:
            (self.folder / "reply.body").write_bytes(body)
            script["stream"] = True
        if error:
            script["error"] = error
        (self.folder / "reply.json").write_text(json.dumps(script))
        (self.folder / "seen.json").unlink(missing_ok=True)
        (self.folder / "seen.body").unlink(missing_ok=True)

    def seen(self):
        """{"service", "operation", "region", "request"} of the last call, None if none ran."""
        path = self.folder / "seen.json"
        return json.loads(path.read_text()) if path.exists() else None

    def seen_body(self):
        path = self.folder / "seen.body"
        return path.read_bytes() if path.exists() else None

    def client(self, service, region="us-east-1", **config):
        config = {"retries": {"total_max_attempts": 1}, **config}
        return boto3.session.Session().client(
            service, endpoint_url=f"http://127.0.0.1:{self.port}", region_name=region,
            aws_access_key_id="test", aws_secret_access_key="test", config=Config(**config))

    def http(self, method, target, body=None, headers=None):
        """One request as written: (status, headers, body)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, target, body=body, headers=headers or {})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, content

    def raw(self, sent):
        """Bytes as they are; everything that comes back until the server closes."""
        import socket

        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        return received


@pytest.fixture(scope="session")
def echo(tmp_path_factory):
    server = Echo(tmp_path_factory.mktemp("echo"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def codes():
    """{AWS's name of an error: its number in lathe's table}"""
    names = re.findall(r'X\(ERROR_\w+, "(\w+)", \d+\)', (ROOT / "src/base/error.h").read_text())
    return {name: code for code, name in enumerate(names)}

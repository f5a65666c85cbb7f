"""Requests made up by the shapes, valid and nearly so, for every operation that is built, against
the server under sanitizers: it stays up, and answers each with what its shape says (the test build
holds its replies to them) or with a refusal of the client's.

LATHE_FUZZ_SECONDS and LATHE_FUZZ_SEED: how long, and from which requests on."""

import copy
import http.client
import importlib.util
import io
import json
import os
import pathlib
import random
import time

import botocore.awsrequest
import botocore.exceptions
import botocore.parsers
import botocore.serialize
import botocore.session
import members
import shapes
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("values", pathlib.Path(__file__).with_name("values.py"))
values = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(values)

SECONDS = float(os.environ.get("LATHE_FUZZ_SECONDS", 15))
SEED = int(os.environ.get("LATHE_FUZZ_SEED", 0))
LISTED = members.listed(ROOT / "tools/operations")
NAMED = {501: "NotImplemented"}  # what S3 answers to what is not built, and clients do not retry
ROLE = "arn:aws:iam::000000000000:role/R"

ODD = [None, True, False, 0, -1, 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, -2**63, -2**63 - 1, 10**40, 0.5,
       -0.0, 1e308, 5e-324, "", " ", "0", "-1", "1e999", "NaN", "null", "true", "a" * 256, "a" * 257,
       "a" * 1025, "a" * 70000, "\0", "a\0b", "\x01", "\x7f", "\u202e\u0301", "\ud800", "\U0001f600" * 64,
       "é" * 512, "..", "../../etc/passwd", "/", "//", "%", "%s%n", "%00", "s3://", "s3://fuzz", "s3://fuzz/",
       "s3://fuzz/k", "s3:///", "arn:", "arn:aws:s3:::fuzz", "arn:aws:sagemaker:us-east-1:000000000000:pipeline/fuzz",
       "2020-13-45T99:99:99Z", "1969-12-31T23:59:59Z", "{", "{}", "[]", '{"a":', "a,b", '"', "'", "\\", "\n",
       [], {}, [None], [[]], [{}], {"": None}, {"a": {"b": None}}, [0] * 1000, ["a"] * 101]
deep = []
for _ in range(200):
    deep = [deep]
ODD.append(deep)


class Maker:
    """Requests for one operation."""

    def __init__(self, seed, shape):
        self.random = random.Random(seed)
        self.values = values.Values(seed)
        self.shape = shape

    def odd(self, shape):
        """A value that the member may not be ready for."""
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        edges = []
        if shape.type_name == "string":
            edges = ["a" * int(n) for n in (low, high, (low or 1) - 1, (high or 1) + 1)
                     if n is not None and 0 <= n < 100000]
            edges += ["fuzz", "fuzz-2"] * 3
        elif shape.type_name in ("integer", "long", "double", "float"):
            edges = [n for n in (low, high, (low or 0) - 1, (high or 0) + 1) if n is not None]
        return copy.deepcopy(self.random.choice(edges if edges and self.random.random() < .5 else ODD))

    def mutate(self, value, shape, depth=0):
        """The value with one thing in it changed."""
        kind = shape.type_name
        if self.random.random() < .25 or depth > 8:
            return self.odd(shape)
        if kind == "structure" and isinstance(value, dict) and shape.members:
            name = self.random.choice(list(value) or list(shape.members))
            if self.random.random() < .1:
                value[self.random.choice(["Unknown", "", "a" * 300, "\ud800"])] = self.random.choice(ODD)
            elif self.random.random() < .15:
                value.pop(name, None)
            elif name in shape.members:
                value[name] = self.mutate(value.get(name), shape.members[name], depth + 1)
        elif kind == "list" and isinstance(value, list) and value:
            at = self.random.randrange(len(value))
            if self.random.random() < .3:
                value = value * self.random.choice([2, 10, 100])
            else:
                value[at] = self.mutate(value[at], shape.member, depth + 1)
        elif kind == "map" and isinstance(value, dict) and value:
            key = self.random.choice(list(value))
            value[key] = self.mutate(value[key], shape.value, depth + 1)
        else:
            return self.odd(shape)
        return value

    def request(self):
        made = self.values.structure(self.shape) if self.shape else {}
        names = [n for n, s in (self.shape.members.items() if self.shape else ())
                 if s.type_name == "string" and n.endswith(("Name", "Bucket", "Key", "Arn", "logGroupName"))]
        for name in names:  # what is there, so that more than "not found" is met
            if name in made and self.random.random() < .6:
                made[name] = "fuzz"
        for _ in range(self.random.choice([0, 1, 1, 1, 2, 4])):
            made = self.mutate(made, self.shape) if self.shape else made
            if not isinstance(made, dict):
                made = {}
        return made


def plain(value):
    """What json can write."""
    return values.seen(value)


def protocol_of(model):
    return model.resolved_protocol if hasattr(model, "resolved_protocol") else model.protocol


def serialized(model, operation, request):
    """(method, target, headers, body), or None where botocore itself cannot write it."""
    protocol = protocol_of(model)
    if protocol == "json":
        version = model.metadata.get("jsonVersion", "1.1")
        return ("POST", "/", {"X-Amz-Target": f"{model.metadata['targetPrefix']}.{operation.name}",
                              "Content-Type": f"application/x-amz-json-{version}"},
                json.dumps(plain(request)).encode())
    try:
        written = botocore.serialize.create_serializer(protocol, False).serialize_to_request(
            request, operation)
        body = written["body"]
        if isinstance(body, dict):
            body = botocore.compat.urlencode(body)
        if isinstance(body, str):
            body = body.encode("utf-8", "surrogatepass")
        if not isinstance(body, (bytes, bytearray)):
            body = str(body).encode("utf-8", "surrogatepass")
        query = written.get("query_string") or {}
        target = written["url_path"] + ("&" if "?" in written["url_path"] else "?") + \
            botocore.compat.urlencode(query, doseq=True) if query else written["url_path"]
        headers = {name: str(value) for name, value in written["headers"].items()
                   if name.lower() != "content-length"}  # http.client's own to tell
        target.encode("ascii")
        return written["method"], target, headers, body
    except (botocore.exceptions.BotoCoreError, TypeError, AttributeError, ValueError, KeyError,
            UnicodeError, OverflowError, IndexError, RuntimeError):
        return None


class Wire:
    def __init__(self, server):
        self.server, self.connection = server, None

    def ask(self, method, target, headers, body):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        try:
            self.connection.request(method, target, body=body, headers=headers)
            reply = self.connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        except ValueError:  # a header that http.client does not write
            self.connection = None
            return None
        except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
            self.connection = None
            os.kill(self.server.pid, 0)
            return 0, {}, repr(error).encode()


@pytest.fixture(scope="module")
def fuzzed(server_factory):
    server = server_factory()
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    s3.create_bucket(Bucket="fuzz")
    for key in ("k", "fuzz", "a/b"):
        s3.put_object(Bucket="fuzz", Key=key, Body=b"1,2,3\n")
    s3.put_object(Bucket="fuzz", Key="model.tar.gz", Body=b"no archive")
    server.client("logs").create_log_group(logGroupName="fuzz")
    server.client("logs").create_log_stream(logGroupName="fuzz", logStreamName="fuzz")
    sagemaker.create_model_package_group(ModelPackageGroupName="fuzz")
    sagemaker.create_pipeline(PipelineName="fuzz", RoleArn=ROLE, PipelineDefinition=json.dumps({
        "Version": "2020-12-01", "Steps": [
            {"Name": "F", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}]}))
    return server


@pytest.mark.full
def test_every_operation_answers_whatever_it_is_asked(fuzzed):
    session = botocore.session.get_session()
    models = {service: shapes.service_model(session, service) for service, _ in LISTED}
    wire = Wire(fuzzed)
    wrong, asked, answered, round_ = [], 0, set(), SEED
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and len(wrong) < 20:
        for service, name in LISTED:
            model = models[service]
            operation = model.operation_model(name)
            request = Maker(f"{service}{name}{round_}", operation.input_shape).request()
            written = serialized(model, operation, request)
            reply = wire.ask(*written) if written else None
            if not reply:
                continue
            status, headers, body = reply
            asked += 1
            if status == 0 or (status >= 500 and not is_named(status, body, operation)):
                wrong.append((round_, service, name, status, body[:600], str(request)[:1500]))
            elif status < 300:
                answered.add((service, name))
                check_reply(model, operation, status, headers, body)
        round_ += 1
    assert not wrong, "\n\n".join(map(str, wrong))
    assert asked > len(LISTED) and len(answered) > len(LISTED) / 8
    print(f"{asked} requests, {round_ - SEED} rounds, {len(answered)} operations answered")


def is_named(status, body, operation):
    head = operation.http["method"] == "HEAD"  # whose refusals have no body
    return status in NAMED and (head or NAMED[status].encode() in body)


def check_reply(model, operation, status, headers, body):
    """botocore's parser reads it."""
    shape = operation.output_shape
    payload = shape.serialization.get("payload") if shape else None
    streams = payload and shape.members[payload].type_name == "blob"
    botocore.parsers.create_parser(protocol_of(model)).parse(
        {"status_code": status, "headers": botocore.compat.HTTPHeaders.from_dict(headers),
         "body": io.BytesIO(body) if streams else body}, shape)

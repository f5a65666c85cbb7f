"""Every operation that is compiled in, against botocore: what its serializers write is what the
operation sees, and what the operation answers is what its parsers read."""

import email.utils
import importlib.util
import io
import pathlib
import re

import botocore.parsers
import botocore.serialize
import botocore.session
import members
import pytest
import shapes

ROOT = pathlib.Path(__file__).resolve().parents[2]


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


values = load("values", pathlib.Path(__file__).with_name("values.py"))

LISTED = members.listed(ROOT / "tools/operations")
CASES = [(service, operation, None) for service, operation in LISTED]
# Older boto3 sends CloudWatch as a query.
CASES += [(service, operation, "query") for service, operation in LISTED if service == "cloudwatch"]
SEEDS = range(20)


@pytest.fixture(scope="session")
def models():
    session = botocore.session.get_session()
    return {service: shapes.service_model(session, service) for service, _ in LISTED}


@pytest.fixture(scope="session")
def decided(models):
    return {service: members.Members(ROOT / "tools/operations", service, model)
            for service, model in models.items()}


def take_out(value, path, allowed):
    """Without the member at a path that is refused, or with a value that is not."""
    name, rest = re.fullmatch(r"([^.\[{]+)(.*)", path).groups()
    if not isinstance(value, dict) or name not in value:
        return
    if not rest:
        value.pop(name)
        if allowed:
            value[name] = allowed.split("|")[0]
        return
    place, rest = re.fullmatch(r"(\[\]|\{\})?\.(.*)", rest).groups()
    inner = value[name]
    for one in inner if place == "[]" else inner.values() if place else [inner]:
        take_out(one, rest, allowed)


def written(service, value):
    """With the text of a time that is kept as it was written."""
    return {name: email.utils.formatdate(of.timestamp(), usegmt=True)
            if (service, name) in shapes.VERBATIM else of for name, of in value.items()}


def protocol_of(model):
    return model.resolved_protocol if hasattr(model, "resolved_protocol") else model.protocol


def send(echo, model, operation, protocol, params):
    request = botocore.serialize.create_serializer(protocol, False).serialize_to_request(
        params, operation)
    query = request.get("query_string") or {}
    target = request["url_path"]
    encoded = botocore.compat.urlencode(query, doseq=True) if query else ""
    if encoded:
        target += ("&" if "?" in target else "?") + encoded
    body = request["body"]
    headers = {key: str(value) for key, value in request["headers"].items()}
    if isinstance(body, dict):
        body = botocore.compat.urlencode(body)
    scope = model.signing_name
    headers["Authorization"] = ("AWS4-HMAC-SHA256 Credential=AK/20260101/ap-south-1/"
                                f"{scope}/aws4_request, SignedHeaders=host, Signature=0")
    if isinstance(body, str):
        body = body.encode()
    return echo.http(request["method"], target, body, headers)


def streams(shape):
    """The member that is the body's bytes, by name, or None."""
    payload = shape.serialization.get("payload") if shape else None
    return payload if payload and shape.members[payload].type_name == "blob" else None


@pytest.mark.parametrize("service, name, protocol", CASES,
                         ids=lambda value: value if isinstance(value, str) else "")
def test_request_and_reply(echo, models, decided, service, name, protocol):
    model = models[service]
    operation = model.operation_model(name)
    protocol = protocol or protocol_of(model)
    textual = protocol in ("rest-xml", "query")
    for seed in SEEDS:
        make = values.Values(f"{service}{name}{seed}")
        params = make.structure(operation.input_shape) if operation.input_shape else {}
        output = make.structure(operation.output_shape) if operation.output_shape else {}
        for own in ("ContentLength", "ContentMD5"):  # HTTP's, and checked: see test_s3.py
            params.pop(own, None)
            output.pop(own, None)
        for path, allowed, _ in decided[service].refused(name):
            take_out(params, path, allowed)
        stream_in, stream_out = streams(operation.input_shape), streams(operation.output_shape)
        body_out = output.pop(stream_out, b"") if stream_out else None
        if name == "GetBucketLocation":
            output = {}  # its reply is not what its shape says: see test_s3.py
        echo.answer(values.seen(written(service, output)), body=body_out)
        status, headers, content = send(echo, model, operation, protocol, params)

        body_in = params.pop(stream_in, b"") if stream_in else None
        told = echo.seen()
        assert told, f"{status} {content.decode()[:3000]}\n{params}"
        request = told["request"]
        request.pop("ContentLength", None)  # told of every stream
        assert (told["service"], told["operation"], told["region"]) == (service, name, "ap-south-1")
        expected = values.seen(written(service, params))
        if textual:
            request, expected = values.without_empty(request), values.without_empty(expected)
        assert request == expected
        assert echo.seen_body() == (body_in if stream_in else None)

        assert status == (206 if "ContentRange" in output and service == "s3"
                          else operation.http.get("responseCode", 200)), content
        assert headers["x-amz-request-id" if service == "s3" else "x-amzn-requestid"]
        root = re.search(rb"<(\w+) xmlns", content) if service == "s3" and not stream_out else None
        assert not root or not root[1].endswith(b"Output")  # the model's name, not S3's
        parsed = botocore.parsers.create_parser(protocol).parse(
            {"status_code": status, "headers": botocore.compat.HTTPHeaders.from_dict(headers),
             "body": io.BytesIO(content) if stream_out else content}, operation.output_shape)
        parsed.pop("ResponseMetadata")
        if name == "GetBucketLocation":
            continue
        if stream_out:
            assert content == body_out
            parsed.pop(stream_out)
        parsed.pop("ContentLength", None)
        got, wanted = values.seen(written(service, parsed)), values.seen(written(service, output))
        if not content:  # which botocore reads as an empty text, where the body is one
            got = {member: value for member, value in got.items() if value != ""}
        if textual:
            got, wanted = values.without_empty(got), values.without_empty(wanted)
        assert got == wanted

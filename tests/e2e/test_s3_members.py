"""What tools/operations says of S3's members, in S3's own words: what is refused is so by name, and
who owns the bucket counts with every operation that asks."""

import datetime
import importlib.util
import pathlib
import re

import botocore.session
import members
import pytest
from botocore.exceptions import ClientError

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = botocore.session.get_session().get_service_model("s3")
LISTED = [name for service, name in members.listed(ROOT / "tools/operations") if service == "s3"]
OWNED = [name for name in LISTED
         if MODEL.operation_model(name).input_shape
         and "ExpectedBucketOwner" in MODEL.operation_model(name).input_shape.members]
REFUSED = [(operation, path, allowed)
           for operations, decisions in members.read(ROOT / "tools/operations/s3.txt")
           for operation in operations
           for verdict, path, allowed, _ in decisions if verdict == "refused"]


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


values = load("values", ROOT / "tests/wire/values.py")


@pytest.fixture(scope="module")
def s3(server):
    return server.client("s3")


def required(shape, make):
    return {name: value_of(shape.members[name], make) for name in shape.required_members}


def value_of(shape, make):
    """A value with nothing in it that the shape does not need."""
    if shape.type_name == "structure":
        return required(shape, make)
    if shape.type_name == "list":
        return [value_of(shape.member, make)]
    if shape.type_name == "timestamp":
        return datetime.datetime(2040, 1, 1, tzinfo=datetime.timezone.utc)
    return make.value(shape, shape.serialization.get("location"))


def request_of(operation, bucket):
    make = values.Values(operation)
    request = required(MODEL.operation_model(operation).input_shape, make)
    request["Bucket"] = bucket
    if "CopySource" in request:
        request["CopySource"] = f"{bucket}/source"
    return request


def put_at(request, shape, path, make):
    """The request with a value at the path, and what its way there needs."""
    name, _, rest = path.partition(".")
    name, many = name.removesuffix("[]"), name.endswith("[]")
    member = shape.members[name]
    if not rest:
        whole = member.type_name == "structure" and member.members
        request[name] = ({of: value_of(one, make) for of, one in whole.items()} if whole else
                         True if member.type_name == "boolean" else value_of(member, make))
        return
    inner = member.member if many else member
    way = request.get(name) or required(inner, make)
    way = way[0] if isinstance(way, list) else way
    put_at(way, inner, rest, make)
    request[name] = [way] if many else way


def method(s3, operation):
    return getattr(s3, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).lower()
                   .replace("objectsv2", "objects_v2"))


@pytest.mark.parametrize("operation", OWNED)
def test_another_owner_is_refused(s3, bucket, operation):
    with pytest.raises(ClientError) as caught:
        method(s3, operation)(**request_of(operation, bucket), ExpectedBucketOwner="1" * 12)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403, caught.value
    s3.head_bucket(Bucket=bucket)


@pytest.mark.parametrize("operation, path, allowed", REFUSED)
def test_what_is_refused_is_named(s3, bucket, operation, path, allowed):
    request = request_of(operation, bucket)
    shape = MODEL.operation_model(operation).input_shape
    try:
        put_at(request, shape, path, values.Values(operation + path))
    except KeyError:
        pytest.skip(f"{operation} has no {path}: its section is several operations'")
    if allowed:
        way, name = request, path.split(".")
        for step in name[:-1]:
            way = way[step]
        way[name[-1]] = next(one for one in ("Enabled", "account-regional") if one in
                             shape_at(shape, name).enum)
    with pytest.raises(ClientError) as caught:
        method(s3, operation)(**request)
    status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert status == 501, caught.value
    if operation != "HeadObject":
        assert path.split(".")[-1] in caught.value.response["Error"]["Message"]


def shape_at(shape, names):
    for name in names:
        shape = shape.members[name]
    return shape

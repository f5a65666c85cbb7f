"""URLs and forms that boto3 presigns for others: who has them uploads without credentials, with the
headers that the URL carries, or within the policy that the form carries."""

import base64
import datetime
import http.client
import json
import urllib.parse
import uuid
import xml.etree.ElementTree

import pytest
from botocore.config import Config

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
EDGE = "edge-of-a-part"


@pytest.fixture(scope="module")
def s3(server):
    return server.client("s3", config=Config(signature_version="s3v4"))


@pytest.fixture
def bucket(s3):
    name = f"presigned-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


def send(server, method, path, body=b"", headers=None):
    """(status, headers, body, error code)"""
    connection = http.client.HTTPConnection(server.url.split("//")[1], timeout=60)
    connection.request(method, path, body=body, headers=headers or {})
    response = connection.getresponse()
    content = response.read()
    code = content.partition(b"<Code>")[2].partition(b"<")[0].decode()
    return response.status, response.headers, content, code


def path_of(url):
    parts = urllib.parse.urlsplit(url)
    return f"{parts.path}?{parts.query}"


# --- URLs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("signature", ["s3", "s3v4"])
def test_put_with_what_the_url_carries(server, s3, bucket, signature):
    signer = server.client("s3", config=Config(signature_version=signature))
    url = signer.generate_presigned_url("put_object", Params={
        "Bucket": bucket, "Key": "k", "ContentType": "text/csv", "Metadata": {"Owner": "me"}})
    # The second version signs the headers into the query; the fourth wants them sent.
    headers = {} if signature == "s3" else {"Content-Type": "text/csv", "x-amz-meta-owner": "me"}
    assert send(server, "PUT", path_of(url), b"1,2", headers)[0] == 200
    found = s3.get_object(Bucket=bucket, Key="k")
    assert found["ContentType"] == "text/csv" and found["Metadata"] == {"owner": "me"}
    assert found["Body"].read() == b"1,2"


def test_a_checksum_of_no_body_does_not_count(server, s3, bucket):
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    more = "&x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32&x-id=PutObject"
    assert send(server, "PUT", path_of(url) + more, b"a body")[0] == 200
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    url = s3.generate_presigned_url("upload_part", Params={
        "Bucket": bucket, "Key": "m", "UploadId": upload, "PartNumber": 1})
    assert send(server, "PUT", path_of(url) + more, b"a part")[0] == 200
    # As a header it does.
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    assert send(server, "PUT", path_of(url), b"x",
                {"x-amz-checksum-crc32": "AAAAAA=="})[3] == "BadDigest"


def test_what_would_be_another_operation_overwrites_nothing(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"mine")
    for query in ("acl", "policy", "versionId=x", "torrent", "uploads", "retention", "cors"):
        assert send(server, "PUT", f"/{bucket}/k?{query}", b"<x/>")[0] in (400, 404, 501)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"mine"


@pytest.mark.parametrize("quote", [
    lambda text: urllib.parse.quote(text, safe=""), urllib.parse.quote_plus, urllib.parse.quote,
    lambda text: "/" + urllib.parse.quote(text), lambda text: urllib.parse.quote("/" + text, "")])
def test_copy_sources_as_clients_encode_them(server, s3, bucket, quote):
    s3.put_object(Bucket=bucket, Key="a/b c+d%2F.txt", Body=b"source")
    source = {"x-amz-copy-source": quote(f"{bucket}/a/b c+d%2F.txt")}
    assert send(server, "PUT", f"/{bucket}/copy", headers=source)[0] == 200
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"source"
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    assert send(server, "PUT", f"/{bucket}/m?partNumber=1&uploadId={upload}", headers=source)[0] == 200


def test_what_a_bucket_holds_is_no_page_of_ours(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="page.html", Body=b"<script>1</script>",
                  ContentType="text/html")
    for path in (f"/{bucket}/page.html", f"/{bucket}/page.html?response-content-type=text/html",
                 f"/{bucket}/none"):
        _, headers, _, _ = send(server, "GET", path)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "sandbox allow-scripts"


# --- forms ---------------------------------------------------------------------------------------


def form(fields, data, name="f.txt", after=b""):
    parts = b"".join(f'--{EDGE}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
                     .encode() for field, value in fields)
    head = (f'--{EDGE}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: text/plain\r\n\r\n").encode()
    return parts + head + data + f"\r\n--{EDGE}".encode() + after + b"--\r\n"


def post(server, bucket, fields, data=b"the file", headers=None, **more):
    body = form(fields.items() if isinstance(fields, dict) else fields, data, **more)
    return send(server, "POST", f"/{bucket}", body,
                {"Content-Type": f"multipart/form-data; boundary={EDGE}", **(headers or {})})


def signed(bucket, conditions, policy=None, **fields):
    """A form's fields with a policy whose conditions are the bucket, the fields and these."""
    full = {"expiration": (datetime.datetime.now(datetime.timezone.utc)
                           + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "conditions": [{"bucket": bucket}, *conditions], **(policy or {})}
    full = {name: value for name, value in full.items() if value is not None}
    text = base64.b64encode(json.dumps(full).encode()).decode()
    return {**fields, "AWSAccessKeyId": "key", "signature": "signature", "policy": text}


def test_a_form_as_boto3_makes_it(server, s3, bucket):
    made = s3.generate_presigned_post(
        bucket, "up/${filename}", Fields={"acl": "public-read", "x-amz-meta-owner": "me",
                                          "Content-Type": "text/csv"},
        Conditions=[{"acl": "public-read"}, ["eq", "$x-amz-meta-owner", "me"],
                    ["starts-with", "$Content-Type", "text/"], ["content-length-range", 1, 10]])
    assert post(server, bucket, made["fields"], b"1,2", name="C:\\rows\\r 1.csv")[0] == 204
    found = s3.get_object(Bucket=bucket, Key="up/r 1.csv")
    assert found["Body"].read() == b"1,2" and found["ContentType"] == "text/csv"
    assert found["Metadata"] == {"owner": "me"}
    assert len(s3.get_object_acl(Bucket=bucket, Key="up/r 1.csv")["Grants"]) == 2
    for size, code in ((0, "EntityTooSmall"), (11, "EntityTooLarge"), (400_000, "EntityTooLarge")):
        assert post(server, bucket, made["fields"], b"x" * size, name="other")[3] == code
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == ["up/r 1.csv"]


ODD = [b"", b"\r\n", b"\r\n--", b"\r\n--edge-of-a-par", b"\r" * 70_000, b"x" * 65_536 + b"\r\n--edge",
       bytes(range(256)) * 3000]


@pytest.mark.parametrize("data", ODD, ids=range(len(ODD)))
def test_a_file_is_what_stands_between_its_boundaries(server, s3, bucket, data):
    field = b'\r\nContent-Disposition: form-data; name="submit"\r\n\r\nUpload\r\n--' + EDGE.encode()
    assert post(server, bucket, {"key": "k"}, data, after=field)[0] == 204
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == data


def test_what_the_form_asks_to_be_answered(server, s3, bucket):
    status, headers, content, _ = post(server, bucket, {"key": "a b", "success_action_status": "201"})
    answer = xml.etree.ElementTree.fromstring(content)
    assert status == 201
    assert [answer.findtext(name) for name in ("Bucket", "Key", "ETag")] == [bucket, "a b",
                                                                             headers["ETag"]]
    assert headers["Location"] == answer.findtext("Location") == f"{server.url}/{bucket}/a%20b"
    for asked, expected in (("200", 200), ("204", 204), ("404", 204)):
        assert post(server, bucket, {"key": "k", "success_action_status": asked})[0] == expected
    status, headers, _, _ = post(server, bucket, {
        "key": "k", "success_action_redirect": "http://127.0.0.1:1/done?a=1"})
    tag = urllib.parse.quote(headers["ETag"])
    assert (status, headers["Location"]) == (
        303, f"http://127.0.0.1:1/done?a=1&bucket={bucket}&key=k&etag={tag}")


def test_tags_and_checksums_of_a_form(server, s3, bucket):
    tags = "<Tagging><TagSet><Tag><Key>a b</Key><Value>1&amp;2</Value></Tag></TagSet></Tagging>"
    good = {"key": "k", "tagging": tags, "x-amz-checksum-crc32": "y/Q5Jg=="}
    assert post(server, bucket, good, b"123456789")[0] == 204
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a b",
                                                                        "Value": "1&2"}]
    assert post(server, bucket, {**good, "key": "bad"}, b"another")[3] == "BadDigest"
    assert post(server, bucket, {**good, "tagging": "<no"})[3] == "MalformedXML"


TEXT = ["starts-with", "$key", "in/"]


@pytest.mark.parametrize("conditions, fields, code", [
    ([TEXT], {"key": "in/k"}, ""), ([TEXT], {"key": "out/k"}, "AccessDenied"),
    ([["StArTs-WiTh", "$KeY", ""]], {"kEy": "k"}, ""),
    ([["eq", "$key", "k"]], {"key": "k"}, ""), ([["eq", "$key", "k"]], {"key": "kk"}, "AccessDenied"),
    ([{"key": "k"}], {"key": "K"}, "AccessDenied"),
    ([TEXT, {"acl": "private"}], {"key": "in/k"}, "AccessDenied"),
    ([TEXT], {"key": "in/k", "x-amz-meta-a": "1"}, "AccessDenied"),
    ([TEXT], {"key": "in/k", "x-ignore-a": "1"}, ""),
    ([TEXT], {"key": "in/k", "x-amz-checksum-crc32": "AAAAAA=="}, "BadDigest"),
    ([TEXT, {"bucket": "another"}], {"key": "in/k"}, "AccessDenied"),
    ([TEXT, ["content-length-range", 0]], {"key": "in/k"}, "InvalidPolicyDocument"),
    ([TEXT, ["content-length-range", -1, 5]], {"key": "in/k"}, "InvalidPolicyDocument"),
    ([TEXT, ["content-length-range", 0, 3]], {"key": "in/k"}, "EntityTooLarge"),
    ([TEXT, ["content-length-range", "0", "30"]], {"key": "in/k"}, ""),
    ([TEXT, ["ends-with", "$key", "k"]], {"key": "in/k"}, "InvalidPolicyDocument"),
    ([TEXT, ["eq", "key", "k"]], {"key": "in/k"}, "InvalidPolicyDocument"),
    ([TEXT, {}], {"key": "in/k"}, "InvalidPolicyDocument"),
    ([TEXT, "x"], {"key": "in/k"}, "InvalidPolicyDocument"), ([TEXT], {}, "InvalidArgument")])
def test_conditions(server, s3, bucket, conditions, fields, code):
    status, _, content, found = post(server, bucket, signed(bucket, conditions, **fields))
    assert (found, status) == (code, 204 if not code else 403 if code == "AccessDenied" else 400)
    if code == "AccessDenied":
        assert b"Invalid according to Policy" in content
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == (not code)


@pytest.mark.parametrize("policy, code", [
    ({"expiration": "2020-01-01T00:00:00Z"}, "AccessDenied"),
    ({"expiration": "tomorrow"}, "InvalidPolicyDocument"),
    ({"expiration": None}, "InvalidPolicyDocument"),
    ({"conditions": None}, "InvalidPolicyDocument")])
def test_policies(server, bucket, policy, code):
    assert post(server, bucket, signed(bucket, [TEXT], policy, key="in/k"))[3] == code


def test_forms_that_are_none(server, s3, bucket):
    good = {"key": "k"}
    kind = {"Content-Type": f"multipart/form-data; boundary={EDGE}"}
    for field in ("AWSAccessKeyId", "signature"):
        fields = signed(bucket, [TEXT], key="in/k")
        del fields[field]
        assert post(server, bucket, fields)[3] == "InvalidArgument"
    fields = {**signed(bucket, [TEXT], key="in/k"), "policy": "bm8="}
    assert post(server, bucket, fields)[3] == "InvalidPolicyDocument"
    whole = form(good.items(), b"the file")
    for cut in (whole[:-20], whole[:60], b"", b"no form at all"):
        assert send(server, "POST", f"/{bucket}", cut, kind)[3] == "MalformedPOSTRequest"
    assert send(server, "POST", f"/{bucket}", whole,
                {"Content-Type": "multipart/form-data"})[3] == "MalformedPOSTRequest"
    no_file = whole[:whole.index(b'\r\n--', 3)] + f"\r\n--{EDGE}--\r\n\r\n".encode()
    assert send(server, "POST", f"/{bucket}", no_file, kind)[3] == "InvalidArgument"
    large = {**good, "x-amz-meta-a": "x" * 30_000}
    assert post(server, bucket, large)[3] == "MaxPostPreDataLengthExceededError"
    assert post(server, "there-is-none", good)[3] == "NoSuchBucket"
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_form_of_another_page_stays_out(server, s3, bucket):
    assert post(server, bucket, {"key": "k"}, headers={"Origin": "http://page.example"})[0] == 403
    assert post(server, bucket, {"key": "k"}, headers={"Origin": "null"})[0] == 403
    assert post(server, bucket, {"key": "k"}, headers={"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert post(server, bucket, {"key": "k"}, headers={"Origin": server.url})[0] == 204

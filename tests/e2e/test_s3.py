"""S3 as boto3 uses it: every operation that is built, and the errors that clients match."""

import base64
import datetime
import hashlib
import http.client
import io
import random
import threading
import time
import urllib.error
import urllib.request
import zlib

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

MIB = 1 << 20
PART = 5 * MIB


@pytest.fixture(scope="module")
def s3(server):
    return server.client("s3")


def refused(code, call, **arguments):
    """The error that a call ends with, which must have this code."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response


def body_of(size, seed=1):
    return random.Random(seed).randbytes(size)


def quoted_md5(data):
    return f'"{hashlib.md5(data).hexdigest()}"'


def crc32(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


# --- buckets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ab", "a" * 64, "Upper", "under_score", "a..b", "-ab", "ab-",
                                  "192.168.0.1", "xn--abc", "abc-s3alias", "a.-b"])
def test_bucket_names_that_s3_refuses(s3, name):
    # boto3 checks some names itself; what it lets through the server has to refuse.
    handlers = s3.meta.events
    from botocore.handlers import validate_bucket_name
    handlers.unregister("before-parameter-build.s3", validate_bucket_name)
    try:
        refused("InvalidBucketName", s3.create_bucket, Bucket=name)
    finally:
        handlers.register("before-parameter-build.s3", validate_bucket_name)


def test_bucket_life(s3, server):
    name = f"life-{time.time_ns()}"
    assert s3.create_bucket(Bucket=name)["Location"] == f"/{name}"
    s3.create_bucket(Bucket=name)  # us-east-1 lets its owner do so again
    elsewhere = server.client("s3", region_name="eu-west-1")
    refused("BucketAlreadyOwnedByYou", elsewhere.create_bucket, Bucket=name,
            CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    found = [b for b in s3.list_buckets()["Buckets"] if b["Name"] == name]
    age = datetime.datetime.now(datetime.timezone.utc) - found[0]["CreationDate"]
    assert abs(age.total_seconds()) < 60
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    refused("BucketNotEmpty", s3.delete_bucket, Bucket=name)
    s3.delete_object(Bucket=name, Key="k")
    s3.delete_bucket(Bucket=name)
    refused("404", s3.head_bucket, Bucket=name)
    refused("NoSuchBucket", s3.delete_bucket, Bucket=name)
    refused("NoSuchBucket", s3.list_objects, Bucket=name)
    refused("NoSuchBucket", s3.put_object, Bucket=name, Key="k", Body=b"x")


def test_bucket_location(server):
    client = server.client("s3", region_name="eu-west-1")
    name = f"far-{time.time_ns()}"
    client.create_bucket(Bucket=name,
                         CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert client.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
    headers = client.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-bucket-region"] == "eu-west-1"


def test_a_region_that_is_none_of_awss(server):
    """s3cmd signs for "US" where it knows no region, and others for "local" or "auto"."""
    for region in ("US", "local"):
        client = server.client("s3", region_name=region)
        name = f"far-{time.time_ns()}"
        client.create_bucket(Bucket=name)
        assert client.get_bucket_location(Bucket=name)["LocationConstraint"] is None


def test_buckets_in_pages(server_factory):
    s3 = server_factory().client("s3")
    names = [f"bucket-{i}" for i in range(5)]
    for name in names:
        s3.create_bucket(Bucket=name)
    pages = list(s3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Buckets"]) for page in pages] == [2, 2, 1]
    assert [b["Name"] for page in pages for b in page["Buckets"]] == names


def test_expected_owner(s3, bucket, server):
    account = server.client("sts").get_caller_identity()["Account"]
    s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ExpectedBucketOwner=account)
    refused("403", s3.head_bucket, Bucket=bucket, ExpectedBucketOwner="999999999999")
    refused("AccessDenied", s3.put_object, Bucket=bucket, Key="k", Body=b"y",
            ExpectedBucketOwner="999999999999")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


# --- put and get ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 300000, 3 * MIB + 1])
def test_bytes_come_back(s3, bucket, size):
    data = body_of(size)
    put = s3.put_object(Bucket=bucket, Key="k", Body=data)
    assert put["ETag"] == quoted_md5(data)
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == data
    assert got["ETag"] == quoted_md5(data) and got["ContentLength"] == size
    assert got["ContentType"] == "binary/octet-stream"


@pytest.mark.parametrize("key", ["..", "../up", "/", "//", "a//b", "a/./b", "a b+c&d=e?f#g%h",
                                 "ünï/çødé/日本/😀", "x" * 1024, "\t", "<&>\"'", "a/", "%2F"])
def test_any_key(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    assert [o["Key"] for o in s3.list_objects(Bucket=bucket)["Contents"]] == [key]
    assert s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})["Deleted"] == [
        {"Key": key}]
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_key_that_is_too_long(s3, bucket):
    refused("KeyTooLongError", s3.put_object, Bucket=bucket, Key="x" * 1025, Body=b"x")


def test_what_is_stored_with_an_object(s3, bucket):
    expires = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/csv; charset=utf-8",
                  CacheControl="no-cache", ContentDisposition='attachment; filename="x.csv"',
                  ContentEncoding="gzip", ContentLanguage="de", Expires=expires,
                  StorageClass="STANDARD_IA", Metadata={"Mixed-Case": "Value", "n": "1"},
                  Tagging="a=1&b%20c=d%2Be")
    for answer in (s3.head_object(Bucket=bucket, Key="k"), s3.get_object(Bucket=bucket, Key="k")):
        assert answer["ContentType"] == "text/csv; charset=utf-8"
        assert answer["CacheControl"] == "no-cache"
        assert answer["ContentDisposition"] == 'attachment; filename="x.csv"'
        assert answer["ContentEncoding"] == "gzip" and answer["ContentLanguage"] == "de"
        assert answer["Expires"] == expires and answer["StorageClass"] == "STANDARD_IA"
        assert answer["Metadata"] == {"mixed-case": "Value", "n": "1"}
    assert s3.get_object(Bucket=bucket, Key="k")["TagCount"] == 2
    tags = s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert sorted((t["Key"], t["Value"]) for t in tags) == [("a", "1"), ("b c", "d+e")]
    answer = s3.get_object(Bucket=bucket, Key="k", ResponseContentType="text/plain",
                           ResponseCacheControl="max-age=1", ResponseContentLanguage="fr")
    assert (answer["ContentType"], answer["CacheControl"]) == ("text/plain", "max-age=1")
    assert answer["ContentLanguage"] == "fr"


def raw(server, method, path, headers, body=b""):
    connection = http.client.HTTPConnection(server.url.split("//")[1], timeout=60)
    connection.request(method, path, body=body, headers=headers)
    response = connection.getresponse()
    return response.status, response.headers, response.read()


@pytest.mark.parametrize("text", ["Wed, 02 Jan 2030 03:04:05 GMT", "2030-01-02", "never", "0"])
def test_expires_comes_back_as_it_was_written(server, s3, bucket, text):
    assert raw(server, "PUT", f"/{bucket}/k", {"Expires": text}, b"x")[0] == 200
    for method in ("HEAD", "GET"):
        assert raw(server, method, f"/{bucket}/k", {})[1]["Expires"] == text
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")
    assert raw(server, "HEAD", f"/{bucket}/copy", {})[1]["Expires"] == text
    _, headers, _ = raw(server, "GET", f"/{bucket}/k?response-expires=tomorrow", {})
    assert headers["Expires"] == "tomorrow"


# What S3's guide to metadata shows: the first line is its own example.
@pytest.mark.parametrize("sent, told", [
    ("ÄMÄZÕÑ S3", "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?="),
    ("=?UTF-8?B?w4RNw4Raw5XDkSBTMw==?=", "=?UTF-8?B?w4RNw4Raw5XDkSBTMw==?="),
    ("=?utf-8?q?=C3=84_b?= =?UTF-8?Q?c?= d", "=?UTF-8?B?w4QgYmMgZA==?="),
    ("AMAZONS3", "AMAZONS3"), ("", ""), ("=?UTF-8?X?a?= =?x", "=?UTF-8?X?a?= =?x")])
def test_metadata_that_are_empty_or_not_ascii(server, s3, bucket, sent, told):
    headers = {"x-amz-meta-it": sent.encode()}
    assert raw(server, "PUT", f"/{bucket}/k", headers, b"x")[0] == 200
    for method in ("HEAD", "GET"):
        assert raw(server, method, f"/{bucket}/k", {})[1]["x-amz-meta-it"] == told
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"it": told}


def test_there_are_no_torrents(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    refused("NoSuchKey", s3.get_object_torrent, Bucket=bucket, Key="k")
    refused("NoSuchBucket", s3.get_object_torrent, Bucket=bucket + "-not", Key="k")


def test_an_encoding_does_not_make_a_body_chunked(s3, bucket):
    for given, kept in [("gzip, aws-chunked", "gzip"), ("aws-chunked,gzip", "gzip"),
                        ("aws-chunked", None), ("deflate, gzip", "deflate, gzip")]:
        s3.put_object(Bucket=bucket, Key="k", Body=b"as it is", ContentEncoding=given)
        got = s3.get_object(Bucket=bucket, Key="k")
        assert (got.get("ContentEncoding"), got["Body"].read()) == (kept, b"as it is")


def test_a_redirect_leads_somewhere(s3, bucket):
    for to in ("/other", "http://x/y", "https://x"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", WebsiteRedirectLocation=to)
        assert s3.head_object(Bucket=bucket, Key="k")["WebsiteRedirectLocation"] == to
    refused("InvalidRedirectLocation", s3.put_object, Bucket=bucket, Key="k", Body=b"x",
            WebsiteRedirectLocation="other")


def test_a_checksum_of_another_kind_than_said(s3, bucket):
    refused("InvalidRequest", s3.put_object, Bucket=bucket, Key="k", Body=b"x",
            ChecksumAlgorithm="SHA1", ChecksumCRC32="jNxLpA==")


def test_metadata_limit(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"a": "v" * 2047})
    with pytest.raises(ClientError):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"a": "v" * 2048})


def test_missing_objects(s3, bucket):
    refused("NoSuchKey", s3.get_object, Bucket=bucket, Key="no")
    refused("404", s3.head_object, Bucket=bucket, Key="no")
    refused("NoSuchKey", s3.get_object_tagging, Bucket=bucket, Key="no")
    s3.delete_object(Bucket=bucket, Key="no")


def test_modified_is_not_before_the_upload(s3, bucket):
    before = time.time()
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    head = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"][0]["LastModified"]
    assert head == listed and before <= head.timestamp() < before + 30


@pytest.mark.parametrize("options", [{"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "0" * 32}])
def test_what_lathe_does_not_do_is_refused(s3, bucket, options):
    refused("NotImplemented", s3.put_object, Bucket=bucket, Key="k", Body=b"x", **options)
    refused("404", s3.head_object, Bucket=bucket, Key="k")


# --- ranges and conditions -------------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, 100000])
@pytest.mark.parametrize("asked, first, last", [("bytes=0-0", 0, 0), ("bytes=2-5", 2, 5),
                                                ("bytes=4-", 4, None), ("bytes=-3", -3, None),
                                                ("bytes=0-999999", 0, None),
                                                ("bytes=-999999", 0, None)])
def test_ranges(s3, bucket, size, asked, first, last):
    data = body_of(size)
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    first = first if first >= 0 else size + first
    last = size - 1 if last is None else last
    for call in (s3.get_object, s3.head_object):
        answer = call(Bucket=bucket, Key="k", Range=asked)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert answer["ContentRange"] == f"bytes {first}-{last}/{size}"
        assert answer["ContentLength"] == last - first + 1
        if "Body" in answer:
            assert answer["Body"].read() == data[first:last + 1]


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=11-12", "bytes=-0"])
def test_ranges_outside(s3, bucket, asked):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    answer = refused("InvalidRange", s3.get_object, Bucket=bucket, Key="k", Range=asked)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 416
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-range"].startswith("bytes */")
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    refused("InvalidRange", s3.get_object, Bucket=bucket, Key="empty", Range="bytes=0-")


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4"])
def test_ranges_that_are_none_give_all(s3, bucket, asked):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    answer = s3.get_object(Bucket=bucket, Key="k", Range=asked)
    assert answer["Body"].read() == b"0123456789"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_conditional_reads(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    hour = datetime.timedelta(hours=1)
    good = [{"IfMatch": etag}, {"IfMatch": "*"}, {"IfNoneMatch": '"other"'},
            {"IfModifiedSince": modified - hour}, {"IfUnmodifiedSince": modified},
            {"IfMatch": etag, "IfUnmodifiedSince": modified - hour},
            {"IfNoneMatch": '"other"', "IfModifiedSince": modified}]
    for condition in good:
        assert s3.get_object(Bucket=bucket, Key="k", **condition)["Body"].read() == b"x"
        s3.head_object(Bucket=bucket, Key="k", **condition)
    for condition in ({"IfMatch": '"other"'}, {"IfUnmodifiedSince": modified - hour}):
        refused("PreconditionFailed", s3.get_object, Bucket=bucket, Key="k", **condition)
        refused("412", s3.head_object, Bucket=bucket, Key="k", **condition)
    for condition in ({"IfNoneMatch": etag}, {"IfModifiedSince": modified},
                      {"IfNoneMatch": etag, "IfModifiedSince": modified - hour}):
        refused("304", s3.get_object, Bucket=bucket, Key="k", **condition)
        refused("304", s3.head_object, Bucket=bucket, Key="k", **condition)


def test_conditional_writes(s3, bucket):
    refused("NoSuchKey", s3.put_object, Bucket=bucket, Key="k", Body=b"x", IfMatch='"e"')
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")
    refused("PreconditionFailed", s3.put_object, Bucket=bucket, Key="k", Body=b"2",
            IfNoneMatch="*")
    s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=first["ETag"])
    refused("PreconditionFailed", s3.put_object, Bucket=bucket, Key="k", Body=b"4",
            IfMatch=first["ETag"])
    refused("PreconditionFailed", s3.delete_object, Bucket=bucket, Key="k", IfMatch=first["ETag"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"3"
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=quoted_md5(b"3"))
    refused("404", s3.head_object, Bucket=bucket, Key="k")


def test_one_of_many_creates_wins(server, bucket):
    won = []

    def create(number):
        try:
            server.client("s3").put_object(Bucket=bucket, Key="k", Body=str(number).encode(),
                                           IfNoneMatch="*")
            won.append(str(number).encode())
        except ClientError as error:
            assert error.response["Error"]["Code"] == "PreconditionFailed"

    threads = [threading.Thread(target=create, args=[i]) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert server.client("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == won[0]


# --- checksums -------------------------------------------------------------------------------------

REFERENCES = {
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "SHA1": lambda data: hashlib.sha1(data).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
    "SHA512": lambda data: hashlib.sha512(data).digest(),
}
# Check values of the CRC catalogue, for what Python's library lacks.
CATALOGUE = {"CRC32": "cbf43926", "CRC32C": "e3069283", "CRC64NVME": "ae8b14860a799888"}


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256", "SHA512"])
@pytest.mark.parametrize("size", [9, 200000])
def test_checksums_are_kept_and_returned(s3, bucket, algorithm, size):
    data = body_of(size)
    value = base64.b64encode(REFERENCES[algorithm](data)).decode()
    member = f"Checksum{algorithm}"
    assert s3.put_object(Bucket=bucket, Key="k", Body=data, **{member: value})[member] == value
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[member] == value and head["ChecksumType"] == "FULL_OBJECT"
    assert member not in s3.head_object(Bucket=bucket, Key="k")
    # A full get with the checksum asked for is verified by boto3 itself.
    assert s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["Body"].read() == data
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["ChecksumAlgorithm"] == [algorithm]


@pytest.mark.parametrize("algorithm", CATALOGUE)
def test_crcs_of_the_catalogue(s3, bucket, algorithm):
    value = base64.b64encode(bytes.fromhex(CATALOGUE[algorithm])).decode()
    member = f"Checksum{algorithm}"
    s3.put_object(Bucket=bucket, Key="k", Body=b"123456789", **{member: value})
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[member] == value
    wrong = base64.b64encode(bytes(len(value) * 3 // 4 - value.count("="))).decode()
    refused("BadDigest", s3.put_object, Bucket=bucket, Key="k", Body=b"12345678", **{member: wrong})
    refused("InvalidRequest", s3.put_object, Bucket=bucket, Key="k", Body=b"x", **{member: "AA=="})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"123456789"


def test_an_object_without_a_checksum_gets_s3s(server, bucket):
    s3 = server.client("s3", config=Config(request_checksum_calculation="when_required"))
    s3.put_object(Bucket=bucket, Key="k", Body=b"123456789")
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumCRC64NVME"] == base64.b64encode(
        bytes.fromhex(CATALOGUE["CRC64NVME"])).decode()


def test_content_md5(server, bucket):
    s3 = server.client("s3", config=Config(request_checksum_calculation="when_required"))
    right = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentMD5=right)
    refused("BadDigest", s3.put_object, Bucket=bucket, Key="k", Body=b"y", ContentMD5=right)
    refused("InvalidDigest", s3.put_object, Bucket=bucket, Key="k", Body=b"y", ContentMD5="AAAA")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


# --- copies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [5, 100000])
def test_copy(s3, bucket, size):
    data = body_of(size)
    s3.put_object(Bucket=bucket, Key="sö urce+", Body=data, ContentType="text/csv",
                  Metadata={"a": "1"}, Tagging="t=1")
    source = {"Bucket": bucket, "Key": "sö urce+"}
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    assert copied["CopyObjectResult"]["ETag"] == quoted_md5(data)
    head = s3.head_object(Bucket=bucket, Key="copy", ChecksumMode="ENABLED")
    assert (head["ContentType"], head["Metadata"]) == ("text/csv", {"a": "1"})
    assert head["ChecksumCRC32"] == crc32(data)
    assert s3.get_object_tagging(Bucket=bucket, Key="copy")["TagSet"] == [
        {"Key": "t", "Value": "1"}]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, MetadataDirective="REPLACE",
                   ContentType="text/plain", Metadata={"b": "2"}, TaggingDirective="REPLACE",
                   Tagging="u=2", ChecksumAlgorithm="SHA256")
    head = s3.head_object(Bucket=bucket, Key="copy", ChecksumMode="ENABLED")
    assert (head["ContentType"], head["Metadata"]) == ("text/plain", {"b": "2"})
    assert head["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(data).digest()).decode()
    s3.delete_object(Bucket=bucket, Key="sö urce+")
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == data


def test_copy_onto_itself(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"a": "1"})
    source = {"Bucket": bucket, "Key": "k"}
    refused("InvalidRequest", s3.copy_object, Bucket=bucket, Key="k", CopySource=source)
    s3.copy_object(Bucket=bucket, Key="k", CopySource=source, MetadataDirective="REPLACE",
                   Metadata={"b": "2"})
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == b"x" and got["Metadata"] == {"b": "2"}


def test_copy_conditions_and_errors(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    source = {"Bucket": bucket, "Key": "k"}
    refused("PreconditionFailed", s3.copy_object, Bucket=bucket, Key="c", CopySource=source,
            CopySourceIfMatch='"other"')
    refused("PreconditionFailed", s3.copy_object, Bucket=bucket, Key="c", CopySource=source,
            CopySourceIfNoneMatch=etag)
    s3.copy_object(Bucket=bucket, Key="c", CopySource=source, CopySourceIfMatch=etag)
    refused("NoSuchKey", s3.copy_object, Bucket=bucket, Key="c",
            CopySource={"Bucket": bucket, "Key": "no"})
    refused("NoSuchBucket", s3.copy_object, Bucket=bucket, Key="c",
            CopySource={"Bucket": "no-such-bucket", "Key": "k"})


# --- listings --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def listed(server):
    """A bucket with a tree of keys, and the keys in S3's order."""
    s3 = server.client("s3")
    name = f"listed-{time.time_ns()}"
    s3.create_bucket(Bucket=name)
    keys = [f"d{i}/e{j}/f{k}" for i in range(3) for j in range(3) for k in range(3)]
    keys += ["d1", "d1/", "top", "é", "z z+&"]
    for key in keys:
        s3.put_object(Bucket=name, Key=key, Body=b"x")
    return name, sorted(keys, key=str.encode)


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
def test_pages(s3, listed, operation, size):
    name, keys = listed
    pages = s3.get_paginator(operation).paginate(Bucket=name, PaginationConfig={"PageSize": size})
    assert [o["Key"] for page in pages for o in page.get("Contents", [])] == keys
    pages = list(s3.get_paginator(operation).paginate(Bucket=name, Delimiter="/",
                                                      PaginationConfig={"PageSize": size}))
    assert [p["Prefix"] for page in pages for p in page.get("CommonPrefixes", [])] == [
        "d0/", "d1/", "d2/"]
    assert [o["Key"] for page in pages for o in page.get("Contents", [])] == [
        "d1", "top", "z z+&", "é"]
    assert all(len(page.get("Contents", [])) + len(page.get("CommonPrefixes", [])) <= size
               for page in pages)


def test_an_empty_token_begins_the_listing_and_is_told_back(s3, listed):
    bucket, _ = listed
    answer = s3.list_objects_v2(Bucket=bucket, ContinuationToken="")
    assert answer["ContinuationToken"] == "" and answer["KeyCount"] > 0
    assert "ContinuationToken" not in s3.list_objects_v2(Bucket=bucket)


def test_listing_options(s3, listed):
    name, keys = listed
    answer = s3.list_objects_v2(Bucket=name, Prefix="d1/", Delimiter="/")
    assert [o["Key"] for o in answer["Contents"]] == ["d1/"]
    assert [p["Prefix"] for p in answer["CommonPrefixes"]] == ["d1/e0/", "d1/e1/", "d1/e2/"]
    assert (answer["KeyCount"], answer["Prefix"], answer["Delimiter"]) == (4, "d1/", "/")
    answer = s3.list_objects_v2(Bucket=name, StartAfter="d2/e2/f1", FetchOwner=True)
    assert [o["Key"] for o in answer["Contents"]] == ["d2/e2/f2", "top", "z z+&", "é"]
    assert all(o["Owner"]["ID"] for o in answer["Contents"])
    assert s3.list_objects_v2(Bucket=name, MaxKeys=0)["IsTruncated"] is False
    answer = s3.list_objects(Bucket=name, Marker="d2/e2/f1")
    assert [o["Key"] for o in answer["Contents"]] == ["d2/e2/f2", "top", "z z+&", "é"]
    refused("InvalidArgument", s3.list_objects_v2, Bucket=name, ContinuationToken="!")


# --- many at once ----------------------------------------------------------------------------------


def test_delete_objects(s3, bucket):
    for i in range(5):
        s3.put_object(Bucket=bucket, Key=f"k&{i}", Body=b"x")
    objects = [{"Key": f"k&{i}"} for i in range(3)] + [{"Key": "never"}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert [d["Key"] for d in answer["Deleted"]] == [o["Key"] for o in objects]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Quiet": True, "Objects": [
        {"Key": "k&3"}, {"Key": "k&4", "ETag": '"other"'}]})
    assert "Deleted" not in answer
    assert [(e["Key"], e["Code"]) for e in answer["Errors"]] == [("k&4", "PreconditionFailed")]
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k&4"]


def test_tags(s3, bucket):
    refused("NoSuchTagSet", s3.get_bucket_tagging, Bucket=bucket)
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket=bucket)
    refused("NoSuchTagSet", s3.get_bucket_tagging, Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == tags
    with pytest.raises(ClientError):
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={
            "TagSet": [{"Key": str(i), "Value": ""} for i in range(11)]})
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_presigned_urls(server, bucket):
    server.client("s3").put_object(Bucket=bucket, Key="k ü", Body=b"bytes")
    for version in ("s3", "s3v4"):
        client = server.client("s3", config=Config(signature_version=version))
        url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k ü"})
        assert urllib.request.urlopen(url).read() == b"bytes"
        url = client.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "p"})
        urllib.request.urlopen(urllib.request.Request(url, data=b"put", method="PUT"))
        assert client.get_object(Bucket=bucket, Key="p")["Body"].read() == b"put"


def test_unseekable_and_large_streams(s3, bucket):
    data = body_of(20 * MIB)
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
    s3.upload_fileobj(io.BytesIO(data), bucket, "k", Config=config)
    out = io.BytesIO()
    s3.download_fileobj(bucket, "k", out, Config=config)
    assert out.getvalue() == data

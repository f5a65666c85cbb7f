"""Multipart uploads as boto3 makes them."""

import base64
import concurrent.futures
import hashlib
import os
import random
import threading
import zlib

import pytest
from botocore.exceptions import ClientError

MIB = 1 << 20
PART = 5 * MIB


@pytest.fixture(scope="module")
def s3(server):
    return server.client("s3")


@pytest.fixture(scope="module")
def parts():
    """Two parts of S3's least size and a short last one."""
    generator = random.Random(7)
    return [generator.randbytes(PART), generator.randbytes(PART), generator.randbytes(1234)]


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response


def etag_of(parts):
    digests = b"".join(hashlib.md5(part).digest() for part in parts)
    return f'"{hashlib.md5(digests).hexdigest()}-{len(parts)}"'


def start(s3, bucket, **options):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", **options)
    return {"Bucket": bucket, "Key": "k", "UploadId": upload["UploadId"]}


def send(s3, upload, number, data, **options):
    answer = s3.upload_part(**upload, PartNumber=number, Body=data, **options)
    assert answer["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    members = {name: answer[name] for name in answer if name.startswith("Checksum")
               and name != "ChecksumType"}
    return {"PartNumber": number, "ETag": answer["ETag"], **members}


def finish(s3, upload, sent, **options):
    sent = sorted(sent, key=lambda part: part["PartNumber"])
    return s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": sent}, **options)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
def test_any_order(s3, bucket, parts, order):
    upload = start(s3, bucket, ContentType="text/csv", Metadata={"a": "1"}, Tagging="t=1")
    answer = finish(s3, upload, [send(s3, upload, n, parts[n - 1]) for n in order])
    assert answer["ETag"] == etag_of(parts)
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == b"".join(parts)
    assert (got["ContentType"], got["Metadata"], got["TagCount"]) == ("text/csv", {"a": "1"}, 1)


def test_parallel_parts(server, bucket, parts):
    s3 = server.client("s3")
    upload = start(s3, bucket)
    data = {n: bytes([n]) * PART for n in range(1, 9)}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda n: send(s3, upload, n, data[n]), reversed(data)))
    finish(s3, upload, sent)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"".join(data.values())


def test_composite_checksum(s3, bucket, parts):
    upload = start(s3, bucket, ChecksumAlgorithm="SHA256")
    sent = [send(s3, upload, n + 1, part, ChecksumAlgorithm="SHA256")
            for n, part in enumerate(parts)]
    digests = [hashlib.sha256(part).digest() for part in parts]
    assert [base64.b64decode(part["ChecksumSHA256"]) for part in sent] == digests
    answer = finish(s3, upload, sent)
    expected = base64.b64encode(hashlib.sha256(b"".join(digests)).digest()).decode() + "-3"
    assert (answer["ChecksumSHA256"], answer["ChecksumType"]) == (expected, "COMPOSITE")
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == expected


def test_full_object_checksum(s3, bucket, parts):
    whole = b"".join(parts)
    value = base64.b64encode(zlib.crc32(whole).to_bytes(4, "big")).decode()
    upload = start(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    sent = [send(s3, upload, n + 1, part, ChecksumAlgorithm="CRC32")
            for n, part in enumerate(parts)]
    refused("BadDigest", finish, s3=s3, upload=upload, sent=sent, ChecksumCRC32="AAAAAA==",
            ChecksumType="FULL_OBJECT")
    answer = finish(s3, upload, sent, ChecksumCRC32=value, ChecksumType="FULL_OBJECT")
    assert (answer["ChecksumCRC32"], answer["ChecksumType"]) == (value, "FULL_OBJECT")
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == whole  # boto3 verifies it on the way
    refused("InvalidRequest", s3.create_multipart_upload, Bucket=bucket, Key="k",
            ChecksumAlgorithm="SHA256", ChecksumType="FULL_OBJECT")


def test_what_completing_refuses(s3, bucket, parts):
    upload = start(s3, bucket)
    sent = [send(s3, upload, n + 1, part) for n, part in enumerate(parts)]

    def complete(listed):
        return s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": listed})

    refused("InvalidPartOrder", complete, listed=[sent[1], sent[0]])
    refused("InvalidPart", complete, listed=[{"PartNumber": 1, "ETag": '"0"'}])
    refused("InvalidPart", complete, listed=sent + [{**sent[0], "PartNumber": 9}])
    refused("MalformedXML", complete, listed=[])
    refused("404", s3.head_object, Bucket=bucket, Key="k")
    small = send(s3, upload, 1, b"small")
    refused("EntityTooSmall", complete, listed=[small, sent[1]])
    refused("InvalidArgument", s3.upload_part, **upload, PartNumber=10001, Body=b"x")
    refused("NoSuchUpload", s3.upload_part, Bucket=bucket, Key="k", UploadId="none", PartNumber=1,
            Body=b"x")
    refused("NoSuchUpload", s3.list_parts, Bucket=bucket, Key="other", UploadId=upload["UploadId"])
    complete([sent[1], sent[2]])  # parts may be left out
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == parts[1] + parts[2]


def test_completing_again_gives_the_same_answer(s3, bucket, parts):
    upload = start(s3, bucket)
    sent = [send(s3, upload, n + 1, part) for n, part in enumerate(parts)]
    first = finish(s3, upload, sent)
    assert finish(s3, upload, sent)["ETag"] == first["ETag"]


def test_conditional_completion(s3, bucket):
    upload = start(s3, bucket)
    sent = [send(s3, upload, 1, b"parts")]
    s3.put_object(Bucket=bucket, Key="k", Body=b"there")
    refused("PreconditionFailed", finish, s3=s3, upload=upload, sent=sent, IfNoneMatch="*")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"there"
    finish(s3, upload, sent)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"parts"


def test_reads_by_part(s3, bucket, parts):
    upload = start(s3, bucket)
    finish(s3, upload, [send(s3, upload, n + 1, part) for n, part in enumerate(parts)])
    for number, part in enumerate(parts, 1):
        got = s3.get_object(Bucket=bucket, Key="k", PartNumber=number)
        assert got["Body"].read() == part and got["PartsCount"] == 3
    for call in (s3.get_object, s3.head_object):
        with pytest.raises(ClientError) as caught:
            call(Bucket=bucket, Key="k", PartNumber=4)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    refused("InvalidPart", s3.get_object, Bucket=bucket, Key="k", PartNumber=4)
    refused("InvalidArgument", s3.get_object, Bucket=bucket, Key="none", PartNumber=0)
    refused("InvalidArgument", s3.get_object, Bucket=bucket, Key="none", PartNumber=10001)


@pytest.mark.parametrize("algorithm, type", [("SHA256", "COMPOSITE"), ("CRC32", "COMPOSITE"),
                                             ("CRC32", "FULL_OBJECT")])
def test_a_part_has_the_checksum_that_came_with_it(s3, bucket, parts, algorithm, type):
    upload = start(s3, bucket, ChecksumAlgorithm=algorithm, ChecksumType=type)
    member = "Checksum" + algorithm
    sent = [send(s3, upload, n + 1, part, ChecksumAlgorithm=algorithm)
            for n, part in enumerate(parts)]
    finish(s3, upload, sent)
    for part in sent:
        for call in (s3.get_object, s3.head_object):
            got = call(Bucket=bucket, Key="k", PartNumber=part["PartNumber"],
                       ChecksumMode="ENABLED")
            assert (got[member], got["ChecksumType"]) == (part[member], type)


def test_a_checksum_of_another_kind_is_refused(s3, bucket):
    upload = start(s3, bucket, ChecksumAlgorithm="SHA256")
    sent = [send(s3, upload, 1, b"x", ChecksumAlgorithm="SHA256")]
    refused("InvalidRequest", finish, s3=s3, upload=upload, sent=sent, ChecksumCRC32="jNxLpA==")
    finish(s3, upload, sent)


def test_the_last_of_one_number_counts(s3, bucket):
    upload = start(s3, bucket)
    sent = [send(s3, upload, 1, body) for body in (b"first", b"second")]
    finish(s3, upload, sent)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"second"


def test_listing_parts(s3, bucket, parts):
    upload = start(s3, bucket, ChecksumAlgorithm="CRC32")
    sent = [send(s3, upload, n, part) for n, part in zip((2, 5, 7), parts)]
    pages = list(s3.get_paginator("list_parts").paginate(**upload,
                                                         PaginationConfig={"PageSize": 2}))
    listed = [part for page in pages for part in page["Parts"]]
    assert len(pages) == 2 and [p["PartNumber"] for p in listed] == [2, 5, 7]
    assert [p["Size"] for p in listed] == [len(part) for part in parts]
    assert [p["ETag"] for p in listed] == [part["ETag"] for part in sent]
    assert pages[0]["ChecksumAlgorithm"] == "CRC32"


def test_listing_uploads_and_aborting(s3, bucket):
    started = []
    for key in ("a", "b/1", "b/2", "c", "c"):
        upload = s3.create_multipart_upload(Bucket=bucket, Key=key)
        started.append((key, upload["UploadId"]))
    pages = list(s3.get_paginator("list_multipart_uploads").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": 2}))
    assert [(u["Key"], u["UploadId"]) for page in pages for u in page.get("Uploads", [])] == started
    answer = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [u["Key"] for u in answer["Uploads"]] == ["a", "c", "c"]
    assert [p["Prefix"] for p in answer["CommonPrefixes"]] == ["b/"]
    assert [u["Key"] for u in s3.list_multipart_uploads(Bucket=bucket, Prefix="b/")["Uploads"]] == [
        "b/1", "b/2"]
    for key, upload in started:
        s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    refused("NoSuchUpload", s3.abort_multipart_upload, Bucket=bucket, Key="a",
            UploadId=started[0][1])


def test_parts_copied_from_an_object(s3, bucket, parts):
    whole = b"".join(parts)
    etag = s3.put_object(Bucket=bucket, Key="source", Body=whole)["ETag"]
    source = {"Bucket": bucket, "Key": "source"}
    upload = start(s3, bucket)
    sent = []
    for number, (first, last) in enumerate([(0, PART - 1), (PART, len(whole) - 1)], 1):
        answer = s3.upload_part_copy(**upload, PartNumber=number, CopySource=source,
                                     CopySourceRange=f"bytes={first}-{last}",
                                     CopySourceIfMatch=etag)
        sent.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
    refused("InvalidArgument", s3.upload_part_copy, **upload, PartNumber=3, CopySource=source,
            CopySourceRange=f"bytes=0-{len(whole)}")
    refused("PreconditionFailed", s3.upload_part_copy, **upload, PartNumber=3, CopySource=source,
            CopySourceIfMatch='"other"')
    finish(s3, upload, sent)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == whole


def test_an_upload_survives_a_restart(server_factory, parts):
    server = server_factory()
    s3 = server.client("s3")
    s3.create_bucket(Bucket="bucket")
    upload = start(s3, "bucket", ContentType="text/csv")
    sent = [send(s3, upload, 2, parts[1])]
    server.kill()
    server.start()
    s3 = server.client("s3")
    sent += [send(s3, upload, 3, parts[2]), send(s3, upload, 1, parts[0])]
    assert finish(s3, upload, sent)["ETag"] == etag_of(parts)
    got = s3.get_object(Bucket="bucket", Key="k")
    assert got["Body"].read() == b"".join(parts) and got["ContentType"] == "text/csv"

def test_an_upload_that_is_completed_and_aborted_at_once_ends_once(server, bucket):
    """Each racer is told that it ended the upload, or that there is none; and the object is whole,
    or not there."""
    s3 = server.client("s3")
    parts = [os.urandom(5 << 20), b"the end" * 1000]
    for number in range(12):
        key = f"raced-{number}"
        id = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        call = {"Bucket": bucket, "Key": key, "UploadId": id}
        order = [1, 0] if number % 2 else [0, 1]  # the short one first: not in its place
        tags = {n: s3.upload_part(**call, PartNumber=n + 1, Body=parts[n])["ETag"] for n in order}
        wanted = {"Parts": [{"PartNumber": n + 1, "ETag": tags[n]} for n in (0, 1)]}
        told = []

        def race(end, **more):
            try:
                end(**call, **more)
                told.append(end.__name__)
            except ClientError as error:
                told.append(error.response["Error"]["Code"])

        racers = [threading.Thread(target=race, args=(s3.complete_multipart_upload,),
                                   kwargs={"MultipartUpload": wanted}) for _ in range(2)]
        racers.insert(number % 3, threading.Thread(target=race, args=(s3.abort_multipart_upload,)))
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        assert set(told) <= {"complete_multipart_upload", "abort_multipart_upload", "NoSuchUpload"}
        try:
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            assert body == b"".join(parts) and "complete_multipart_upload" in told
        except ClientError as error:
            assert error.response["Error"]["Code"] == "NoSuchKey"
            assert "complete_multipart_upload" not in told


@pytest.mark.parametrize("same", [True, False])
def test_a_part_that_is_replaced_while_its_upload_completes(server, bucket, same):
    """The part counts as it was or as it then is: what is not the one that the client lists is an
    InvalidPart, and the same bytes sent again are no reason to refuse."""
    s3 = server.client("s3")
    first, last = os.urandom(PART), b"the end"
    again = first if same else os.urandom(PART)
    for number in range(8):
        upload = start(s3, bucket)
        sent = [send(s3, upload, 1, first), send(s3, upload, 2, last)]
        send(s3, upload, 1, first)  # with a file of its own
        over = threading.Event()

        def resend():
            while not over.is_set():
                try:
                    send(s3, upload, 1, again)
                except ClientError as error:
                    assert error.response["Error"]["Code"] == "NoSuchUpload"

        sender = threading.Thread(target=resend)
        sender.start()
        try:
            finish(s3, upload, sent)
        except ClientError as error:
            assert not same and error.response["Error"]["Code"] == "InvalidPart"
        else:
            assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == first + last
        finally:
            over.set()
            sender.join()

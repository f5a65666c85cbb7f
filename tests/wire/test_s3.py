"""S3's own ways: routes that must never be mistaken, wrapped bodies, presigned URLs, documents."""

import base64
import hashlib
import io
import socket
import time
import zlib

import pytest
from botocore.exceptions import ClientError


def route(echo, method, target, headers=None, body=None):
    """The operation that ran, or the error's code."""
    echo.answer()
    status, _, content = echo.http(method, target, body, headers)
    told = echo.seen()
    if told:
        return told["operation"]
    return f"{status} " + content.partition(b"<Code>")[2].partition(b"<")[0].decode()


COPY = {"x-amz-copy-source": "/b/k"}


@pytest.mark.parametrize("method, target, headers, expected", [
    ("GET", "/", None, "ListBuckets"),
    ("PUT", "/b/k", None, "PutObject"),
    ("PUT", "/b/k?x-id=PutObject", None, "PutObject"),
    ("PUT", "/b/k", COPY, "CopyObject"),
    ("PUT", "/b/k?partNumber=1&uploadId=u", None, "UploadPart"),
    ("PUT", "/b/k?partNumber=1&uploadId=u", COPY, "UploadPartCopy"),
    ("PUT", "/b", None, "CreateBucket"),
    ("PUT", "/b/", None, "CreateBucket"),
    ("GET", "/b/", None, "ListObjects"),
    ("GET", "/b?list-type=2", None, "ListObjectsV2"),
    ("GET", "/b?list-type=2&delimiter=&start-after=&prefix=", None, "ListObjectsV2"),
    ("GET", "/b?location", None, "GetBucketLocation"),
    ("GET", "/b?location=", None, "GetBucketLocation"),
    ("GET", "/b?uploads", None, "ListMultipartUploads"),
    ("GET", "/b/k?uploadId=u", None, "ListParts"),
    ("GET", "/b/k?tagging", None, "GetObjectTagging"),
    ("HEAD", "/b", None, "HeadBucket"),
    ("HEAD", "/b/k", None, "HeadObject"),
    ("POST", "/b/k?uploads", None, "CreateMultipartUpload"),
    ("POST", "/b/k?uploads=", None, "CreateMultipartUpload"),
    ("POST", "/b/k?uploadId=u", None, "CompleteMultipartUpload"),
    ("DELETE", "/b/k", None, "DeleteObject"),
    ("DELETE", "/b/k?uploadId=u", None, "AbortMultipartUpload"),
    ("DELETE", "/b/k?tagging", None, "DeleteObjectTagging"),
    ("DELETE", "/b", None, "DeleteBucket"),
    # What is not built, or not known, must not become what is.
    ("PUT", "/b/k?acl", None, "PutObjectAcl"),
    ("PUT", "/b/k?encryption", None, "501 NotImplemented"),
    ("PUT", "/b?website", None, "501 NotImplemented"),
    ("DELETE", "/b?replication", None, "501 NotImplemented"),
    ("DELETE", "/b/k?acl", None, "400 InvalidArgument"),
    ("DELETE", "/b?acl", None, "400 InvalidArgument"),
    ("PUT", "/b/k?partNumber=1", None, "400 InvalidArgument"),
    ("PUT", "/b/k?partNumber=1&uploadId=", None, "400 InvalidArgument"),
    ("PUT", "/b/k?partNumber=x&uploadId=u", None, "400 InvalidArgument"),
    ("GET", "/b?list-type=3", None, "400 InvalidArgument"),
    # What is no operation of S3's is somebody's own, and ignored.
    ("PUT", "/b/k?frobnicate&x-trace=1", None, "PutObject"),
    ("GET", "/b/k?v=1.2&customer_id=7&X-Amz-Nothing=1", None, "GetObject"),
    ("GET", "/b/k?policy=7&location", None, "GetObject"),
    ("GET", "/b/k?uploads", None, "GetObject"),
    ("PUT", "/b/k?policy", None, "400 InvalidArgument"),
    ("PUT", "/b/k?versionId=1", None, "400 InvalidArgument"),
    ("PUT", "/b/k?torrent", None, "400 InvalidArgument"),
    ("PUT", "/b/k?uploads", None, "400 InvalidArgument"),
    ("PUT", "/b/k?delete", None, "400 InvalidArgument"),
    ("DELETE", "/b/k?lifecycle", None, "400 InvalidArgument"),
    ("POST", "/b/k", None, "405 MethodNotAllowed"),
    ("PATCH", "/b/k", None, "405 MethodNotAllowed"),
    ("PUT", "/b/%zz", None, "400 InvalidArgument"),
    ("PUT", "/b/a%00b", None, "400 InvalidArgument"),
    ("PUT", "/b/%ff", None, "400 InvalidArgument"),
])
def test_route(echo, method, target, headers, expected):
    if method == "HEAD":
        echo.answer()
        echo.http(method, target)
        assert echo.seen()["operation"] == expected
    else:
        assert route(echo, method, target, headers) == expected


@pytest.mark.parametrize("target, key", [
    ("/b/a//b", "a//b"), ("/b//a", "/a"), ("/b/../c", "../c"), ("/b/./c", "./c"),
    ("/b/a%2Fb", "a/b"), ("/b/a+b", "a+b"), ("/b/a%2Bb%20c", "a+b c"), ("/b/p%3Dx/f", "p=x/f"),
    ("/b/%25zz", "%zz"), ("/b/a%2525", "a%25"), ("/b/a/", "a/"), ("/b/%C3%A9", "é"),
    ("/b/a%3Facl", "a?acl"), ("/b/a%0Ab", "a\nb"),
])
def test_keys_are_decoded_once(echo, target, key):
    echo.answer()
    echo.http("PUT", target, b"x")
    assert echo.seen()["request"]["Key"] == key
    assert echo.seen()["request"]["Bucket"] == "b"


V2 = "AWSAccessKeyId=a&Signature=b&Expires=9999999999"
V4 = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a"


@pytest.mark.parametrize("query, headers, members", [
    # Signature version 2 has any header in the query, and its own Expires.
    (f"{V2}&content-type=text/csv&cache-control=no-store", {},
     {"ContentType": "text/csv", "CacheControl": "no-store"}),
    (f"{V2}&Content-Type=text/csv", {"Content-Type": "text/x"}, {"ContentType": "text/x"}),
    ("content-type=text/csv", {}, {}), (f"{V4}&content-type=text/csv", {}, {}),
    # The checksums are those of the body that the URL's maker had.
    (f"{V4}&x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32&x-id=PutObject",
     {}, {}),
    (f"{V4}&X-Amz-Acl=private&x-amz-storage-class=STANDARD_IA", {},
     {"ACL": "private", "StorageClass": "STANDARD_IA"}),
    (f"{V4}&x-amz-meta-Owner=me&x-amz-meta-other=x", {"x-amz-meta-other": "y"},
     {"Metadata": {"owner": "me", "other": "y"}}),
])
def test_headers_of_a_presigned_url(echo, query, headers, members):
    echo.answer()
    echo.http("PUT", f"/b/k?{query}", b"x", headers)
    request = echo.seen()["request"]
    request.pop("ContentLength")
    assert request == {"Bucket": "b", "Key": "k", **members}


@pytest.mark.parametrize("text, time", [
    ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777), ("Sunday, 06-Nov-94 08:49:37 GMT", 784111777),
    ("Sun Nov  6 08:49:37 1994", 784111777), ("Sun Nov 16 08:49:37 1994", 784975777),
    ("garbage", None), ("", None), ("0", None), ("Sun, 36 Nov 1994 08:49:37 GMT", None),
    ("Sun, 06 Nov 1994 08:49:37 GMT; more", None), ("1994-11-06T08:49:37Z", None)])
def test_dates_of_conditions(echo, text, time):
    for header, member in [("If-Modified-Since", "IfModifiedSince"),
                           ("If-Unmodified-Since", "IfUnmodifiedSince")]:
        echo.answer()
        echo.http("GET", "/b/k", headers={header: text})
        assert echo.seen()["request"].get(member) == time


def test_bucket_in_the_host(echo):
    for target, expected in [("/k/l", ("PutObject", "my.bucket", "k/l")),
                             ("/", ("CreateBucket", "my.bucket", None))]:
        echo.answer()
        echo.http("PUT", target, headers={"Host": f"my.bucket.localhost:{echo.port}"})
        told = echo.seen()
        assert (told["operation"], told["request"]["Bucket"],
                told["request"].get("Key")) == expected


def test_put_through_boto3(echo):
    echo.answer({"ETag": '"x"'})
    body = bytes(range(256)) * 50
    answer = echo.client("s3").put_object(Bucket="bkt", Key="k", Body=io.BytesIO(body),
                                          Metadata={"Owner": "me"}, ContentType="text/csv")
    assert answer["ETag"] == '"x"'
    assert echo.seen_body() == body
    request = echo.seen()["request"]
    crc = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    assert request == {"Bucket": "bkt", "Key": "k", "ContentLength": len(body),
                       "Metadata": {"owner": "me"}, "ContentType": "text/csv",
                       "ChecksumAlgorithm": "CRC32", "ChecksumCRC32": crc}


def chunked(body, size, trailer=b"", signed=False):
    mark = b";chunk-signature=" + b"0" * 64 if signed else b""
    parts = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x%s\r\n%s\r\n" % (len(p), mark, p) for p in parts + [b""])[:-2] + (
        trailer + b"\r\n")


def put_chunked(echo, sent, length, **more):
    headers = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
               "Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": str(length),
               **more}
    echo.answer()
    status, _, content = echo.http("PUT", "/b/k", sent, headers)
    return f"{status} " + content.partition(b"<Code>")[2].partition(b"<")[0].decode()


BODY = bytes(range(256)) * 1000
CRC32 = base64.b64encode(zlib.crc32(BODY).to_bytes(4, "big"))
TRAILER = {"x-amz-trailer": "x-amz-checksum-crc32"}


@pytest.mark.parametrize("size", [1, 7, 8191, 8192, 8193, 65536, 1 << 20])
@pytest.mark.parametrize("signed", [False, True])
def test_aws_chunked(echo, size, signed):
    body = BODY[:2000] if size < 100 else BODY
    crc = base64.b64encode(zlib.crc32(body).to_bytes(4, "big"))
    sent = chunked(body, size, b"x-amz-checksum-crc32:" + crc + b"\r\n", signed)
    assert put_chunked(echo, sent, len(body), **TRAILER) == "200 "
    assert echo.seen_body() == body
    request = echo.seen()["request"]
    assert request["ContentLength"] == len(body)
    assert request["ChecksumAlgorithm"] == "CRC32"
    assert "ContentEncoding" not in request


def test_aws_chunked_keeps_the_objects_own_encoding(echo):
    sent = chunked(BODY, 65536)
    assert put_chunked(echo, sent, len(BODY), **{"Content-Encoding": "gzip,aws-chunked"}) == "200 "
    assert echo.seen()["request"]["ContentEncoding"] == "gzip"


@pytest.mark.parametrize("sent, length, headers, expected", [
    (chunked(BODY, 65536, b"x-amz-checksum-crc32:AAAAAA==\r\n"), len(BODY), TRAILER,
     "400 BadDigest"),
    (chunked(BODY, 65536), len(BODY), TRAILER, "400 InvalidRequest"),  # the trailer is missing
    (chunked(BODY, 65536), len(BODY) + 1, {}, "400 IncompleteBody"),
    (chunked(BODY, 65536), len(BODY) - 1, {}, "400 InvalidRequest"),
    (chunked(BODY, 65536)[:-70000], len(BODY), {}, "400 IncompleteBody"),
    (b"zz\r\n", 5, {}, "400 InvalidRequest"),
    (b"5\r\nhelloworld\r\n0\r\n\r\n", 5, {}, "400 InvalidRequest"),
    (b"ffffffffffffffff\r\n", 5, {}, "400 InvalidRequest"),
    (b"", 5, {}, "400 IncompleteBody"),
    (b"5;" + b"x" * 5000 + b"\r\nhello\r\n0\r\n\r\n", 5, {}, "400 InvalidRequest"),
    (b"0\r\n\r\n", 0, {"x-amz-trailer": "x-amz-sugar"}, "400 InvalidRequest"),
])
def test_aws_chunked_that_is_wrong(echo, sent, length, headers, expected):
    assert put_chunked(echo, sent, length, **headers) == expected
    assert echo.seen() is None


def test_content_sha256(echo):
    echo.answer()
    digest = hashlib.sha256(BODY).hexdigest()
    assert echo.http("PUT", "/b/k", BODY, {"x-amz-content-sha256": digest})[0] == 200
    assert echo.seen_body() == BODY
    echo.answer()
    status, _, content = echo.http("PUT", "/b/k", BODY[1:], {"x-amz-content-sha256": digest})
    assert status == 400 and b"XAmzContentSHA256Mismatch" in content
    assert echo.seen() is None


def presigned(echo, signature_version, expires=60, method="get_object", **params):
    client = echo.client("s3", signature_version=signature_version)
    return client.generate_presigned_url(method, {"Bucket": "bkt", "Key": "a b/ü+=", **params},
                                         ExpiresIn=expires).split(str(echo.port), 1)[1]


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned(echo, version):
    echo.answer({"ContentType": "text/csv"}, body=b"1,2")
    status, headers, content = echo.http("GET", presigned(echo, version))
    assert (status, content, headers["content-type"]) == (200, b"1,2", "text/csv")
    assert echo.seen()["request"] == {"Bucket": "bkt", "Key": "a b/ü+="}
    echo.answer()
    assert echo.http("PUT", presigned(echo, version, method="put_object"), b"x")[0] == 200
    assert echo.seen_body() == b"x"


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_expires(echo, version):
    url = presigned(echo, version, expires=1)
    time.sleep(2.1)
    echo.answer(body=b"")
    status, _, content = echo.http("GET", url)
    assert status == 403
    assert b"<Code>AccessDenied</Code>" in content and b"Request has expired" in content
    assert echo.seen() is None


def test_delete_objects_checks_its_body(echo):
    xml = b"<Delete><Object><Key>a&amp;b</Key></Object><Object><Key>c</Key></Object></Delete>"
    md5 = base64.b64encode(hashlib.md5(xml).digest()).decode()
    echo.answer({"Deleted": [{"Key": "a&b"}]})
    status, _, content = echo.http("POST", "/b?delete", xml, {"Content-MD5": md5})
    assert status == 200 and b"<Deleted><Key>a&amp;b</Key></Deleted>" in content
    assert echo.seen()["request"]["Delete"] == {"Objects": [{"Key": "a&b"}, {"Key": "c"}]}
    echo.answer()
    status, _, content = echo.http("POST", "/b?delete", xml + b" ", {"Content-MD5": md5})
    assert status == 400 and b"<Code>BadDigest</Code>" in content
    assert echo.seen() is None


@pytest.mark.parametrize("xml", [
    b"<Delete><Object><Key>a</Key></Object>", b"nonsense", b"<Delete><Object/></Delete>",
    b"<Delete><Object><Key>a</Key><Colour>red</Colour></Object></Delete>",
    b'<!DOCTYPE d [<!ENTITY x "y">]><Delete><Object><Key>&x;</Key></Object></Delete>',
    b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&x;</Key>'
    b"</Object></Delete>",
    b"<Delete>" + b"<Object>" * 5000,
    b"<Delete><Quiet>true</Quiet><Quiet>true</Quiet></Delete>",
    b"<Delete><Quiet>maybe</Quiet><Object><Key>a</Key></Object></Delete>",
])
def test_xml_that_is_wrong(echo, xml):
    echo.answer()
    status, _, content = echo.http("POST", "/b?delete", xml)
    assert status == 400 and (b"<Code>MalformedXML</Code>" in content or
                              b"<Code>InvalidArgument</Code>" in content), content
    assert b"root:" not in content
    assert echo.seen() is None


def test_documents_have_the_names_that_s3_gives_them(echo):
    for method, target, root in [("GET", "/", "ListAllMyBucketsResult"),
                                 ("GET", "/b?list-type=2", "ListBucketResult"),
                                 ("GET", "/b", "ListBucketResult"),
                                 ("POST", "/b/k?uploads", "InitiateMultipartUploadResult"),
                                 ("POST", "/b/k?uploadId=u", "CompleteMultipartUploadResult"),
                                 ("GET", "/b/k?uploadId=u", "ListPartsResult"),
                                 ("GET", "/b?lifecycle", "LifecycleConfiguration"),
                                 ("GET", "/b?versioning", "VersioningConfiguration"),
                                 ("GET", "/b?website", "WebsiteConfiguration")]:
        echo.answer()
        _, headers, content = echo.http(method, target)
        assert f'<{root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'.encode() in content
        assert headers["content-type"] == "application/xml"
    echo.answer({"CopyObjectResult": {"ETag": '"e"', "LastModified": 0}})
    _, _, content = echo.http("PUT", "/b/k", headers=COPY)
    assert b"<ETag>&quot;e&quot;</ETag><LastModified>1970-01-01T00:00:00" in content


def test_location(echo):
    client = echo.client("s3")
    echo.answer()
    assert client.get_bucket_location(Bucket="bkt")["LocationConstraint"] is None
    echo.answer({"LocationConstraint": "eu-west-1"})
    assert client.get_bucket_location(Bucket="bkt")["LocationConstraint"] == "eu-west-1"


def test_ranges_answer_206_and_head_has_a_length_without_a_body(echo):
    echo.answer({"ContentRange": "bytes 0-2/9", "ContentLength": 3}, body=b"abc")
    answer = echo.client("s3").get_object(Bucket="bkt", Key="k", Range="bytes=0-2")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert answer["Body"].read() == b"abc" and answer["ContentLength"] == 3
    echo.answer({"ContentLength": 12345, "LastModified": 1e9, "Metadata": {"owner": "me"}})
    answer = echo.client("s3").head_object(Bucket="bkt", Key="k")
    assert (answer["ContentLength"], answer["Metadata"]) == (12345, {"owner": "me"})
    assert answer["LastModified"].timestamp() == 1e9


def test_headers_of_several_lines(echo):
    """As clients in Go write lists, and as S3 joins metadata."""
    echo.answer()
    lines = [b"GET /b/k?attributes HTTP/1.1", b"Host: localhost", b"Connection: close",
             b"x-amz-object-attributes: ETag", b"X-Amz-Object-Attributes: Checksum,ObjectSize",
             b"", b""]
    with socket.create_connection(("127.0.0.1", echo.port)) as connection:
        connection.sendall(b"\r\n".join(lines))
        connection.makefile("rb").read()
    assert echo.seen()["request"]["ObjectAttributes"] == ["ETag", "Checksum", "ObjectSize"]
    echo.answer()
    lines = [b"PUT /b/k HTTP/1.1", b"Host: localhost", b"Connection: close", b"Content-Length: 0",
             b"x-amz-meta-a: 1", b"x-amz-meta-b: 2", b"x-amz-meta-A: 3,4", b"", b""]
    with socket.create_connection(("127.0.0.1", echo.port)) as connection:
        connection.sendall(b"\r\n".join(lines))
        connection.makefile("rb").read()
    assert echo.seen()["request"]["Metadata"] == {"a": "1,3,4", "b": "2"}


def test_presigned_queries_that_are_wrong(echo):
    for query in ("X-Amz-Expires=-1&X-Amz-Date=20260131T102030Z",
                  "X-Amz-Expires=604801&X-Amz-Date=20260131T102030Z", "X-Amz-Expires=60"):
        status, _, content = echo.http("GET", f"/b/k?{V4}&{query}")
        assert status == 400 and b"<Code>AuthorizationQueryParametersError</Code>" in content


def test_s3s_own_names_of_errors(echo, codes):
    echo.answer(error={"code": codes["InternalFailure"], "message": "no disk"})
    status, _, content = echo.http("GET", "/b/k")
    assert status == 500 and b"<Code>InternalError</Code>" in content
    status, _, content = echo.http("OPTIONS", "/b/k")  # nobody's preflight
    assert status == 400 and b"BadRequest" in content


def test_errors(echo, codes):
    echo.answer({"BucketName": "bkt"}, error={"code": codes["NoSuchBucket"], "message": "no <b>"})
    with pytest.raises(ClientError) as caught:
        echo.client("s3").list_objects_v2(Bucket="bkt")
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"], error["BucketName"]) == ("NoSuchBucket", "no <b>",
                                                                      "bkt")
    assert caught.value.response["ResponseMetadata"]["HostId"]
    _, headers, content = echo.http("GET", "/b/a%20b")
    assert b"<Resource>/b/a%20b</Resource>" in content
    assert headers["x-amz-request-id"].encode() in content
    with pytest.raises(ClientError) as caught:
        echo.client("s3").head_object(Bucket="bkt", Key="k")
    assert caught.value.response["Error"]["Code"] == "404"
    echo.answer(error={"code": codes["NotModified"], "message": "same"})
    status, _, content = echo.http("GET", "/b/k", headers={"If-None-Match": "x"})
    assert (status, content) == (304, b"")

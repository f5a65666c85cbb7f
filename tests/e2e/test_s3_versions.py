"""Versions, delete markers and object lock as boto3 asks for them and shows them."""

import datetime

import pytest
from botocore.exceptions import ClientError

LARGE = b"0123456789abcdef" * 8192  # a file of its own


@pytest.fixture(scope="module")
def s3(server):
    return server.client("s3")


@pytest.fixture
def versioned(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


@pytest.fixture
def locked(s3, request):
    name = "locked-" + request.node.name.replace("_", "-")[-40:].strip("-")
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response


def listed(s3, bucket, **arguments):
    """(key, version, latest, marker) in the order of the reply, which boto3 takes apart."""
    reply = s3.list_object_versions(Bucket=bucket, **arguments)
    rows = [(item["Key"], item["VersionId"], item["IsLatest"], kind == "DeleteMarkers")
            for kind in ("Versions", "DeleteMarkers") for item in reply.get(kind, [])]
    return rows, reply


def in_days(days):
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    return now + datetime.timedelta(days=days)


def test_a_bucket_says_whether_it_keeps_versions(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert "VersionId" not in s3.put_object(Bucket=bucket, Key="k", Body=b"0")
    assert "VersionId" not in s3.head_object(Bucket=bucket, Key="k")
    for status in ("Enabled", "Suspended"):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == status
    assert s3.head_object(Bucket=bucket, Key="k")["VersionId"] == "null"
    refused("MalformedXML", s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={})


def test_versions_of_an_object(s3, versioned):
    ids = [s3.put_object(Bucket=versioned, Key="k", Body=body, Metadata={"n": str(n)})["VersionId"]
           for n, body in enumerate((b"first", LARGE, b"third"))]
    for n, (id, body) in enumerate(zip(ids, (b"first", LARGE, b"third"))):
        got = s3.get_object(Bucket=versioned, Key="k", VersionId=id)
        assert got["Body"].read() == body and got["VersionId"] == id
        assert s3.head_object(Bucket=versioned, Key="k", VersionId=id)["Metadata"] == {"n": str(n)}
    assert s3.get_object(Bucket=versioned, Key="k")["VersionId"] == ids[2]
    rows, _ = listed(s3, versioned)
    assert rows == [("k", ids[2], True, False), ("k", ids[1], False, False),
                    ("k", ids[0], False, False)]
    refused("NoSuchVersion", s3.get_object, Bucket=versioned, Key="k", VersionId="none")
    refused("NoSuchVersion", s3.get_object, Bucket=versioned, Key="other", VersionId=ids[0])
    refused("BucketNotEmpty", s3.delete_bucket, Bucket=versioned)


def test_delete_markers(s3, versioned):
    id = s3.put_object(Bucket=versioned, Key="k", Body=LARGE)["VersionId"]
    deleted = s3.delete_object(Bucket=versioned, Key="k")
    marker = deleted["VersionId"]
    assert deleted["DeleteMarker"] and marker != id
    headers = refused("NoSuchKey", s3.get_object, Bucket=versioned,
                      Key="k")["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-delete-marker"] == "true" and headers["x-amz-version-id"] == marker
    reply = refused("MethodNotAllowed", s3.get_object, Bucket=versioned, Key="k", VersionId=marker)
    headers = reply["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-delete-marker"] == "true" and headers["last-modified"]
    assert headers["allow"] == "DELETE"
    assert "Contents" not in s3.list_objects_v2(Bucket=versioned)
    assert listed(s3, versioned)[0] == [("k", id, False, False), ("k", marker, True, True)]
    assert s3.get_object(Bucket=versioned, Key="k", VersionId=id)["Body"].read() == LARGE
    # The marker goes, and the object is back.
    gone = s3.delete_object(Bucket=versioned, Key="k", VersionId=marker)
    assert gone["DeleteMarker"] and gone["VersionId"] == marker
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == LARGE
    s3.delete_object(Bucket=versioned, Key="k", VersionId=id)
    assert listed(s3, versioned)[0] == []
    s3.delete_bucket(Bucket=versioned)


def test_deleting_the_newest_version_makes_the_one_before_current(s3, versioned):
    first = s3.put_object(Bucket=versioned, Key="k", Body=b"first")["VersionId"]
    second = s3.put_object(Bucket=versioned, Key="k", Body=b"second")["VersionId"]
    gone = s3.delete_object(Bucket=versioned, Key="k", VersionId=second)
    assert gone["VersionId"] == second and "DeleteMarker" not in gone
    got = s3.get_object(Bucket=versioned, Key="k")
    assert got["Body"].read() == b"first" and got["VersionId"] == first
    assert listed(s3, versioned)[0] == [("k", first, True, False)]


def test_a_suspended_bucket_replaces_what_has_no_id(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"before")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    kept = s3.put_object(Bucket=bucket, Key="k", Body=b"kept")["VersionId"]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    for body in (b"suspended", b"again"):
        s3.put_object(Bucket=bucket, Key="k", Body=body)
    assert listed(s3, bucket)[0] == [("k", "null", True, False), ("k", kept, False, False)]
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"again"
    deleted = s3.delete_object(Bucket=bucket, Key="k")
    assert deleted["DeleteMarker"] and deleted["VersionId"] == "null"
    assert listed(s3, bucket)[0] == [("k", kept, False, False), ("k", "null", True, True)]
    s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"


def test_copies_tags_and_deletes_of_versions(s3, versioned):
    old = s3.put_object(Bucket=versioned, Key="k", Body=LARGE, Tagging="n=1")["VersionId"]
    new = s3.put_object(Bucket=versioned, Key="k", Body=b"new")["VersionId"]
    source = {"Bucket": versioned, "Key": "k", "VersionId": old}
    copied = s3.copy_object(Bucket=versioned, Key="k", CopySource=source)
    assert copied["CopySourceVersionId"] == old and copied["VersionId"] not in (old, new)
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == LARGE
    tags = s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=old)
    assert tags["TagSet"] == [{"Key": "n", "Value": "1"}] and tags["VersionId"] == old
    s3.put_object_tagging(Bucket=versioned, Key="k", VersionId=new,
                          Tagging={"TagSet": [{"Key": "n", "Value": "2"}]})
    assert s3.head_object(Bucket=versioned, Key="k", VersionId=new)["TagCount"] == 1
    s3.delete_object_tagging(Bucket=versioned, Key="k", VersionId=old)
    assert s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=old)["TagSet"] == []
    reply = s3.delete_objects(Bucket=versioned, Delete={"Objects": [
        {"Key": "k", "VersionId": old}, {"Key": "k"}, {"Key": "never"}]})
    by_version = {(item["Key"], item.get("VersionId")): item for item in reply["Deleted"]}
    assert "DeleteMarker" not in by_version["k", old]
    assert by_version["k", None]["DeleteMarker"] and by_version["never", None]["DeleteMarker"]
    marker = by_version["k", None]["DeleteMarkerVersionId"]
    reply = s3.delete_objects(Bucket=versioned,
                              Delete={"Objects": [{"Key": "k", "VersionId": marker}]})
    assert reply["Deleted"] == [{"Key": "k", "VersionId": marker, "DeleteMarker": True,
                                 "DeleteMarkerVersionId": marker}]
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == LARGE


def test_tags_come_in_order_and_at_most_ten(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="foo=1&bar&baz=3")
    tags = s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert [(tag["Key"], tag["Value"]) for tag in tags] == [("bar", ""), ("baz", "3"), ("foo", "1")]
    eleven = [{"Key": str(n), "Value": "v"} for n in range(11)]
    refused("InvalidTag", s3.put_object_tagging, Bucket=bucket, Key="k",
            Tagging={"TagSet": eleven})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == tags


def test_uploads_in_parts_make_versions(s3, versioned):
    ids = []
    for body in (b"one", b"two"):
        id = s3.create_multipart_upload(Bucket=versioned, Key="k")["UploadId"]
        part = s3.upload_part(Bucket=versioned, Key="k", UploadId=id, PartNumber=1, Body=body)
        ids.append(s3.complete_multipart_upload(
            Bucket=versioned, Key="k", UploadId=id,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})["VersionId"])
    id = s3.create_multipart_upload(Bucket=versioned, Key="of-a-version")["UploadId"]
    part = s3.upload_part_copy(Bucket=versioned, Key="of-a-version", UploadId=id, PartNumber=1,
                               CopySource={"Bucket": versioned, "Key": "k", "VersionId": ids[0]})
    assert part["CopySourceVersionId"] == ids[0]
    assert [s3.get_object(Bucket=versioned, Key="k", VersionId=id)["Body"].read()
            for id in ids] == [b"one", b"two"]


def test_listing_versions_in_pages(s3, versioned):
    keys = ["a/1", "a/2", "b", "c d/ä", "e"]
    for _ in range(3):
        for key in keys:
            s3.put_object(Bucket=versioned, Key=key, Body=b"x")
    s3.delete_object(Bucket=versioned, Key="b")
    rows, reply = listed(s3, versioned)
    assert len(rows) == 16 and not reply["IsTruncated"]
    for size in (1, 2, 7):
        pages = list(s3.get_paginator("list_object_versions").paginate(
            Bucket=versioned, PaginationConfig={"PageSize": size}))
        versions = [item["VersionId"] for page in pages for item in page.get("Versions", [])]
        assert versions == [row[1] for row in rows if not row[3]]
        assert sum(len(page.get("DeleteMarkers", [])) for page in pages) == 1
    _, reply = listed(s3, versioned, Delimiter="/")
    assert [item["Prefix"] for item in reply["CommonPrefixes"]] == ["a/", "c d/"]
    assert {item["Key"] for item in reply["Versions"]} == {"b", "e"}
    rows, reply = listed(s3, versioned, Prefix="c")
    assert {row[0] for row in rows} == {"c d/ä"}  # which boto3 asks for encoded
    refused("InvalidArgument", s3.list_object_versions, Bucket=versioned, VersionIdMarker="x")


def test_the_latest_version_is_so_on_any_page(s3, versioned):
    """Also where the version on top, with which the page before ended, is gone: the next one is
    the latest then, a delete marker too."""
    ids = [s3.put_object(Bucket=versioned, Key="k", Body=b"x")["VersionId"]]
    ids += [s3.delete_object(Bucket=versioned, Key="k")["VersionId"] for _ in range(2)]
    after = {"KeyMarker": "k", "VersionIdMarker": ids[2]}
    rows, _ = listed(s3, versioned, **after)
    assert sorted(row[1:3] for row in rows) == sorted([(ids[1], False), (ids[0], False)])
    s3.delete_object(Bucket=versioned, Key="k", VersionId=ids[2])
    rows, _ = listed(s3, versioned, **after)
    assert sorted(row[1:3] for row in rows) == sorted([(ids[1], True), (ids[0], False)])


# --- object lock ----------------------------------------------------------------------------------


def test_lock_configuration(s3, locked, bucket):
    assert s3.get_bucket_versioning(Bucket=locked)["Status"] == "Enabled"
    got = s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"]
    assert got == {"ObjectLockEnabled": "Enabled"}
    rule = {"ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 1}}}
    s3.put_object_lock_configuration(Bucket=locked, ObjectLockConfiguration=rule)
    assert s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"] == rule
    refused("InvalidBucketState", s3.put_bucket_versioning, Bucket=locked,
            VersioningConfiguration={"Status": "Suspended"})
    refused("ObjectLockConfigurationNotFoundError", s3.get_object_lock_configuration, Bucket=bucket)
    refused("InvalidBucketState", s3.put_object_lock_configuration, Bucket=bucket,
            ObjectLockConfiguration=rule)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=rule)
    for retention in ({"Mode": "GOVERNANCE"}, {"Mode": "GOVERNANCE", "Days": 1, "Years": 1},
                      {"Days": 1}):
        refused("MalformedXML", s3.put_object_lock_configuration, Bucket=locked,
                ObjectLockConfiguration={"ObjectLockEnabled": "Enabled",
                                         "Rule": {"DefaultRetention": retention}})


def test_a_default_retention_is_the_new_objects(s3, locked):
    s3.put_object_lock_configuration(Bucket=locked, ObjectLockConfiguration={
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 2}}})
    id = s3.put_object(Bucket=locked, Key="k", Body=b"x")["VersionId"]
    head = s3.head_object(Bucket=locked, Key="k")
    assert head["ObjectLockMode"] == "GOVERNANCE"
    left = head["ObjectLockRetainUntilDate"] - in_days(2)
    assert abs(left) < datetime.timedelta(minutes=1)
    refused("AccessDenied", s3.delete_object, Bucket=locked, Key="k", VersionId=id)
    reply = s3.delete_objects(Bucket=locked, Delete={"Objects": [{"Key": "k", "VersionId": id}]})
    assert reply["Errors"][0]["Code"] == "AccessDenied" and reply["Errors"][0]["VersionId"] == id
    marker = s3.delete_object(Bucket=locked, Key="k")["VersionId"]  # hides it, deletes nothing
    s3.delete_object(Bucket=locked, Key="k", VersionId=marker)
    s3.delete_object(Bucket=locked, Key="k", VersionId=id, BypassGovernanceRetention=True)
    refused("404", s3.head_object, Bucket=locked, Key="k", VersionId=id)


def test_retention_can_only_grow(s3, locked, bucket):
    id = s3.put_object(Bucket=locked, Key="k", Body=b"x", ObjectLockMode="COMPLIANCE",
                       ObjectLockRetainUntilDate=in_days(2))["VersionId"]

    def put(mode, days, **more):
        return s3.put_object_retention(
            Bucket=locked, Key="k", VersionId=id,
            Retention={"Mode": mode, "RetainUntilDate": in_days(days)}, **more)

    put("COMPLIANCE", 3)
    got = s3.get_object_retention(Bucket=locked, Key="k", VersionId=id)["Retention"]
    assert got == {"Mode": "COMPLIANCE", "RetainUntilDate": in_days(3)} or \
        abs(got["RetainUntilDate"] - in_days(3)) < datetime.timedelta(minutes=1)
    for mode, days in (("COMPLIANCE", 1), ("GOVERNANCE", 9)):
        with pytest.raises(ClientError, match="AccessDenied"):
            put(mode, days, BypassGovernanceRetention=True)
    refused("AccessDenied", s3.delete_object, Bucket=locked, Key="k", VersionId=id,
            BypassGovernanceRetention=True)
    refused("InvalidArgument", s3.put_object_retention, Bucket=locked, Key="k",
            Retention={"Mode": "COMPLIANCE", "RetainUntilDate": in_days(-1)})
    s3.put_object(Bucket=locked, Key="free", Body=b"x")
    refused("NoSuchObjectLockConfiguration", s3.get_object_retention, Bucket=locked, Key="free")
    refused("InvalidArgument", s3.put_object, Bucket=locked, Key="k", Body=b"x",
            ObjectLockMode="GOVERNANCE")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    refused("InvalidRequest", s3.get_object_retention, Bucket=bucket, Key="k")
    refused("InvalidRequest", s3.put_object, Bucket=bucket, Key="k", Body=b"x",
            ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=in_days(1))


def test_a_legal_hold_is_lifted_and_not_bypassed(s3, locked):
    id = s3.create_multipart_upload(Bucket=locked, Key="k",
                                    ObjectLockLegalHoldStatus="ON")["UploadId"]
    part = s3.upload_part(Bucket=locked, Key="k", UploadId=id, PartNumber=1, Body=LARGE)
    version = s3.complete_multipart_upload(
        Bucket=locked, Key="k", UploadId=id,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})["VersionId"]
    assert s3.get_object_legal_hold(Bucket=locked, Key="k")["LegalHold"] == {"Status": "ON"}
    refused("AccessDenied", s3.delete_object, Bucket=locked, Key="k", VersionId=version,
            BypassGovernanceRetention=True)
    s3.put_object_legal_hold(Bucket=locked, Key="k", LegalHold={"Status": "OFF"})
    assert s3.head_object(Bucket=locked, Key="k")["ObjectLockLegalHoldStatus"] == "OFF"
    s3.delete_object(Bucket=locked, Key="k", VersionId=version)

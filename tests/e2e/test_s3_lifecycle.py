"""Lifecycles: what boto3 puts and is refused, and what is gone when the clock has moved on."""

import datetime

import pytest
from botocore.exceptions import ClientError

DAY = 86400


@pytest.fixture
def days_later(server_factory):
    """A server of its own, a bucket on it, and the function that lets days pass."""
    server = server_factory(["--test-clock"])
    s3 = server.client("s3")
    s3.create_bucket(Bucket="ageing")
    return s3, lambda days: server.move_clock(days * DAY)


@pytest.fixture(scope="module")
def s3(server):
    return server.client("s3")


def put(s3, bucket, *rules):
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [
            {"ID": f"rule-{n}", "Status": "Enabled", **rule} for n, rule in enumerate(rules)]})


def keys(s3, bucket="ageing"):
    return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_objects_expire(days_later):
    s3, later = days_later
    for key in ("log/1", "log/2", "long/1", "kept", "tagged", "big"):
        s3.put_object(Bucket="ageing", Key=key, Body=b"x" * (2000 if key == "big" else 1),
                      Tagging="class=short" if key == "tagged" else "class=none")
    tag = {"Key": "class", "Value": "short"}
    put(s3, "ageing", {"Filter": {"Prefix": "log/"}, "Expiration": {"Days": 1}},
        {"Prefix": "long/", "Expiration": {"Days": 5}},
        {"Filter": {"And": {"Prefix": "t", "Tags": [tag]}}, "Expiration": {"Days": 1}},
        {"Filter": {"ObjectSizeGreaterThan": 1000}, "Expiration": {"Days": 1}},
        {"Filter": {"Prefix": ""}, "Status": "Disabled", "Expiration": {"Days": 1}})
    later(0.01)
    assert len(keys(s3)) == 6
    later(2.1)
    assert keys(s3) == ["kept", "long/1"]
    later(4)
    assert keys(s3) == ["kept"]
    put(s3, "ageing", {"Filter": {}, "Expiration": {"Date": datetime.datetime(2020, 1, 1)}})
    later(0.1)
    assert keys(s3) == []


def test_old_versions_and_lonely_markers_expire(days_later):
    s3, later = days_later
    s3.put_bucket_versioning(Bucket="ageing", VersioningConfiguration={"Status": "Enabled"})
    kept = [s3.put_object(Bucket="ageing", Key="k", Body=b"x")["VersionId"] for _ in range(5)]
    s3.put_object(Bucket="ageing", Key="gone", Body=b"x")
    s3.delete_object(Bucket="ageing", Key="gone")
    put(s3, "ageing", {"Filter": {}, "Expiration": {"ExpiredObjectDeleteMarker": True},
                       "NoncurrentVersionExpiration": {"NoncurrentDays": 1,
                                                       "NewerNoncurrentVersions": 2}})
    later(0.01)
    assert len(s3.list_object_versions(Bucket="ageing")["Versions"]) == 6
    later(2.1)  # the marker's object is among its two newest
    listed = s3.list_object_versions(Bucket="ageing")
    assert [item["VersionId"] for item in listed["Versions"] if item["Key"] == "k"] == \
        kept[:1:-1]
    assert len(listed["DeleteMarkers"]) == 1
    put(s3, "ageing", {"Filter": {}, "Expiration": {"ExpiredObjectDeleteMarker": True},
                       "NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    later(0.1)  # what it hides goes, and then it
    later(0.1)
    listed = s3.list_object_versions(Bucket="ageing")
    assert [item["VersionId"] for item in listed["Versions"]] == kept[-1:]
    assert "DeleteMarkers" not in listed


def test_a_versioned_object_that_expires_is_hidden(days_later):
    s3, later = days_later
    s3.put_bucket_versioning(Bucket="ageing", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="ageing", Key="k", Body=b"x")["VersionId"]
    put(s3, "ageing", {"Filter": {}, "Expiration": {"Days": 1}})
    later(2.1)
    assert keys(s3) == []
    listed = s3.list_object_versions(Bucket="ageing")
    assert [item["VersionId"] for item in listed["Versions"]] == [version]
    assert listed["DeleteMarkers"][0]["IsLatest"]


def test_uploads_that_nobody_ends_are_given_up(days_later):
    s3, later = days_later
    ids = {key: s3.create_multipart_upload(Bucket="ageing", Key=key)["UploadId"]
           for key in ("up/1", "other")}
    s3.upload_part(Bucket="ageing", Key="up/1", UploadId=ids["up/1"], PartNumber=1, Body=b"x")
    put(s3, "ageing", {"Filter": {"Prefix": "up/"},
                       "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}})
    later(1)
    assert len(s3.list_multipart_uploads(Bucket="ageing")["Uploads"]) == 2
    later(2.1)
    assert [item["Key"] for item in s3.list_multipart_uploads(Bucket="ageing")["Uploads"]] == \
        ["other"]


def test_a_locked_version_does_not_expire(days_later):
    s3, later = days_later
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=900)
    for mode in ("GOVERNANCE", None):
        lock = {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": until} if mode else {}
        s3.put_object(Bucket="locked", Key=str(mode), Body=b"x", **lock)
        s3.put_object(Bucket="locked", Key=str(mode), Body=b"newer")
    put(s3, "locked", {"Filter": {}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    later(2.1)
    listed = s3.list_object_versions(Bucket="locked")["Versions"]
    assert [item["Key"] for item in listed] == ["GOVERNANCE", "GOVERNANCE", "None"]


def test_replies_say_when_an_object_expires(s3, bucket):
    assert "Expiration" not in s3.put_object(Bucket=bucket, Key="a/1", Body=b"x")
    put(s3, bucket, {"Filter": {"Prefix": "a/"}, "Expiration": {"Days": 9}},
        {"Filter": {"Prefix": "a/"}, "Expiration": {"Days": 3}},
        {"Filter": {"Prefix": "b/"}, "Expiration": {"Days": 1}})
    modified = s3.head_object(Bucket=bucket, Key="a/1")["LastModified"]
    midnight = (modified + datetime.timedelta(days=4)).replace(hour=0, minute=0, second=0)
    expected = f'expiry-date="{midnight:%a, %d %b %Y} 00:00:00 GMT", rule-id="rule-1"'
    for call in (s3.head_object, s3.get_object, s3.put_object):
        assert call(Bucket=bucket, Key="a/1")["Expiration"] == expected
    assert "Expiration" not in s3.put_object(Bucket=bucket, Key="c", Body=b"x")


def test_a_configuration_comes_back(s3, bucket):
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    rules = [{"ID": "one", "Status": "Enabled", "Filter": {"Prefix": "a"}, "Expiration": {"Days": 1},
              "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}]},
             {"ID": "two", "Status": "Disabled", "Prefix": "b",
              "NoncurrentVersionExpiration": {"NoncurrentDays": 2, "NewerNoncurrentVersions": 3}}]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    got = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    size = "TransitionDefaultMinimumObjectSize"
    assert (got["Rules"], got[size]) == (rules, "all_storage_classes_128K")
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules},
                                          **{size: "varies_by_storage_class"})
    got = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert (got["Rules"], got[size]) == (rules, "varies_by_storage_class")
    s3.delete_bucket_lifecycle(Bucket=bucket)
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)


NOON = datetime.datetime(2030, 1, 1, 12)
TAG = {"Tag": {"Key": "k", "Value": "v"}}


@pytest.mark.parametrize("code, rule", [
    ("InvalidRequest", {}),
    ("InvalidArgument", {"ID": "x" * 256, "Expiration": {"Days": 1}}),
    ("InvalidArgument", {"Expiration": {"Days": 0}}),
    ("InvalidArgument", {"Expiration": {"Date": NOON}}),
    ("MalformedXML", {"Expiration": {"Days": 1, "Date": NOON}}),
    ("MalformedXML", {"Expiration": {}}),
    ("MalformedXML", {"Prefix": "both", "Expiration": {"Days": 1}}),
    ("MalformedXML", {"Filter": {"Prefix": "x", **TAG}, "Expiration": {"Days": 1}}),
    ("MalformedXML", {"Filter": {"And": {"Prefix": "x"}}, "Expiration": {"Days": 1}}),
    ("MalformedXML", {"Status": "enabled", "Expiration": {"Days": 1}}),
    ("InvalidRequest", {"Filter": TAG, "Expiration": {"ExpiredObjectDeleteMarker": True}}),
    ("InvalidRequest", {"Filter": TAG,
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}),
    ("InvalidArgument", {"NoncurrentVersionExpiration": {"NoncurrentDays": 0}}),
    ("InvalidArgument", {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 0}}),
])
def test_what_s3_refuses(s3, bucket, code, rule):
    with pytest.raises(ClientError) as caught:
        put(s3, bucket, {"Filter": {"Prefix": ""}, **rule})
    assert caught.value.response["Error"]["Code"] == code


def test_ids_are_unique_and_made_where_missing(s3, bucket):
    rule = {"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}
    with pytest.raises(ClientError, match="InvalidArgument"):
        put(s3, bucket, {"ID": "same", **rule}, {"ID": "same", **rule})
    s3.put_bucket_lifecycle_configuration(Bucket=bucket,
                                          LifecycleConfiguration={"Rules": [rule]})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["ID"]

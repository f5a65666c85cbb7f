"""Settings of buckets as boto3 asks for them: each kept and given back, refused where S3 refuses, and
its error where nothing was put. One account owns everything: none of them opens a bucket to others."""

import json
import urllib.error
import urllib.request
import uuid

import pytest
from botocore.exceptions import ClientError

OWNER = "000000000000"
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"


@pytest.fixture(scope="module")
def s3(server):
    return server.client("s3")


@pytest.fixture
def bucket(s3):
    name = f"settings-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


def refused(code, status, call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response
    assert error["Error"]["Code"] == code, caught.value
    assert error["ResponseMetadata"]["HTTPStatusCode"] == status
    return error


def policy(bucket, **statement):
    full = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{bucket}/*", **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {name: value for name, value in full.items() if value is not None}]})


AES256 = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                     "BucketKeyEnabled": False}]}
QUEUE = {"Id": "q", "QueueArn": "arn:aws:sqs:us-east-1:000000000000:q",
         "Events": ["s3:ObjectCreated:*"],
         "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}]}}}

# noun, the request's member, what is put, what is answered, what is answered (or which error) before.
SETTINGS = [
    ("bucket_accelerate_configuration", "AccelerateConfiguration", {"Status": "Suspended"},
     {"Status": "Suspended"}, {}),
    ("bucket_cors", "CORSConfiguration",
     {"CORSRules": [{"ID": "a", "AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://*.x"],
                     "AllowedHeaders": ["x-*"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 9}]},
     None, "NoSuchCORSConfiguration"),
    ("bucket_encryption", "ServerSideEncryptionConfiguration",
     {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms",
                                                        "KMSMasterKeyID": "key"}}]},
     {"ServerSideEncryptionConfiguration":
      {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms",
                                                         "KMSMasterKeyID": "key"},
                  "BucketKeyEnabled": False}]}},
     {"ServerSideEncryptionConfiguration": AES256}),
    ("bucket_notification_configuration", "NotificationConfiguration",
     {"QueueConfigurations": [QUEUE], "EventBridgeConfiguration": {}}, None, {}),
    ("bucket_ownership_controls", "OwnershipControls",
     {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
     {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}},
     "OwnershipControlsNotFoundError"),
    ("bucket_request_payment", "RequestPaymentConfiguration", {"Payer": "Requester"}, None,
     {"Payer": "BucketOwner"}),
    ("bucket_tagging", "Tagging", {"TagSet": [{"Key": "a", "Value": "1"}]}, None, "NoSuchTagSet"),
    ("public_access_block", "PublicAccessBlockConfiguration", {"BlockPublicAcls": True},
     {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "IgnorePublicAcls": False,
                                         "BlockPublicPolicy": False,
                                         "RestrictPublicBuckets": False}},
     "NoSuchPublicAccessBlockConfiguration"),
]


@pytest.mark.parametrize("noun, member, put, given, before", SETTINGS,
                         ids=[row[0] for row in SETTINGS])
def test_a_setting_is_kept_and_given_back(s3, bucket, noun, member, put, given, before):
    def answer():
        reply = getattr(s3, f"get_{noun}")(Bucket=bucket)
        del reply["ResponseMetadata"]
        return reply

    def is_as_before():
        if isinstance(before, str):
            refused(before, 404, getattr(s3, f"get_{noun}"), Bucket=bucket)
        else:
            assert answer() == before

    is_as_before()
    getattr(s3, f"put_{noun}")(Bucket=bucket, **{member: put})
    assert answer() == (given or put)
    if hasattr(s3, f"delete_{noun}"):
        getattr(s3, f"delete_{noun}")(Bucket=bucket)
        is_as_before()
    s3.delete_bucket(Bucket=bucket)
    refused("NoSuchBucket", 404, getattr(s3, f"get_{noun}"), Bucket=bucket)
    s3.create_bucket(Bucket=bucket)  # which knows nothing of its namesake
    is_as_before()


def test_settings_survive_a_restart(s3, bucket, server):
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket))
    server.restart()
    s3 = server.client("s3")
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == policy(bucket)


def test_logging_goes_to_a_bucket_that_is_there(s3, bucket):
    def status(target):
        return {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": "log/"}}
    refused("InvalidTargetBucketForLogging", 400, s3.put_bucket_logging, Bucket=bucket,
            BucketLoggingStatus=status("there-is-none"))
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=status(bucket))
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"]["TargetPrefix"] == "log/"
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)


def test_notifications_get_ids(s3, bucket):
    queue = {name: value for name, value in QUEUE.items() if name != "Id"}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [queue]})
    reply = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert reply["QueueConfigurations"][0]["Id"]


@pytest.mark.parametrize("rule, code", [
    ({"AllowedMethods": ["PATCH"], "AllowedOrigins": ["*"]}, "InvalidRequest"),
    ({"AllowedMethods": ["GET"], "AllowedOrigins": ["https://*.*"]}, "InvalidRequest"),
    ({"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "AllowedHeaders": ["*a*"]},
     "InvalidRequest"),
    ({"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["*"]},
     "InvalidRequest"),
    ({"AllowedMethods": ["GET"], "AllowedOrigins": []}, "MalformedXML")])
def test_cors_rules_that_s3_refuses(s3, bucket, rule, code):
    refused(code, 400, s3.put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})


def test_cors_lets_no_page_in(s3, bucket, server):
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={
        "CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]})
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    request = urllib.request.Request(f"{server.url}/{bucket}/k",
                                     headers={"Origin": "https://page.example"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 403
    assert not caught.value.headers.get("Access-Control-Allow-Origin")


def test_what_is_refused_by_name(s3, bucket):
    refused("NoSuchWebsiteConfiguration", 404, s3.get_bucket_website, Bucket=bucket)
    refused("ReplicationConfigurationNotFoundError", 404, s3.get_bucket_replication, Bucket=bucket)
    website = {"IndexDocument": {"Suffix": "index.html"}}
    error = refused("NotImplemented", 501, s3.put_bucket_website, Bucket=bucket,
                    WebsiteConfiguration=website)
    assert "PutBucketWebsite" in error["Error"]["Message"]
    error = refused("NotImplemented", 501, s3.list_bucket_inventory_configurations, Bucket=bucket)
    assert "ListBucketInventoryConfigurations" in error["Error"]["Message"]


# --- policies ------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", [
    {"Effect": "allow"}, {"Effect": None}, {"Principal": None}, {"Principal": "arn:aws:iam::1:root"},
    {"Principal": {"User": "*"}}, {"Action": "sqs:SendMessage"}, {"Action": None}, {"Action": []},
    {"Resource": "arn:aws:s3:::another-bucket/*"}, {"Resource": None}, {"Resources": "*"},
    {"NotAction": "s3:PutObject"}, {"Condition": "x"}, {"Principal": None, "NotPrincipal": "*"}])
def test_policies_that_s3_refuses(s3, bucket, statement):
    refused("MalformedPolicy", 400, s3.put_bucket_policy, Bucket=bucket,
            Policy=policy(bucket, **statement))
    refused("NoSuchBucketPolicy", 404, s3.get_bucket_policy, Bucket=bucket)


@pytest.mark.parametrize("text", ["", " {}", "{}", "no", '{"Statement": []}', '[{"Statement": 1}]'])
def test_texts_that_are_no_policies(s3, bucket, text):
    with pytest.raises(ClientError) as caught:
        s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert caught.value.response["Error"]["Code"] in ("MalformedPolicy", "MissingRequestBodyError",
                                                      "MalformedXML", "ValidationException")
    refused("NoSuchBucketPolicy", 404, s3.get_bucket_policy, Bucket=bucket)


def test_a_policy_as_it_was_written(s3, bucket):
    text = policy(bucket, Principal={"AWS": [f"arn:aws:iam::{OWNER}:root"]}, Sid="é",
                  Resource=[f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]) + "\n"
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == text
    s3.put_object(Bucket=bucket, Key="k", Body=b"nobody is kept out")
    s3.delete_bucket_policy(Bucket=bucket)
    refused("NoSuchBucketPolicy", 404, s3.get_bucket_policy, Bucket=bucket)


@pytest.mark.parametrize("statement, public", [
    ({}, True), ({"Principal": {"AWS": ["x", "*"]}}, True), ({"Effect": "Deny"}, False),
    ({"Principal": {"AWS": f"arn:aws:iam::{OWNER}:root"}}, False),
    ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, False),
    ({"Condition": {"StringLike": {"aws:Referer": "https://x/*"}}}, True)])
def test_whether_a_policy_is_public(s3, bucket, statement, public):
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, **statement))
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is public
    s3.put_public_access_block(Bucket=bucket,
                               PublicAccessBlockConfiguration={"BlockPublicPolicy": True})
    if public:
        refused("AccessDenied", 403, s3.put_bucket_policy, Bucket=bucket,
                Policy=policy(bucket, **statement))
    else:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, **statement))


# --- access lists --------------------------------------------------------------------------------


def grants(reply):
    assert reply["Owner"]["ID"] == OWNER
    return sorted((grant["Permission"], grant["Grantee"].get("URI", "").rpartition("/")[2]
                   or grant["Grantee"]["ID"]) for grant in reply["Grants"])


CANNED = {
    "private": [("FULL_CONTROL", OWNER)],
    "public-read": [("FULL_CONTROL", OWNER), ("READ", "AllUsers")],
    "public-read-write": [("FULL_CONTROL", OWNER), ("READ", "AllUsers"), ("WRITE", "AllUsers")],
    "authenticated-read": [("FULL_CONTROL", OWNER), ("READ", "AuthenticatedUsers")],
}


@pytest.mark.parametrize("acl", CANNED)
def test_canned_lists(s3, bucket, acl):
    assert grants(s3.get_bucket_acl(Bucket=bucket)) == CANNED["private"]
    s3.put_bucket_acl(Bucket=bucket, ACL=acl)
    assert grants(s3.get_bucket_acl(Bucket=bucket)) == CANNED[acl]
    s3.create_bucket(Bucket=bucket + "-2", ACL=acl)
    assert grants(s3.get_bucket_acl(Bucket=bucket + "-2")) == CANNED[acl]
    s3.put_object(Bucket=bucket, Key="put", ACL=acl)
    s3.copy_object(Bucket=bucket, Key="copy", ACL=acl, CopySource=f"{bucket}/put")
    s3.copy_object(Bucket=bucket, Key="plain copy", CopySource=f"{bucket}/put")
    assert grants(s3.get_object_acl(Bucket=bucket, Key="put")) == CANNED[acl]
    assert grants(s3.get_object_acl(Bucket=bucket, Key="copy")) == CANNED[acl]
    assert grants(s3.get_object_acl(Bucket=bucket, Key="plain copy")) == CANNED["private"]
    s3.put_object(Bucket=bucket, Key="put", ACL="bucket-owner-full-control")  # of objects alone
    assert grants(s3.get_object_acl(Bucket=bucket, Key="put")) == CANNED["private"]


def test_the_list_of_an_object_that_is_there(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1", Metadata={"a": "b"})["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2")["VersionId"]
    before = s3.head_object(Bucket=bucket, Key="k", VersionId=first)
    s3.put_object_acl(Bucket=bucket, Key="k", VersionId=first, ACL="public-read")
    assert grants(s3.get_object_acl(Bucket=bucket, Key="k", VersionId=first)) == \
        CANNED["public-read"]
    assert grants(s3.get_object_acl(Bucket=bucket, Key="k")) == CANNED["private"]
    after = s3.head_object(Bucket=bucket, Key="k", VersionId=first)
    assert after["Metadata"] == {"a": "b"} and after["LastModified"] == before["LastModified"]
    assert s3.get_object_attributes(Bucket=bucket, Key="k",
                                    ObjectAttributes=["ETag"])["VersionId"] == second
    s3.put_object_acl(Bucket=bucket, Key="k", VersionId=first, ACL="private")
    assert grants(s3.get_object_acl(Bucket=bucket, Key="k", VersionId=first)) == CANNED["private"]
    refused("NoSuchKey", 404, s3.put_object_acl, Bucket=bucket, Key="none", ACL="private")


def test_grants_one_by_one(s3, bucket):
    other = "f" * 64
    s3.put_bucket_acl(Bucket=bucket, GrantRead=f'id="{other}", uri="{ALL_USERS}"',
                      GrantFullControl=f"id={OWNER}")
    given = s3.get_bucket_acl(Bucket=bucket)
    assert grants(given) == [("FULL_CONTROL", OWNER), ("READ", "AllUsers"), ("READ", other)]
    del given["ResponseMetadata"]
    given["Grants"].append({"Grantee": {"Type": "CanonicalUser", "ID": other},
                            "Permission": "WRITE_ACP"})
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy=given)
    assert ("WRITE_ACP", other) in grants(s3.get_bucket_acl(Bucket=bucket))
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Owner": given["Owner"], "Grants": []})
    assert s3.get_bucket_acl(Bucket=bucket)["Grants"] == []


@pytest.mark.parametrize("arguments, code", [
    ({"GrantRead": "emailAddress=nobody@example.com"}, "UnresolvableGrantByEmailAddress"),
    ({"GrantRead": "name=x"}, "InvalidArgument"), ({"GrantRead": "id=_x"}, "InvalidArgument"),
    ({"GrantRead": "uri=http://example.com/group"}, "InvalidArgument"),
    ({"GrantRead": f"id={OWNER}", "ACL": "private"}, "InvalidRequest"),
    ({"AccessControlPolicy": {"Grants": []}}, "MalformedACLError"), ({}, "InvalidRequest"),
    ({"AccessControlPolicy": {"Owner": {"ID": "1" * 12}, "Grants": []}}, "AccessDenied")])
def test_lists_that_s3_refuses(s3, bucket, arguments, code):
    refused(code, 403 if code == "AccessDenied" else 400, s3.put_bucket_acl, Bucket=bucket,
            **arguments)


def test_lists_under_ownership_controls_and_public_access_blocks(s3, bucket):
    enforced = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    refused("InvalidBucketAclWithObjectOwnership", 400, s3.put_bucket_ownership_controls,
            Bucket=bucket, OwnershipControls=enforced)
    s3.put_bucket_acl(Bucket=bucket, ACL="private")
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=enforced)
    refused("AccessControlListNotSupported", 400, s3.put_bucket_acl, Bucket=bucket,
            ACL="public-read")
    refused("AccessControlListNotSupported", 400, s3.put_object, Bucket=bucket, Key="k",
            ACL="public-read")
    s3.put_object(Bucket=bucket, Key="k", ACL="bucket-owner-full-control")
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    s3.put_public_access_block(Bucket=bucket,
                               PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    refused("AccessDenied", 403, s3.put_object, Bucket=bucket, Key="k", ACL="authenticated-read")
    s3.put_object(Bucket=bucket, Key="k", ACL="private")


def test_a_bucket_is_created_with_its_settings(s3, bucket):
    name = bucket + "-2"
    s3.create_bucket(Bucket=name, ObjectOwnership="ObjectWriter", CreateBucketConfiguration={
        "LocationConstraint": "eu-west-1", "Tags": [{"Key": "a", "Value": "1"}]})
    rules = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "ObjectWriter"}]
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "a", "Value": "1"}]
    refused("InvalidBucketAclWithObjectOwnership", 400, s3.create_bucket, Bucket=bucket + "-3",
            ACL="public-read", ObjectOwnership="BucketOwnerEnforced")


# --- encryption ----------------------------------------------------------------------------------


def test_encryption_is_told_back(s3, bucket):
    key = "arn:aws:kms:us-east-1:000000000000:key/1"
    kms = dict(ServerSideEncryption="aws:kms", SSEKMSKeyId=key, BucketKeyEnabled=True)

    def says(reply):
        return {name: reply[name] for name in kms if name in reply}
    assert says(s3.put_object(Bucket=bucket, Key="k", Body=b"1", **kms)) == kms
    assert says(s3.head_object(Bucket=bucket, Key="k")) == kms
    assert says(s3.get_object(Bucket=bucket, Key="k")) == kms
    assert says(s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k", **kms)) == kms
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m", **kms)
    assert says(upload) == kms
    at = {"Bucket": bucket, "Key": "m", "UploadId": upload["UploadId"]}
    assert says(s3.upload_part(**at, PartNumber=1, Body=b"1")) == kms
    assert says(s3.upload_part_copy(**at, PartNumber=2, CopySource=f"{bucket}/k")) == kms
    assert says(s3.put_object(Bucket=bucket, Key="plain", Body=b"1")) == {}
    refused("InvalidArgument", 400, s3.put_object, Bucket=bucket, Key="k",
            ServerSideEncryption="AES256", SSEKMSKeyId=key)
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={
        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms",
                                                          "KMSMasterKeyID": key},
                   "BucketKeyEnabled": True}]})
    assert says(s3.put_object(Bucket=bucket, Key="plain", Body=b"1")) == kms


def test_encryption_is_asked_for_with_what_is_put(s3, bucket, server):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    for method, status in [("PUT", 200), ("HEAD", 400), ("GET", 400), ("DELETE", 400)]:
        asked = urllib.request.Request(f"{server.url}/{bucket}/k", method=method,
                                       headers={"x-amz-server-side-encryption": "AES256"})
        try:
            told = urllib.request.urlopen(asked).status
        except urllib.error.HTTPError as error:
            told = error.code
        assert (method, told) == (method, status)
    refused("InvalidArgument", 400, s3.put_object, Bucket=bucket, Key="k", Body=b"3",
            ServerSideEncryption="AES192")


# --- GetObjectAttributes -------------------------------------------------------------------------


ALL = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]


def test_attributes_of_an_object(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"123", ChecksumAlgorithm="SHA1",
                        StorageClass="STANDARD_IA")
    found = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=ALL)
    assert found["ETag"] == put["ETag"].strip('"') and found["ObjectSize"] == 3
    assert found["Checksum"] == {"ChecksumSHA1": put["ChecksumSHA1"],
                                 "ChecksumType": "FULL_OBJECT"}
    assert found["StorageClass"] == "STANDARD_IA" and "ObjectParts" not in found
    assert found["LastModified"] == s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    found = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectSize"])
    assert "ETag" not in found and found["ObjectSize"] == 3
    refused("NoSuchKey", 404, s3.get_object_attributes, Bucket=bucket, Key="none",
            ObjectAttributes=ALL)


def test_attributes_of_parts_in_pages(s3, bucket):
    id = s3.create_multipart_upload(Bucket=bucket, Key="m", ChecksumAlgorithm="CRC32")["UploadId"]
    parts = []
    for number, size in ((1, 5 << 20), (2, 5 << 20), (3, 7)):
        part = s3.upload_part(Bucket=bucket, Key="m", UploadId=id, PartNumber=number,
                              Body=b"x" * size, ChecksumAlgorithm="CRC32")
        parts.append({"PartNumber": number, "ETag": part["ETag"],
                      "ChecksumCRC32": part["ChecksumCRC32"]})
    s3.complete_multipart_upload(Bucket=bucket, Key="m", UploadId=id,
                                 MultipartUpload={"Parts": parts})
    found, after = [], 0
    while True:
        page = s3.get_object_attributes(Bucket=bucket, Key="m", ObjectAttributes=ALL, MaxParts=2,
                                        PartNumberMarker=after)["ObjectParts"]
        assert page["TotalPartsCount"] == 3 and page["MaxParts"] == 2
        assert page["PartNumberMarker"] == after
        found += page["Parts"]
        after = page["NextPartNumberMarker"]
        if not page["IsTruncated"]:
            break
    assert [part["Size"] for part in found] == [5 << 20, 5 << 20, 7]
    assert [part["ChecksumCRC32"] for part in found] == [part["ChecksumCRC32"] for part in parts]

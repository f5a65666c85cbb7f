"""Whatever was answered is what the next request finds: a long mix of requests, by chance, against
a model of what is there. In debug builds the store also ends the server where a read leaves a
statement behind, so that every test here looks for those."""

import random
import threading

import pytest
from botocore.exceptions import ClientError

from sagemaker_jobs import ROLE, XGBOOST, unique

PIECES = ["a", "b", "c/", "d/", "/", "e"]
TABLE = b"0123456789" * 7000  # as a file of the lake; its beginnings as rows


def code_of(call, **arguments):
    try:
        call(**arguments)
        return None
    except ClientError as error:
        return error.response["Error"]["Code"]


class Client:
    """One that asks, one thing after another, and knows what the answers are to be."""

    def __init__(self, server, seed):
        self.random = random.Random(seed)
        self.s3, self.sagemaker = server.client("s3"), server.client("sagemaker")
        self.bucket, self.word = unique("own"), unique("model")
        self.objects, self.tags, self.models, self.uploads = {}, {}, {}, {}
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.create_bucket(Bucket=self.word)
        self.s3.put_object(Bucket=self.word, Key="model.tar.gz", Body=b"none opens it")
        self.model = {"Image": XGBOOST, "ModelDataUrl": f"s3://{self.word}/model.tar.gz"}

    def key(self, there=False):
        if there and self.objects and self.random.random() < 0.8:
            return self.random.choice(sorted(self.objects))
        return "k" + "".join(self.random.choices(PIECES, k=self.random.randint(1, 4)))

    def put(self):
        key, body = self.key(), TABLE[:self.random.choice([0, 1, 100, 70000])]
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, Tagging="n=1")
        self.objects[key], self.tags[key] = body, "1"

    def copy(self):
        if self.objects:
            source, key = self.key(there=True), self.key()
            if source not in self.objects or source == key:
                return
            self.s3.copy_object(Bucket=self.bucket, Key=key,
                                CopySource={"Bucket": self.bucket, "Key": source})
            self.objects[key], self.tags[key] = self.objects[source], self.tags[source]

    def tag(self):
        if self.objects:
            key, value = self.random.choice(sorted(self.objects)), str(self.random.random())
            self.s3.put_object_tagging(Bucket=self.bucket, Key=key, Tagging={
                "TagSet": [{"Key": "n", "Value": value}]})
            self.tags[key] = value

    def delete(self):
        key = self.key(there=True)
        self.s3.delete_object(Bucket=self.bucket, Key=key)
        self.objects.pop(key, None)

    def get(self):
        key = self.key(there=True)
        if key not in self.objects:
            assert code_of(self.s3.get_object, Bucket=self.bucket, Key=key) == "NoSuchKey"
            assert code_of(self.s3.head_object, Bucket=self.bucket, Key=key) == "404"
            return
        answer = self.s3.get_object(Bucket=self.bucket, Key=key)
        assert answer["Body"].read() == self.objects[key]
        tags = self.s3.get_object_tagging(Bucket=self.bucket, Key=key)["TagSet"]
        assert tags == [{"Key": "n", "Value": self.tags[key]}]

    def list(self):
        """One page, of any size, folded or not: often it ends in the middle."""
        prefix = self.random.choice(["", "k", "ka", "kc/", "kd//", "none"])
        delimiter = self.random.choice(["", "/", "/", "a"])
        limit = self.random.choice([1, 2, 5, 1000])
        items = set()
        for key in self.objects:
            if key.startswith(prefix):
                at = key.find(delimiter, len(prefix)) if delimiter else -1
                items.add(key if at < 0 else key[:at + len(delimiter)] + "\0")
        page = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix, Delimiter=delimiter,
                                       MaxKeys=limit)
        got = [item["Key"] for item in page.get("Contents", [])]
        got += [item["Prefix"] + "\0" for item in page.get("CommonPrefixes", [])]
        assert sorted(got) == sorted(items)[:limit]
        assert page["IsTruncated"] == (len(items) > limit)

    def list_all(self):
        pages = self.s3.get_paginator("list_objects").paginate(
            Bucket=self.bucket, PaginationConfig={"PageSize": self.random.choice([3, 1000])})
        got = {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", [])}
        assert got == {key: len(body) for key, body in self.objects.items()}

    def upload(self):
        key = self.key()
        id = self.s3.create_multipart_upload(Bucket=self.bucket, Key=key,
                                             Tagging="n=1")["UploadId"]
        part = self.s3.upload_part(Bucket=self.bucket, Key=key, UploadId=id, PartNumber=1,
                                   Body=TABLE)
        self.uploads[id] = key, part["ETag"]

    def list_uploads(self):
        listed = self.s3.list_multipart_uploads(Bucket=self.bucket, MaxUploads=1000)
        assert {item["UploadId"] for item in listed.get("Uploads", [])} == set(self.uploads)
        for id in self.random.sample(sorted(self.uploads), min(1, len(self.uploads))):
            key, tag = self.uploads[id]
            parts = self.s3.list_parts(Bucket=self.bucket, Key=key, UploadId=id, MaxParts=1)
            assert [part["ETag"] for part in parts["Parts"]] == [tag]

    def end_upload(self):
        if not self.uploads:
            return
        id = self.random.choice(sorted(self.uploads))
        key, tag = self.uploads.pop(id)
        call = {"Bucket": self.bucket, "Key": key, "UploadId": id}
        if self.random.random() < 0.5:
            self.s3.abort_multipart_upload(**call)
        else:
            self.s3.complete_multipart_upload(
                **call, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})
            self.objects[key], self.tags[key] = TABLE, "1"
        assert code_of(self.s3.list_parts, **call) == "NoSuchUpload"

    def create_model(self):
        name = f"{self.word}-{self.random.randrange(20)}"
        taken = code_of(self.sagemaker.create_model, ModelName=name, ExecutionRoleArn=ROLE,
                        PrimaryContainer=self.model, Tags=[{"Key": "n", "Value": name}])
        assert (taken is not None) == (name in self.models)
        self.models[name] = name

    def delete_model(self):
        if self.models:
            name = self.random.choice(sorted(self.models))
            self.sagemaker.delete_model(ModelName=name)
            del self.models[name]

    def find_models(self):
        name = f"{self.word}-{self.random.randrange(20)}"
        if name in self.models:
            arn = self.sagemaker.describe_model(ModelName=name)["ModelArn"]
            tags = self.sagemaker.list_tags(ResourceArn=arn)["Tags"]
            assert tags == [{"Key": "n", "Value": name}]
        else:
            assert code_of(self.sagemaker.describe_model, ModelName=name)
        limit = self.random.choice([1, 3, 100])
        page = self.sagemaker.list_models(NameContains=self.word, MaxResults=limit, SortBy="Name",
                                          SortOrder="Ascending")
        assert [item["ModelName"] for item in page["Models"]] == sorted(self.models)[:limit]

    def run(self, steps):
        writes = [self.put, self.put, self.copy, self.tag, self.delete, self.upload,
                  self.end_upload, self.create_model, self.delete_model]
        reads = [self.get, self.get, self.list, self.list, self.list_all, self.list_uploads,
                 self.find_models]
        for _ in range(steps):
            self.random.choice(writes)()
            self.random.choice(reads)()


@pytest.mark.parametrize("steps", [150, pytest.param(5000, marks=pytest.mark.campaign)])
def test_every_read_finds_what_was_written(server, steps):
    failures = []

    def run(seed):
        try:
            Client(server, seed).run(steps)
        except BaseException as error:  # to be told by the thread that runs the test
            failures.append(error)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]

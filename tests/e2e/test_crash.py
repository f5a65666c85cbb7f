"""Kill -9 at random moments, while objects are put, replaced and deleted, uploads are sent in parts
and models are trained; and a disk that is full. What was acknowledged is there, what was not is there
whole or not at all, and nothing is left over."""

import fcntl
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import threading
import time

import botocore.exceptions
import pytest
from botocore.config import Config

from sagemaker_jobs import ROLE, XGBOOST, channel, training_request, unique, wait_for_job

MIB = 1 << 20
PART = 5 * MIB  # S3's smallest, but for the last
GONE = None     # what a deleted key holds
ROWS = "".join(f"{i % 2},{i},{i * 7 % 13}\n" for i in range(500))


def body_of(seed):
    """Bytes that the seed says; sizes around what is kept in a row (64 KiB) or in a file."""
    if seed is GONE:
        return GONE
    generator = random.Random(seed)
    return generator.randbytes(generator.choice([0, 10, 65536, 65537, 300_000, 3 * MIB]))


def part_of(seed, number):
    return random.Random(f"{seed} {number}").randbytes(PART if number < 3 else 1000)


def stored(s3, key):
    try:
        return s3.get_object(Bucket="bucket", Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return GONE


class Client(threading.Thread):
    """Works until the server dies. A server that dies answers nothing: a refusal is a defect."""

    def __init__(self, campaign, shared):
        super().__init__(daemon=True)
        self.s3, self.sagemaker = campaign.s3, campaign.sagemaker
        self.shared = shared  # what outlives this client, which dies with its server
        self.refusal = None

    def run(self):
        try:
            while True:
                self.work()
        except botocore.exceptions.ClientError as error:
            self.refusal = error
        except (botocore.exceptions.BotoCoreError, OSError):
            pass


class Putter(Client):
    """Puts, replaces and deletes a few keys of its own."""

    def work(self):
        key = f"{self.shared['name']} {random.randrange(4)}"
        seed = GONE if random.random() < 0.2 else random.getrandbits(32)
        self.shared["tried"] = (key, seed)
        if seed is GONE:
            self.s3.delete_object(Bucket="bucket", Key=key)
        else:
            self.s3.put_object(Bucket="bucket", Key=key, Body=body_of(seed))
        self.shared["keys"][key] = seed
        self.shared["tried"] = None


class Uploader(Client):
    """Sends one upload after the other in parts, each going on where a crash left it."""

    def work(self):
        upload = self.shared.get("upload")
        if not upload:
            key = f"upload {random.randrange(3)}"
            answer = self.s3.create_multipart_upload(Bucket="bucket", Key=key)
            upload = {"key": key, "id": answer["UploadId"], "seed": random.getrandbits(32),
                      "parts": {}}
            self.shared["upload"] = upload
        named = {"Bucket": "bucket", "Key": upload["key"], "UploadId": upload["id"]}
        for number in {3, 1, 2} - set(upload["parts"]):
            answer = self.s3.upload_part(**named, PartNumber=number,
                                         Body=part_of(upload["seed"], number))
            upload["parts"][number] = answer["ETag"]
        upload["completing"] = True
        self.s3.complete_multipart_upload(**named, MultipartUpload={
            "Parts": [{"PartNumber": n, "ETag": tag} for n, tag in sorted(upload["parts"].items())]})
        self.shared["uploaded"][upload["key"]] = upload["seed"]
        self.shared["upload"] = None


class Trainer(Client):
    def work(self):
        name = unique("crash")
        self.sagemaker.create_training_job(**training_request(
            "bucket", [channel("train", "s3://bucket/rows.csv")], name,
            num_round=random.choice([1, 20, 5000])))
        self.shared["jobs"].append(name)
        time.sleep(random.random() * 0.2)


def uploaded_body(seed):
    return b"".join(part_of(seed, number) for number in (1, 2, 3))


class Campaign:
    def __init__(self, server):
        self.server = server
        # Made once: the server keeps its port, and making one takes longer than most rounds.
        patient = Config(connect_timeout=2, read_timeout=20)
        self.s3 = server.client("s3", config=patient)
        self.sagemaker = server.client("sagemaker", config=patient)
        self.s3.create_bucket(Bucket="bucket")
        self.s3.put_object(Bucket="bucket", Key="rows.csv", Body=ROWS)
        self.putters = [{"name": name, "keys": {}, "tried": None} for name in ("one", "two")]
        self.uploads = {"upload": None, "uploaded": {}}
        self.trainer = {"jobs": []}

    def crash(self, pause):
        """Lets clients work, kills the server under them, and starts it again."""
        clients = [Putter(self, shared) for shared in self.putters]
        clients += [Uploader(self, self.uploads), Trainer(self, self.trainer)]
        for client in clients:
            client.start()
        time.sleep(pause)
        self.server.kill()
        for client in clients:
            client.join(60)
            assert not client.is_alive() and client.refusal is None, client.refusal
        self.server.start()

    def check(self):
        self.check_puts()
        self.check_uploads()
        self.check_jobs()

    def check_puts(self):
        """A key holds what was acknowledged last, or what the crash cut off."""
        for shared in self.putters:
            tried_key, tried_seed = shared["tried"] or (None, GONE)
            for key in {*shared["keys"], tried_key} - {None}:
                found, seed = stored(self.s3, key), shared["keys"].get(key, GONE)
                if found != body_of(seed):
                    assert key == tried_key, f"{key} does not hold what was acknowledged last"
                    assert found == body_of(tried_seed), f"{key} is half of what was put"
                    seed = tried_seed
                shared["keys"][key] = seed
            shared["tried"] = None

    def check_uploads(self):
        upload = self.uploads["upload"]
        if upload:
            self.check_upload_under_way(upload)
        for key, seed in self.uploads["uploaded"].items():
            assert stored(self.s3, key) == uploaded_body(seed), key

    def check_upload_under_way(self, upload):
        try:
            parts = self.s3.list_parts(Bucket="bucket", Key=upload["key"], UploadId=upload["id"])
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "NoSuchUpload"
            assert upload.get("completing"), "an acknowledged upload is not there"
            self.uploads["uploaded"][upload["key"]] = upload["seed"]
            self.uploads["upload"] = None
            return
        listed = {part["PartNumber"]: part["ETag"] for part in parts.get("Parts", [])}
        assert listed.items() >= upload["parts"].items(), "an acknowledged part is not there"
        for number, tag in listed.items():
            md5 = hashlib.md5(part_of(upload["seed"], number)).hexdigest()
            assert tag.strip('"') == md5, f"part {number} is not what was sent"

    def check_jobs(self):
        """No job runs on after a crash of the server: each has ended, for a reason."""
        for name in self.trainer["jobs"]:
            job = self.sagemaker.describe_training_job(TrainingJobName=name)
            listed = self.s3.list_objects_v2(Bucket="bucket", Prefix=f"out/{name}/")
            under = [item["Key"] for item in listed.get("Contents", [])]
            if job["TrainingJobStatus"] == "Completed":
                uri = job["ModelArtifacts"]["S3ModelArtifacts"]
                assert [f"s3://bucket/{key}" for key in under] == [uri]
            else:
                assert job["TrainingJobStatus"] == "Failed", job["TrainingJobStatus"]
                assert "ended unexpectedly" in job["FailureReason"]
                assert under == [], "a failed job left output"
        self.trainer["jobs"].clear()
        left = [path.name for path in (self.server.home / "jobs").iterdir()]
        assert left == [], "the jobs' folders were not removed"

    def bytes_alive(self):
        """What the objects, and the parts of the upload under way, hold."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket="bucket")
        alive = sum(item["Size"] for page in pages for item in page.get("Contents", []))
        return alive + len((self.uploads["upload"] or {"parts": []})["parts"]) * PART


def size_of(lake):
    """The files of the lake, but what was moved aside."""
    total = 0
    for path in lake.iterdir():
        try:
            total += path.stat().st_blocks * 512 if path.is_file() else 0
        except FileNotFoundError:
            pass  # collected in this moment
    return total


def processes_of(home):
    """Processes that work in this home, whoever started them."""
    found = []
    for environment in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            command = environment.with_name("cmdline").read_bytes()
            if str(home).encode() in environment.read_bytes() + command:
                found.append(environment.parent.name)
        except OSError:
            pass
    return found


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kills", [
    20, pytest.param(40, marks=pytest.mark.full), pytest.param(100, marks=pytest.mark.campaign)])
def test_a_killed_server_keeps_its_word_and_leaves_nothing_behind(server_factory, kills):
    server = server_factory()
    campaign = Campaign(server)
    for _ in range(kills):
        campaign.crash(pause=random.random() * 0.8)
        campaign.check()
    server.kill()
    assert processes_of(server.home) == [], "a job outlived its server"
    server.start()
    # 16 MiB: a part that came whole and was not acknowledged, and the lake's own rounding.
    limit, deadline = campaign.bytes_alive() + 16 * MIB, time.monotonic() + 20
    while size_of(server.home / "lake") > limit and time.monotonic() < deadline:
        time.sleep(0.1)
    assert size_of(server.home / "lake") <= limit, "what crashes left was not collected"


def test_a_start_waits_for_what_a_killed_server_had_forked(server_factory):
    """A child that has executed nothing yet has its parent's lock for a moment more."""
    server = server_factory()
    server.kill()
    with (server.home / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ends = threading.Timer(0.3, fcntl.flock, (lock, fcntl.LOCK_UN))
        ends.start()
        server.start()
        ends.join()
    server.client("s3").create_bucket(Bucket="bucket")


# --- homes that lost their database --------------------------------------------------------------

@pytest.mark.parametrize("left", ["nothing", "an empty file", "that of another home"])
def test_a_lake_without_its_database_is_not_an_empty_home(server_factory, tmp_path, left):
    server = server_factory(home=tmp_path / "home")
    s3 = server.client("s3")
    s3.create_bucket(Bucket="bucket")
    for number in range(3):
        s3.put_object(Bucket="bucket", Key=str(number), Body=os.urandom(300_000))
    server.stop()
    files = sorted(path.name for path in (server.home / "lake").iterdir())
    database = server.home / "meta.db"
    database.rename(tmp_path / "aside.db")
    said = "meta.db is missing"
    if left == "an empty file":
        database.write_bytes(b"")
        said = "meta.db is empty"
    elif left == "that of another home":
        other = server_factory(home=tmp_path / "other")
        other.client("s3").create_bucket(Bucket="theirs")
        other.stop()
        shutil.copy(other.home / "meta.db", database)
        said = "is the lake of another meta.db"
    for _ in range(2):
        with pytest.raises(RuntimeError, match=said) as refused:
            server.start()
        assert "Put" in str(refused.value)
    assert sorted(path.name for path in (server.home / "lake").iterdir()) == files

    (tmp_path / "aside.db").rename(database)
    server.start()
    for number in range(3):
        assert len(s3.get_object(Bucket="bucket", Key=str(number))["Body"].read()) == 300_000


def test_status_tells_what_lies_aside(server_factory, lathe):
    server = server_factory()
    s3 = server.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="key", Body=os.urandom(300_000))
    server.kill()
    file, = [path for path in (server.home / "lake").iterdir() if path.name != "owner"]
    file.with_name("0" * 24 + file.name[24:]).write_bytes(b"x" * 12345)  # an upload that was cut
    server.start()

    def status(*arguments):
        return subprocess.run([lathe, "status", *arguments], env=server.environment(), text=True,
                              capture_output=True, check=True).stdout

    deadline = time.monotonic() + 20
    aside = {"Path": "lake/aside", "Files": 1, "Bytes": 12345}
    while aside not in json.loads(status("--json"))["Sizes"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert re.search(r"lake/aside +12\.1\sKiB +1 files  files that no object names", status())
    assert len(s3.get_object(Bucket="bucket", Key="key")["Body"].read()) == 300_000


def test_files_that_were_cut_or_are_gone_are_told_at_once(server_factory):
    server = server_factory()
    s3 = server.client("s3")
    s3.create_bucket(Bucket="bucket")
    for key in ("cut", "gone", "whole"):
        s3.put_object(Bucket="bucket", Key=key, Body=key.encode() * 100_000)
    for path in (server.home / "lake").iterdir():
        if path.name == "owner":
            continue
        if path.read_bytes().startswith(b"gone"):
            path.unlink()
        elif path.read_bytes().startswith(b"cut"):
            path.chmod(0o600)
            os.truncate(path, 1000)
    for key in ("cut", "gone"):
        for more in ({}, {"Range": "bytes=10-20"}):
            with pytest.raises(botocore.exceptions.ClientError) as told:
                s3.get_object(Bucket="bucket", Key=key, **more)
            assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert s3.get_object(Bucket="bucket", Key="whole")["Body"].read() == b"whole" * 100_000
    for key in ("cut", "gone"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"again" * 100_000)
        assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == b"again" * 100_000


# --- a full disk --------------------------------------------------------------------------------

DISK = 48 * MIB


class SmallDisk:
    """A file system of 48 MiB, in a namespace of its own: a server's home, which outlives it."""

    def __init__(self, home):
        home.mkdir()
        mount = f'mount -t tmpfs -o size={DISK} tmpfs "{home}" && echo mounted && exec sleep 3600'
        self._holder = subprocess.Popen(["unshare", "--map-root-user", "--mount", "sh", "-c", mount],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.mounted = self._holder.stdout.readline() == b"mounted\n"
        self.seen_from_here = pathlib.Path(f"/proc/{self._holder.pid}/root{home}")

    def program(self, lathe, path):
        """The program, to be run inside."""
        path.write_text(f"#!/bin/sh\nexec nsenter --target {self._holder.pid} --user --mount "
                        f'--preserve-credentials "{lathe}" "$@"\n')
        path.chmod(0o755)
        return path

    def fill(self):
        """Another program takes all that is left."""
        with open(self.seen_from_here / "filler", "ab", buffering=0) as file:
            with pytest.raises(OSError):
                while True:
                    file.write(b"x" * 4096)

    def free(self):
        (self.seen_from_here / "filler").unlink()

    def close(self):
        self._holder.kill()
        self._holder.wait()


@pytest.fixture
def disk(tmp_path):
    if not shutil.which("unshare") or not shutil.which("nsenter"):
        pytest.skip("no program that makes namespaces is here")
    disk = SmallDisk(tmp_path / "home")
    if not disk.mounted:
        pytest.skip("no file system can be mounted here in a user namespace")
    yield disk
    disk.close()


@pytest.fixture
def small_disk(lathe, server_factory, disk, tmp_path):
    """A server whose home is that disk."""
    server = server_factory(start=False, home=tmp_path / "home")
    server.binary = disk.program(lathe, tmp_path / "lathe-on-a-small-disk")
    yield server.start()
    server.stop()


def test_a_full_disk_refuses_what_does_not_fit_and_nothing_else(small_disk):
    s3 = small_disk.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="rows.csv", Body=ROWS)
    kept = {}
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        for number in range(DISK // MIB):
            body = os.urandom(4 * MIB)
            s3.put_object(Bucket="bucket", Key=str(number), Body=body)
            kept[str(number)] = body
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert "space" in refused.value.response["Error"]["Message"].lower()
    with pytest.raises(botocore.exceptions.ClientError):  # rows, in the store, fill what is left
        for number in range(DISK // 60_000):
            s3.put_object(Bucket="bucket", Key=f"small-{number}", Body=os.urandom(60_000))

    for key, body in kept.items():
        assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == body
    job = training_request("bucket", [channel("train", "s3://bucket/rows.csv")])
    try:
        small_disk.client("sagemaker").create_training_job(**job)
    except botocore.exceptions.ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500

    for key in list(kept)[:4]:
        s3.delete_object(Bucket="bucket", Key=key)
    deadline = time.monotonic() + 20
    while True:  # files are removed behind the answer
        try:
            s3.put_object(Bucket="bucket", Key="again", Body=b"x" * 4 * MIB)
            break
        except botocore.exceptions.ClientError:
            assert time.monotonic() < deadline, "the space of deleted objects did not come back"
            time.sleep(0.1)
    assert s3.get_object(Bucket="bucket", Key="again")["Body"].read() == b"x" * 4 * MIB


def test_a_full_disk_refuses_records_and_keeps_those_it_accepted(small_disk, disk):
    s3, firehose = small_disk.client("s3"), small_disk.client("firehose")
    s3.create_bucket(Bucket="bucket")
    firehose.create_delivery_stream(
        DeliveryStreamName="readings", S3DestinationConfiguration={
            "RoleARN": ROLE, "BucketARN": "arn:aws:s3:::bucket", "Prefix": "out/",
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 900}})

    def put(*records):
        return firehose.put_record_batch(DeliveryStreamName="readings",
                                         Records=[{"Data": record} for record in records])

    assert put(b"first,", b"second,")["FailedPutCount"] == 0
    disk.fill()
    for records in ([b"x" * 1_000_000], [b"y" * 4000] * 500):
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            put(*records)
        error = refused.value.response
        assert error["Error"]["Code"] == "ServiceUnavailableException"
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 500
        assert "space" in error["Error"]["Message"].lower()
    disk.free()
    assert put(b"third")["FailedPutCount"] == 0
    small_disk.kill()
    small_disk.start()
    found, deadline = b"", time.monotonic() + 30
    while len(found) < len(b"first,second,third"):
        assert time.monotonic() < deadline, f"only {found} was delivered"
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket="bucket",
                                                           Prefix="out/").get("Contents", [])]
        found = b"".join(s3.get_object(Bucket="bucket", Key=key)["Body"].read() for key in keys)
        time.sleep(0.05)
    assert found in (b"first,second,third", b"thirdfirst,second,")


def test_a_job_is_stopped_and_told_of_though_the_disk_was_full_when_it_ended(small_disk, disk):
    s3, sagemaker = small_disk.client("s3"), small_disk.client("sagemaker")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="rows.csv", Body=ROWS)
    job = training_request("bucket", [channel("train", "s3://bucket/rows.csv")],
                           num_round=1000000, save_model_on_termination="true")
    sagemaker.create_training_job(**job)
    name = job["TrainingJobName"]
    small_disk.wait_for(lambda: sagemaker.describe_training_job(TrainingJobName=name),
                        "SecondaryStatus", ("Training",))
    disk.fill()
    sagemaker.stop_training_job(TrainingJobName=name)
    deadline = time.monotonic() + 60
    while processes_of(small_disk.home / "jobs"):
        assert time.monotonic() < deadline, "the job runs on"
        time.sleep(0.05)
    sagemaker.describe_training_job(TrainingJobName=name)
    disk.free()
    assert wait_for_job(small_disk, name)["TrainingJobStatus"] == "Stopped"


def refused(call, **arguments):
    """Whether the disk was too full for it; then it is said so."""
    try:
        call(**arguments)
        return False
    except botocore.exceptions.ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 503, str(error)
        assert "free some space" in error.response["Error"]["Message"]
        return True


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_deletes_and_a_start_need_no_space(small_disk, disk, end):
    s3, sagemaker = small_disk.client("s3"), small_disk.client("sagemaker")
    s3.create_bucket(Bucket="bucket")
    s3.create_bucket(Bucket="models")
    bodies = {f"small-{number}": os.urandom(5000) for number in range(200)}
    bodies.update({f"large-{number}": os.urandom(300_000) for number in range(4)})
    for key, body in bodies.items():
        s3.put_object(Bucket="bucket", Key=key, Body=body)
    upload = s3.create_multipart_upload(Bucket="bucket", Key="upload")["UploadId"]
    s3.put_object(Bucket="models", Key="model.tar.gz", Body=b"none opens it")
    model = {"ModelName": "one", "ExecutionRoleArn": ROLE, "PrimaryContainer": {
        "Image": XGBOOST, "ModelDataUrl": "s3://models/model.tar.gz"}}
    sagemaker.create_model(**model)

    disk.fill()
    assert refused(s3.put_object, Bucket="bucket", Key="x", Body=os.urandom(100_000))
    assert refused(s3.upload_part, Bucket="bucket", Key="upload", UploadId=upload, PartNumber=1,
                   Body=b"part" * 50_000)
    # What the store keeps in rows goes on until the log is full, and never into the reserve.
    for number in range(2000):
        if refused(s3.put_object, Bucket="bucket", Key=f"more-{number}", Body=os.urandom(30_000)):
            break
    else:
        pytest.fail("the disk is full, and more than it has was stored")
    refused(sagemaker.create_model, **{**model, "ModelName": "two"})

    (small_disk.stop if end == "stop" else small_disk.kill)()
    disk.fill()  # what the end itself gave back
    small_disk.start()
    for key, body in bodies.items():
        assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == body
    for key in bodies:  # the small ones give the disk nothing back
        s3.delete_object(Bucket="bucket", Key=key)
    s3.abort_multipart_upload(Bucket="bucket", Key="upload", UploadId=upload)
    sagemaker.delete_model(ModelName="one")
    listed = s3.list_objects_v2(Bucket="bucket", MaxKeys=1000).get("Contents", [])
    assert not {item["Key"] for item in listed} & set(bodies)
    (small_disk.stop if end == "stop" else small_disk.kill)()
    small_disk.start()

    disk.free()
    s3.put_object(Bucket="bucket", Key="again", Body=os.urandom(1_000_000))
    sagemaker.create_model(**{**model, "ModelName": "three"})

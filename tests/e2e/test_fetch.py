"""lathe-fetch and `lathe fetch`: addresses into the lake, held against a server on loopback that
does what servers and networks do."""

import gzip
import hashlib
import io
import json
import os
import pty
import random
import signal
import socket
import ssl
import subprocess
import tarfile
import threading
import time
import zipfile

import pytest
from botocore.exceptions import ClientError

import scripts
from addresses import Addresses
from sagemaker_jobs import ROLE, unique

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/lathe-fetch:latest"
OUTPUT = "/opt/ml/processing/output"
BYTES = random.Random(5).randbytes(300_000)


@pytest.fixture(scope="module")
def net():
    made = Addresses()
    yield made
    made.close()


@pytest.fixture(scope="module")
def other():
    """A server that no list has."""
    made = Addresses()
    yield made
    made.close()


@pytest.fixture(scope="module")
def home(server_factory, tmp_path_factory, net):
    """A server of lathe that may fetch from the one of files."""
    configuration = tmp_path_factory.mktemp("fetch") / "lathe.yaml"
    configuration.write_text(f"fetch:\n  allow: ['{net.place}', listed.example]\n")
    made = server_factory(["--config", str(configuration)])
    made.client("s3").create_bucket(Bucket="lake")
    return made


def request_for(server, specification, outputs=("",)):
    name = unique("fetch")
    server.client("s3").put_object(Bucket="lake", Key=f"{name}/list.json",
                                   Body=json.dumps(specification))
    return {
        "ProcessingJobName": name, "RoleArn": ROLE, "AppSpecification": {"ImageUri": IMAGE},
        "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1,
                                                  "VolumeSizeInGB": 1}},
        "ProcessingInputs": [{"InputName": "config", "S3Input": {
            "S3Uri": f"s3://lake/{name}/list.json", "LocalPath": "/opt/ml/processing/input/config",
            "S3DataType": "S3Prefix", "S3InputMode": "File"}}],
        "ProcessingOutputConfig": {"Outputs": [
            {"OutputName": f"o{n}", "S3Output": {"S3Uri": f"s3://lake/out/{name}/{output}",
                                                 "LocalPath": f"{OUTPUT}/{output}".rstrip("/"),
                                                 "S3UploadMode": "EndOfJob"}}
            for n, output in enumerate(outputs)]}}


def start(server, *files, outputs=("",), **more):
    request = request_for(server, {"files": list(files), **more}, outputs)
    server.client("sagemaker").create_processing_job(**request)
    return request["ProcessingJobName"]


def fetch(server, *files, **more):
    """Runs a job to its end: its name, its description, its objects, its log."""
    name = start(server, *files, **more)
    return name, *end_of(server, name)


def end_of(server, name):
    job = scripts.wait_for_processing(server, name)
    return job, objects(server, f"out/{name}/"), scripts.log_of(server, "ProcessingJobs", name)


def objects(server, prefix, bucket="lake"):
    s3 = server.client("s3")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {item["Key"].removeprefix(prefix):
            s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in listed}


def brought(server, *files, **more):
    _, job, found, log = fetch(server, *files, **more)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    return found, log


def reason(server, *files, **more):
    _, job, found, _ = fetch(server, *files, **more)
    assert job["ProcessingJobStatus"] == "Failed" and not found
    return job["FailureReason"]


def sha256(body):
    return hashlib.sha256(body).hexdigest()


def md5(body):
    return hashlib.md5(body).hexdigest()


def tar_of(files, mode="w"):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode=mode) as archive:
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return raw.getvalue()


def zip_of(files):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return raw.getvalue()


# --- what is brought ----------------------------------------------------------------------------


def test_files_come_whole_and_their_checksums_are_told(home, net):
    files = [net.add("/a%20b.bin", BYTES) + "?key=secret", net.add("/c.bin", BYTES[:1000])]
    found, log = brought(home, files[0], {"url": files[1], "path": "deep/er/c", "md5": md5(
        BYTES[:1000]).upper(), "sha256": sha256(BYTES[:1000])}, net.add("/empty.csv"))
    assert found == {"a b.bin": BYTES, "deep/er/c": BYTES[:1000], "empty.csv": b""}
    assert any(sha256(BYTES) in line and md5(BYTES) in line and "300000 bytes" in line
               for line in log)
    assert not any("secret" in line for line in log)


def test_a_body_without_a_length(home, net):
    found, _ = brought(home, net.add("/chunked", BYTES, chunked=True))
    assert found == {"chunked": BYTES}


def test_what_is_compressed_is_unpacked(home, net):
    members = {"x.csv": b"1,2\n" * 9000, "sub/y.csv": BYTES}
    twice = gzip.compress(b"first\n") + gzip.compress(b"second\n")
    found, _ = brought(
        home, {"url": net.add("/t.csv.gz", twice), "decompress": "gzip"},
        {"url": net.add("/a.tar", tar_of(members)), "decompress": "tar", "path": "plain"},
        {"url": net.add("/b.tgz", tar_of(members, "w:gz")), "decompress": "auto", "path": "gz"},
        {"url": net.add("/c.zip", zip_of(members)) + "?v=1", "decompress": "auto"},
        net.add("/kept.gz", gzip.compress(b"as it is")))
    unpacked = {f"{folder}{name}": body for folder in ("plain/", "gz/", "")
                for name, body in members.items()}
    assert gzip.decompress(found.pop("kept.gz")) == b"as it is"
    assert found == {"t.csv": b"first\nsecond\n", **unpacked}


def test_each_output_takes_what_is_below_it(home, net):
    files = [{"url": net.add("/one", b"1"), "path": "a/one"}, {"url": net.add("/two", b"2"),
                                                               "path": "b/two"}]
    found, _ = brought(home, *files, outputs=("a", "b"))
    assert found == {"a/one": b"1", "b/two": b"2"}
    why = reason(home, *files, outputs=("a",))
    assert f"{OUTPUT}/b/two" in why and "/two" in why


def test_redirects_are_followed(home, net):
    net.add("/end", BYTES)
    net.add("/second", redirect="/end")
    found, _ = brought(home, {"url": net.add("/first", redirect=f"http://{net.place}/second"),
                              "path": "file"})
    assert found == {"file": BYTES}
    assert "redirected more than 10 times" in reason(home, net.add("/loop", redirect="/loop"))


def test_two_jobs_that_bring_the_same_do_not_meet(home, net):
    url = net.add("/together", BYTES)
    page = net.pages["/together"]
    page.hold = threading.Event()
    names = [start(home, url) for _ in range(2)]
    wait_until(lambda: len(page.requests) == 2)
    page.hold.set()
    for name in names:
        job, found, _ = end_of(home, name)
        assert job["ProcessingJobStatus"] == "Completed", job["FailureReason"]
        assert found == {"together": BYTES}


def test_https_by_whom_the_machine_trusts(lathe, home, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                    "/CN=lathe test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
                    "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    net, bucket = Addresses(context), unique("verb")
    url = net.add("/tls", BYTES)
    refused = verb(lathe, home, url, f"s3://{bucket}/")
    assert refused.returncode == 1 and url in refused.stderr and "certificate" in refused.stderr
    assert net.pages["/tls"].requests == []
    done = subprocess.run([lathe, "fetch", url, f"s3://{bucket}/"], capture_output=True, timeout=300,
                          env={**home.environment(), "SSL_CERT_FILE": str(certificate)})
    net.close()
    assert done.returncode == 0, done.stderr
    assert objects(home, "", bucket) == {"tls": BYTES}


# --- what goes wrong ----------------------------------------------------------------------------


def test_what_passes_is_tried_again(home, net):
    url = net.add("/busy", BYTES, faults=[503, 500, 429, "cut"], headers={"Retry-After": "0"})
    found, log = brought(home, url)
    assert found == {"busy": BYTES}
    assert sum("trying again" in line for line in log) == 4
    ranges = [request.get("Range") for request in net.pages["/busy"].requests]
    assert ranges == [None] * 4 + ["bytes=150000-"]


def test_a_cut_body_goes_on_only_where_it_is_still_the_same(home, net):
    """Without ranges, without validators, and where the file has changed, the whole comes again."""
    urls = [net.add("/noranges", BYTES, faults=["cut"], ranges=False),
            net.add("/notag", BYTES, faults=["cut"], tag=None),
            net.add("/weak", BYTES, faults=["cut"], tag='W/"1"'),
            net.add("/dated", BYTES, faults=["cut"], tag=None, headers={
                "Last-Modified": "Sat, 21 Nov 2026 10:20:30 GMT"})]
    found, _ = brought(home, *urls)
    assert found == {name: BYTES for name in ("noranges", "notag", "weak", "dated")}
    assert "Range" not in net.pages["/notag"].requests[1]
    assert "Range" not in net.pages["/weak"].requests[1]
    assert net.pages["/dated"].requests[1]["If-Range"] == "Sat, 21 Nov 2026 10:20:30 GMT"
    page_url = net.add("/changes", BYTES, faults=["cut"])
    page, new = net.pages["/changes"], BYTES[::-1]
    page.hold = threading.Event()
    name = start(home, page_url)
    assert page.half_sent.wait(60)
    page.body, page.tag = new, '"new"'
    page.hold.set()
    job, found, _ = end_of(home, name)
    assert job["ProcessingJobStatus"] == "Completed" and found == {"changes": new}


def test_what_stays_wrong_is_told(home, net):
    missing, gone = f"http://{net.place}/missing", net.add("/gone", faults=410)
    assert f"{missing}: the server answered with the HTTP status 404" in reason(home, missing)
    assert f"{gone}: the server answered with the HTTP status 410" in reason(home, gone)
    assert len(net.pages["/gone"].requests) == 1
    broken = net.add("/broken", faults=500)
    why = reason(home, broken, retries=2)
    assert f"after 3 tries: {broken}: the server answered with the HTTP status 500" in why
    assert len(net.pages["/broken"].requests) == 3
    short = net.add("/short", BYTES, faults="short", ranges=False)
    assert short in reason(home, short, retries=1)


def test_a_host_that_does_not_answer_is_told(server_factory, tmp_path):
    with socket.socket() as taken:  # and does not listen
        taken.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        configuration = tmp_path / "lathe.yaml"
        configuration.write_text(f"fetch: {{allow: ['{place}']}}\n")
        server = server_factory(["--config", str(configuration)])
        server.client("s3").create_bucket(Bucket="lake")
        why = reason(server, f"http://{place}/x", retries=1)
        assert f"after 2 tries: http://{place}/x: Couldn't connect" in why


@pytest.mark.parametrize("kind, digest", [("sha256", sha256), ("md5", md5)])
def test_a_wrong_checksum_is_told_with_what_came(home, net, kind, digest):
    url, wrong = net.add(f"/sum-{kind}", BYTES), digest(b"other")
    why = reason(home, {"url": url, kind: wrong})
    assert f"{url}: its {kind} is {digest(BYTES)}, and {wrong} was expected (300000 bytes" in why
    assert len(net.pages[f"/sum-{kind}"].requests) == 2  # the second from the start
    assert all("Range" not in request and "If-None-Match" not in request
               for request in net.pages[f"/sum-{kind}"].requests)


@pytest.mark.parametrize("files, words", [
    ([{"url": "ftp://example.org/x"}], ["ftp://example.org/x", "http:// and https://"]),
    ([{"url": "file:///etc/passwd"}], ["file:///etc/passwd", "http:// and https://"]),
    (["/etc/passwd"], ["/etc/passwd", "http:// and https://"]),
    (["http://user:word@listed.example/x"], ["user"]),
    ([{"url": "http://listed.example/x", "path": "../x"}], ["../x", "below the output"]),
    ([{"url": "http://listed.example/x", "path": "/x"}], ["/x", "below the output"]),
    (["http://listed.example/"], ["http://listed.example/", "path"]),
    (["http://listed.example/..%2f..%2fx"], ["below the output"]),
    (["http://listed.example/a", "http://listed.example/b/a"], ["file a", "another path"]),
    ([{"url": "http://listed.example/x", "sha256": "abc"}], ["sha256", "64 hexadecimal digits"]),
    ([{"url": "http://listed.example/x", "decompress": "rar"}], ["rar", "gzip, tar"]),
    ([{"uri": "http://listed.example/x"}], ["files[0]", "uri", "url"]),
    ([3], ["files[0]"]),
    ([], ["no files"]),
])
def test_lists_that_cannot_be_are_refused(home, files, words):
    why = reason(home, *files)
    assert [word for word in words if word not in why] == [], why


def test_a_job_needs_an_output(home):
    request = request_for(home, {"files": []})
    del request["ProcessingOutputConfig"]
    with pytest.raises(ClientError) as refused:
        home.client("sagemaker").create_processing_job(**request)
    assert OUTPUT in str(refused.value)


# --- bounds -------------------------------------------------------------------------------------


ZEROS = bytes(40 << 20)


@pytest.mark.parametrize("name, body, form", [
    ("z.gz", gzip.compress(ZEROS), "gzip"), ("z.zip", zip_of({"a": ZEROS}), "zip"),
    ("z.tgz", tar_of({"a": ZEROS}, "w:gz"), "tar"),
    ("t.tgz", gzip.compress(tar_of({"a": b""}).rstrip(b"\0") + ZEROS), "tar"),
])
def test_bombs_are_held_to_their_expansion(home, net, name, body, form):
    url = net.add(f"/bomb-{form}-{name}", body)
    why = reason(home, {"url": url, "decompress": form}, limits={"expansion": 10, "members": 10})
    assert url in why and "limits.expansion" in why and str(16 << 20) in why


def test_members_are_counted(home, net):
    for form, body in (("zip", zip_of({f"f{n}": b"" for n in range(30)})),
                       ("tar", tar_of({f"f{n}": b"" for n in range(30)}))):
        url = net.add(f"/many.{form}", body)
        assert "more than 20 files" in reason(home, {"url": url, "decompress": form},
                                              limits={"members": 20})


def test_bytes_are_counted(home, net):
    told, untold = net.add("/told", BYTES), net.add("/untold", BYTES, chunked=True)
    for url in told, untold:
        assert "limits.bytes" in reason(home, url, limits={"bytes": 200_000})
    assert "limits.bytes" in reason(home, told, {"url": told, "path": "again"},
                                    limits={"bytes": 400_000})


@pytest.mark.parametrize("form", ["tar", "zip"])
@pytest.mark.parametrize("name", ["../out", "/etc/out", "a/../../out"])
def test_names_that_lead_out_are_refused(home, net, form, name):
    body = (tar_of if form == "tar" else zip_of)({"good": b"1", name: b"2"})
    url = net.add(f"/names-{len(name)}.{form}", body)
    why = reason(home, {"url": url, "decompress": form})
    assert url in why and name in why and "own folder" in why


def test_links_are_left_out_and_nothing_is_written_through_them(home, net):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        link = tarfile.TarInfo("way")
        link.type, link.linkname = tarfile.SYMTYPE, "/tmp"
        archive.addfile(link)
        member = tarfile.TarInfo("way/file")
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
    found, _ = brought(home, {"url": net.add("/links.tar", raw.getvalue()), "decompress": "tar"})
    assert found == {"way/file": b"x"}


def test_what_is_corrupt_is_refused(home, net):
    packed = bytearray(gzip.compress(BYTES))
    cut = net.add("/cut.gz", bytes(packed[:-9]))
    packed[-6] ^= 1  # of the checksum
    wrong, none = net.add("/wrong.gz", bytes(packed)), net.add("/none.gz", BYTES)
    inner = bytearray(gzip.compress(tar_of({"a": BYTES})))
    inner[-6] ^= 1
    tar, no_zip = net.add("/wrong.tgz", bytes(inner)), net.add("/no.zip", BYTES)
    for url, form in ((cut, "gzip"), (wrong, "gzip"), (none, "gzip"), (tar, "tar"), (no_zip, "zip")):
        assert url in reason(home, {"url": url, "decompress": form})


def test_two_that_make_the_same_file_are_refused(home, net):
    urls = [net.add(f"/same{n}.zip", zip_of({"x.csv": b"%d" % n})) for n in range(2)]
    why = reason(home, *({"url": url, "decompress": "zip"} for url in urls))
    assert "x.csv" in why and urls[1] in why


# --- what may be fetched ------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "2130706433", "0x7f.1",
                                  "127.1", "[::1]", "[::ffff:127.0.0.1]", "[::]"])
def test_this_machine_is_reached_only_where_it_is_listed(home, other, host):
    other.add("/secret", b"secret")
    why = reason(home, f"http://{host}:{other.port}/secret", retries=0)
    assert "fetch.allow" in why and f":{other.port}" in why
    assert other.pages["/secret"].requests == []


def test_private_addresses_are_not_connected_to(home):
    for host in "10.0.0.1", "192.168.0.1", "169.254.169.254", "[fd00:ec2::254]", "[fe80::1]":
        assert "not of the public internet" in reason(home, f"http://{host}/latest", retries=0)


def test_a_redirect_leads_to_no_other_place(home, net, other):
    other.add("/secret", b"secret")
    inner = net.add("/inner", redirect=f"http://localhost:{other.port}/secret")
    why = reason(home, inner, retries=0)
    assert f"localhost:{other.port}" in why and "fetch.allow" in why
    assert other.pages["/secret"].requests == []
    assert "http:// and https://" in reason(home, net.add("/file", redirect="file:///etc/passwd"))


def test_a_listed_address_is_one_by_any_name(home, net):
    net.add("/named", BYTES)
    found, _ = brought(home, f"http://localhost:{net.port}/named")
    assert found == {"named": BYTES}


def test_a_script_in_a_sandbox_fetches_only_what_is_listed(home, net):
    """Of a public place, which it does not even look up, and of one that is listed."""
    made = [request_for(home, {"files": [url], "retries": 0}) for url in (
        "http://public.invalid/x", net.add("/within", BYTES))]
    job, log = scripts.run(home, "lake", f"""
import boto3, json
for request in json.loads({json.dumps(json.dumps(made))}):
    boto3.client("sagemaker").create_processing_job(**request)
""")
    assert job["ProcessingJobStatus"] == "Completed", log
    refused, found = (end_of(home, request["ProcessingJobName"]) for request in made)
    assert "a script in a sandbox asks for it" in refused[0]["FailureReason"]
    assert "public.invalid:80" in refused[0]["FailureReason"]
    assert found[1] == {"within": BYTES}


# --- what was cut off ---------------------------------------------------------------------------


def half_size(server):
    halves = (server.home / "cache/fetch").glob("*.half")
    return max((path.stat().st_size for path in halves), default=0)


def wait_until(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_after_a_crash_the_next_run_goes_on(server_factory, tmp_path, net):
    configuration = tmp_path / "lathe.yaml"
    configuration.write_text(f"fetch: {{allow: ['{net.place}']}}\n")
    server = server_factory(["--config", str(configuration)])
    server.client("s3").create_bucket(Bucket="lake")
    body = random.Random(8).randbytes(6_000_000)
    first, second = net.add("/whole", BYTES), net.add("/long", body)
    page = net.pages["/long"]
    page.hold = threading.Event()
    start(server, first, {"url": second, "sha256": sha256(body)})
    wait_until(lambda: half_size(server) >= len(body) // 2)
    server.kill()
    page.hold.set()
    server.start()
    found, log = brought(server, first, {"url": second, "sha256": sha256(body)})
    assert found == {"whole": BYTES, "long": body}
    assert page.requests[1]["Range"] == f"bytes={len(body) // 2}-"
    assert page.requests[1]["If-Range"] == page.tag
    assert any("went on from byte 3000000" in line for line in log)
    assert net.pages["/whole"].requests[1]["If-None-Match"] == net.pages["/whole"].tag
    left = {path.suffix for path in (server.home / "cache/fetch").iterdir()}
    assert left <= {".lock"}


# --- the verb -----------------------------------------------------------------------------------


def verb(lathe, server, *words, cwd=None):
    return subprocess.run([lathe, "fetch", *map(str, words)], env=server.environment(), cwd=cwd,
                          capture_output=True, text=True, timeout=300)


def test_the_verb_brings_addresses_and_local_files(lathe, home, other, tmp_path):
    """What its caller may reach, no list has to name."""
    bucket = unique("verb")
    (tmp_path / "rows.csv").write_bytes(b"1,2\n")
    (tmp_path / "rows.zip").write_bytes(zip_of({"a/b.csv": b"3\n"}))
    url = other.add("/verb.csv.gz", gzip.compress(BYTES))
    done = verb(lathe, home, url, "rows.csv", "rows.zip", f"s3://{bucket}/in", "--decompress",
                cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert objects(home, "in/", bucket) == {"verb.csv": BYTES, "rows.csv": b"1,2\n",
                                            "a/b.csv": b"3\n"}
    assert sha256(b"1,2\n") in done.stdout and "3 files" in done.stdout and done.stderr == ""
    assert not list((home.home / "cache/fetch").glob("run-*"))


def test_the_verb_takes_a_list(lathe, home, other, tmp_path):
    bucket, url = unique("verb"), other.add("/listed", BYTES)
    (tmp_path / "here.csv").write_bytes(b"4\n")
    listed = tmp_path / "list.yaml"
    listed.write_text(f"files:\n  - {{url: '{url}', path: x/y, sha256: {sha256(BYTES)}}}\n"
                      f"  - here.csv\n")
    done = verb(lathe, home, "--list", listed, f"s3://{bucket}")
    assert done.returncode == 0, done.stderr
    assert objects(home, "", bucket) == {"x/y": BYTES, "here.csv": b"4\n"}
    listed.write_text(f"files: [{{url: here.csv, md5: {md5(b'5')}}}]\n")
    done = verb(lathe, home, "--list", listed, f"s3://{bucket}/other/")
    assert done.returncode == 1 and md5(b"4\n") in done.stderr and md5(b"5") in done.stderr
    assert objects(home, "other/", bucket) == {}


def test_the_verb_stores_large_files(lathe, home, tmp_path):
    bucket, body = unique("verb"), random.Random(9).randbytes(33 << 20)
    (tmp_path / "large").write_bytes(body)
    done = verb(lathe, home, tmp_path / "large", f"s3://{bucket}/")
    assert done.returncode == 0, done.stderr
    assert objects(home, "", bucket) == {"large": body}


def test_the_verbs_redirects_lead_to_nothing_private(lathe, home, net, other):
    other.add("/secret", b"secret")
    url = net.add("/verbs", redirect=f"http://localhost:{other.port}/secret")
    done = verb(lathe, home, url, f"s3://{unique('verb')}/")
    assert done.returncode == 1 and "not of the public internet" in done.stderr
    assert other.pages["/secret"].requests == []


def test_the_verb_goes_on_after_control_c_and_shows_a_bar(lathe, home, other):
    bucket, body = unique("verb"), random.Random(10).randbytes(4_000_000)
    url = other.add("/interrupted", body)
    page = other.pages["/interrupted"]
    page.hold = threading.Event()
    command = [str(lathe), "fetch", url, f"s3://{bucket}/"]
    # A shell's job in the background, such as these tests may be, has it ignored.
    started = subprocess.Popen(command, env=home.environment(), stdout=subprocess.PIPE,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    wait_until(lambda: half_size(home) >= len(body) // 2)
    started.send_signal(signal.SIGINT)
    started.communicate(timeout=60)
    assert started.returncode != 0
    page.hold.set()
    ours, theirs = pty.openpty()
    done = subprocess.run(command, env=home.environment(), stderr=theirs, timeout=120)
    shown = os.read(ours, 1 << 16).decode()
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 0, shown
    assert f"[{'#' * 30}] 100 %" in shown and "1/1 interrupted" in shown
    assert page.requests[1]["Range"] == f"bytes={len(body) // 2}-"
    assert objects(home, "", bucket) == {"interrupted": body}


def test_the_verb_says_what_it_needs(lathe, home, tmp_path):
    assert verb(lathe, home).returncode == 2
    assert verb(lathe, home, "rows.csv").returncode == 2
    missing = verb(lathe, home, tmp_path / "none.csv", f"s3://{unique('verb')}/")
    assert missing.returncode == 1 and "none.csv" in missing.stderr

"""S3 as programs beside boto3 use it: the AWS command line's sync, PyArrow, and readers of keys that
are being replaced. (Crashes are test_crash.py's.)"""

import concurrent.futures
import hashlib
import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading

import pytest

MIB = 1 << 20


def aws(server, *arguments):
    """Runs the AWS command line; what it printed."""
    program = shutil.which("aws", path=str(pathlib.Path(sys.executable).parent))
    if not program:
        pytest.fail("the AWS command line is not beside this Python (tests/requirements.txt)")
    done = subprocess.run([program, *arguments], env=server.environment(), capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_sync(server, bucket, tmp_path):
    source = tmp_path / "source"
    for i in range(60):
        path = source / f"d{i % 3}" / f"file {i}+ü.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(4096))
    (source / "large").write_bytes(os.urandom(20 * MIB))
    aws(server, "s3", "sync", str(source), f"s3://{bucket}/p")
    assert aws(server, "s3", "sync", str(source), f"s3://{bucket}/p") == "", "nothing had changed"
    back = tmp_path / "back"
    aws(server, "s3", "sync", f"s3://{bucket}/p", str(back))
    names = sorted(str(p.relative_to(source)) for p in source.rglob("*") if p.is_file())
    assert sorted(str(p.relative_to(back)) for p in back.rglob("*") if p.is_file()) == names
    for name in names:
        assert (back / name).read_bytes() == (source / name).read_bytes()
    assert aws(server, "s3", "sync", f"s3://{bucket}/p", str(back)) == ""
    (source / "large").unlink()
    (source / "new").write_bytes(b"new")
    aws(server, "s3", "sync", "--delete", str(source), f"s3://{bucket}/p")
    listing = aws(server, "s3", "ls", f"s3://{bucket}/p/")
    assert "new" in listing and "large" not in listing and "PRE d0/" in listing
    aws(server, "s3", "cp", "--recursive", f"s3://{bucket}/p", f"s3://{bucket}/q")
    aws(server, "s3", "rm", "--recursive", f"s3://{bucket}/p")
    assert len(aws(server, "s3", "ls", "--recursive", f"s3://{bucket}/").splitlines()) == 61


def test_copy_of_a_large_object_by_the_command_line(server, bucket, tmp_path):
    data = os.urandom(20 * MIB)
    (tmp_path / "large").write_bytes(data)
    aws(server, "s3", "cp", str(tmp_path / "large"), f"s3://{bucket}/large")
    aws(server, "s3", "cp", f"s3://{bucket}/large", f"s3://{bucket}/copy")
    got = server.client("s3").get_object(Bucket=bucket, Key="copy")["Body"].read()
    assert hashlib.sha256(got).digest() == hashlib.sha256(data).digest()


@pytest.fixture
def arrow(server):
    """S3 as the C++ SDK speaks it: aws-chunked bodies with CRC64NVME behind them, every file a
    multipart upload."""
    fs = pytest.importorskip("pyarrow.fs")
    return fs.S3FileSystem(access_key="test", secret_key="test", region="us-east-1",
                           scheme="http", endpoint_override=server.url.removeprefix("http://"))


@pytest.mark.parametrize("size", [0, 5000, 30 * MIB])
def test_pyarrow_writes(server, bucket, arrow, size):
    data = os.urandom(size)
    with arrow.open_output_stream(f"{bucket}/d/file") as out:
        out.write(data)
    assert server.client("s3").get_object(Bucket=bucket, Key="d/file")["Body"].read() == data
    import pyarrow.fs
    found = arrow.get_file_info(pyarrow.fs.FileSelector(bucket, recursive=True))
    assert [(f.path, f.size) for f in found if f.is_file] == [(f"{bucket}/d/file", size)]


def test_pyarrow_reads(server, bucket, arrow):
    data = os.urandom(300000)
    server.client("s3").put_object(Bucket=bucket, Key="k", Body=data)
    with arrow.open_input_stream(f"{bucket}/k") as stream:
        assert stream.read() == data


def test_readers_never_see_half_an_object(server, bucket):
    """While one key is replaced all the time, every read is one of the bodies, whole."""
    bodies = [bytes([i]) * size for i, size in enumerate((10, 70000, 300000, 65536))]
    stop = threading.Event()

    def write():
        s3 = server.client("s3")
        while not stop.is_set():
            s3.put_object(Bucket=bucket, Key="k", Body=random.choice(bodies))

    def read(_):
        s3 = server.client("s3")
        for _ in range(40):
            got = s3.get_object(Bucket=bucket, Key="k")
            assert got["Body"].read() in bodies

    server.client("s3").put_object(Bucket=bucket, Key="k", Body=bodies[0])
    writer = threading.Thread(target=write)
    writer.start()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(read, range(4)))
    stop.set()
    writer.join()

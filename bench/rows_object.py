"""Objects: large ones beside cp and nginx, and many small ones."""

import hashlib
import os
import pathlib
import resource
import selectors
import shutil
import socket
import sqlite3
import subprocess
import sys
import time

from harness import Row, cpu_seconds, reset_peak, rows, sha256_of, status_value
from rows_server import free_port

LARGE = 1 << 30
BLOCK = 1 << 20
MEMORY_GOAL_MB = 64
SMALL_FILES = 10_000
SMALL_SIZE = 4096
PARALLEL = 64


def write_random_file(path, size):
    with open(path, "wb") as file:
        for _ in range(size // BLOCK):
            file.write(os.urandom(BLOCK))
        file.write(os.urandom(size % BLOCK))
        file.flush()
        os.fsync(file.fileno())


def read_head(link):
    """The reply's head, and what came of its body with it."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = link.recv(65536)
        if not more:
            raise ConnectionError(f"the connection ended within the head {head!r}")
        head += more
    head, _, body = head.partition(b"\r\n\r\n")
    return head.decode("latin-1"), body


def put_file(port, path, source):
    """PUTs a file in one request, sent by the kernel: seconds."""
    size = source.stat().st_size
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as link, open(source, "rb") as file:
        link.sendall(f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size}"
                     "\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD\r\n\r\n".encode())
        link.sendfile(file)
        head, _ = read_head(link)
    if " 200 " not in head.splitlines()[0]:
        raise RuntimeError(f"PUT: {head}")
    return time.perf_counter() - started


def get_bytes(port, path, digest=None):
    """GETs a path and drops the bytes, or feeds them to a digest: (seconds, size)."""
    buffer = bytearray(4 * BLOCK)
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        head, body = read_head(link)
        if " 200 " not in head.splitlines()[0]:
            raise RuntimeError(f"GET: {head}")
        size = len(body)
        if digest:
            digest.update(body)
        while count := link.recv_into(buffer):
            size += count
            if digest:
                digest.update(memoryview(buffer)[:count])
    return time.perf_counter() - started, size


def sha256_behind(port, path):
    digest = hashlib.sha256()
    get_bytes(port, path, digest)
    return digest.hexdigest()


def copy_and_sync(source, target):
    """cp and fsync, seconds."""
    started = time.perf_counter()
    subprocess.run(["cp", source, target], check=True)
    descriptor = os.open(target, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    return time.perf_counter() - started


@rows(Row("object-put", 0.6, "rate", "MB/s", "PutObject of 1 GiB, on the disk when answered",
          "cp and fsync of the same file on the same disk"),
      Row("object-put-memory", 1, "size", "MB", "the server's peak during it",
          f"{MEMORY_GOAL_MB} MB"))
def object_put(bench):
    source = bench.scratch / "large"
    write_random_file(source, LARGE)
    server = bench.server().start()
    server.client("s3").create_bucket(Bucket="bench")
    bench.note("one PUT over loopback, the body by sendfile from the page cache, and cp by turns; "
               "copies are deleted between rounds, outside the measured time")
    put_file(server.port, "/bench/large", source)
    bench.check(sha256_behind(server.port, "/bench/large") == sha256_of(source),
                "the object's bytes are not the file's")
    for _ in bench.rounds:
        reset_peak(server.pid)
        ours = put_file(server.port, "/bench/large", source)
        peak = status_value(server.pid, "VmHWM") / 1e6
        server.client("s3").delete_object(Bucket="bench", Key="large")
        peer = copy_and_sync(source, bench.scratch / "copy")
        (bench.scratch / "copy").unlink()
        os.sync()
        yield {"object-put": (LARGE / ours / 1e6, LARGE / peer / 1e6),
               "object-put-memory": (peak, MEMORY_GOAL_MB)}


class Nginx:
    """nginx serving one folder on a port of its own, with its best settings for large files."""

    def __init__(self, folder):
        self.port = free_port()
        self.folder = folder / "nginx"
        (self.folder / "root").mkdir(parents=True)
        # As root, nginx would hand its workers to an account that may not read the folder.
        user = "user root;" if os.getuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(f"""
{user}
daemon off;
worker_processes 1;
pid {self.folder}/pid;
error_log stderr crit;
events {{ }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    client_body_temp_path {self.folder}/body;
    proxy_temp_path {self.folder}/proxy;
    fastcgi_temp_path {self.folder}/fastcgi;
    uwsgi_temp_path {self.folder}/uwsgi;
    scgi_temp_path {self.folder}/scgi;
    server {{ listen 127.0.0.1:{self.port}; root {self.folder}/root; }}
}}
""")
        binary = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        self.process = subprocess.Popen([binary, "-c", self.folder / "nginx.conf", "-p",
                                         self.folder, "-e", "stderr"])

    def wait(self):
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionError:
                time.sleep(0.02)
        raise RuntimeError("nginx does not listen")

    def stop(self):
        self.process.terminate()
        self.process.wait()


@rows(Row("object-get", 0.6, "rate", "MB/s", "GetObject of 1 GiB",
          "nginx with sendfile serving the same file"),
      Row("object-get-memory", 1, "size", "MB", "the server's peak during it",
          f"{MEMORY_GOAL_MB} MB"))
def object_get(bench):
    nginx = Nginx(bench.scratch)
    try:
        source = nginx.folder / "root/large"
        write_random_file(source, LARGE)
        server = bench.server().start()
        server.client("s3").create_bucket(Bucket="bench")
        put_file(server.port, "/bench/large", source)
        nginx.wait()
        bench.note("one GET over loopback by turns, files in the page cache, the client drops the "
                   "bytes")
        bench.check(sha256_behind(server.port, "/bench/large") ==
                    sha256_behind(nginx.port, "/large"), "the two answers differ")
        for _ in bench.rounds:
            reset_peak(server.pid)
            ours, _ = get_bytes(server.port, "/bench/large")
            peak = status_value(server.pid, "VmHWM") / 1e6
            peer, _ = get_bytes(nginx.port, "/large")
            yield {"object-get": (LARGE / ours / 1e6, LARGE / peer / 1e6),
                   "object-get-memory": (peak, MEMORY_GOAL_MB)}
    finally:
        nginx.stop()


# --- small objects ------------------------------------------------------------------------------


def make_tree(folder):
    for number in range(SMALL_FILES):
        path = folder / f"part-{number % 100:02}/{number:05}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(SMALL_SIZE))


def sync_up(server, folder, bucket):
    """aws s3 sync of a folder; the client's CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    aws = pathlib.Path(sys.executable).with_name("aws")
    subprocess.run([sys.executable, aws, "s3", "sync", "--quiet", folder, f"s3://{bucket}/"],
                   env=server.environment(), check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@rows(Row("object-small", 5, "time", "CPU s", "the server's CPU time for aws s3 sync of 10,000 "
          "files of 4 kB", "the client's own CPU time"))
def object_small(bench):
    folder = bench.scratch / "tree"
    make_tree(folder)
    server = bench.server().start()
    s3 = server.client("s3")
    bench.note("aws s3 sync with its defaults (10 requests at once) into a new bucket")
    for number in bench.rounds:
        bucket = f"sync-{number}"
        s3.create_bucket(Bucket=bucket)
        before = cpu_seconds(server.pid)
        theirs = sync_up(server, folder, bucket)
        ours = cpu_seconds(server.pid) - before
        if number == 0:
            check_tree(bench, s3, bucket, folder)
        yield {"object-small": (ours, theirs)}


def check_tree(bench, s3, bucket, folder):
    there = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        there.update((item["Key"], item["ETag"]) for item in page["Contents"])
    wanted = {str(path.relative_to(folder)): f'"{hashlib.md5(path.read_bytes()).hexdigest()}"'
              for path in folder.rglob("*.bin")}
    bench.check(there == wanted, "the bucket does not hold the folder's files")


class Putter:
    """One keep-alive connection that puts one small object after the other."""

    def __init__(self, port, names, body):
        self.link = socket.create_connection(("127.0.0.1", port))
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.names, self.body, self.answer = names, body, b""

    def send_next(self):
        name = next(self.names, None)
        if name is None:
            return False
        self.answer = b""
        self.link.sendall(f"PUT /puts/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: "
                          f"{len(self.body)}\r\n\r\n".encode() + self.body)
        return True

    def answered(self):
        """Reads on; whether the reply, which has no body, is complete."""
        more = self.link.recv(65536)
        if not more:
            raise ConnectionError("the server closed a connection in the middle of a PUT")
        self.answer += more
        if not self.answer.endswith(b"\r\n\r\n"):
            return False
        if b" 200 " not in self.answer.split(b"\r\n", 1)[0]:
            raise RuntimeError(f"PUT: {self.answer!r}")
        return True


def put_many(port, prefix, count, connections):
    """Durable puts of small objects over that many connections: puts a second."""
    names = iter([f"{prefix}/{number}" for number in range(count)])
    body = os.urandom(SMALL_SIZE)
    with selectors.DefaultSelector() as selector:
        putters = [Putter(port, names, body) for _ in range(connections)]
        started = time.perf_counter()
        busy = 0
        for putter in putters:
            selector.register(putter.link, selectors.EVENT_READ, putter)
            busy += putter.send_next()
        while busy:
            for key, _ in selector.select():
                if key.data.answered() and not key.data.send_next():
                    busy -= 1
        took = time.perf_counter() - started
        for putter in putters:
            putter.link.close()
    return count / took


def sync_rate(folder, count=100):
    """Small files written and synced one after the other: files a second, what the disk allows."""
    body = os.urandom(SMALL_SIZE)
    started = time.perf_counter()
    for number in range(count):
        with open(folder / f"synced-{number}", "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
    return count / (time.perf_counter() - started)


@rows(Row("object-small-parallel", 10, "rate", "puts/s", "64 durable puts of 4 kB at a time",
          "one after the other"))
def object_small_parallel(bench):
    server = bench.server().start()
    server.client("s3").create_bucket(Bucket="puts")
    bench.note(f"the disk: {sync_rate(bench.scratch):.0f} files of 4 kB a second written and "
               "synced one after the other")
    put_many(server.port, "warm", 200, PARALLEL)
    for number in bench.rounds:
        together = put_many(server.port, f"together-{number}", 4000, PARALLEL)
        alone = put_many(server.port, f"alone-{number}", 400, 1)
        yield {"object-small-parallel": (together, alone)}
    listed = server.client("s3").list_objects_v2(Bucket="puts", Prefix="together-0/",
                                                 MaxKeys=1000)["KeyCount"]
    bench.check(listed == 1000, "acknowledged objects are not listed")


# --- versions -----------------------------------------------------------------------------------

VERSIONS = int(os.environ.get("LATHE_BENCH_VERSIONS", "100000"))
LOOKS, TURNS = 10_000, 10


def fill_versions(home, bucket, marker):
    """Rows of lake_version below the bucket's one key, as so many puts or deletes would leave."""
    with sqlite3.connect(home / "meta.db") as database:
        database.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO lake_version (bucket, key, file, row, size, etag, modified, version, "
            "number, marker) SELECT bucket, key, printf('%s-%d', file, i), 0, size, etag, "
            "modified, printf('%016x%016x', i, i), i, ? FROM lake_object, n WHERE bucket = ?",
            (VERSIONS, marker, bucket))


def costs_of(server, *paths):
    """The server's CPU time for so many requests of each path, one after the other, in short turns."""
    costs = [0.0 for _ in paths]
    for _ in range(TURNS):
        for i, path in enumerate(paths):
            before = cpu_seconds(server.pid)
            ask_many(server.port, path)
            costs[i] += cpu_seconds(server.pid) - before
    return tuple(costs)


def ask_many(port, path):
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(LOOKS // TURNS):
            link.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            head, body = read_head(link)
            if " 200 " not in head.splitlines()[0]:
                raise RuntimeError(f"GET: {head}")
            size = int(head.lower().split("content-length:")[1].split()[0])
            while len(body) < size:
                body += link.recv(65536)


@rows(Row("object-versions-get", 0.95, "time", "CPU s",
          f"{LOOKS:,} times GetObject of a key with {VERSIONS:,} versions", "of a key with one"),
      Row("object-versions-list", 0.95, "time", "CPU s",
          f"{LOOKS:,} times ListObjectsV2 of a bucket whose one key has {VERSIONS:,} versions",
          "of one whose key has one"),
      Row("object-markers-list", 0.95, "time", "CPU s",
          f"{LOOKS:,} times ListObjectsV2 of a bucket whose one key has {VERSIONS:,} delete "
          "markers below it", "of one whose key has none"))
def object_versions(bench):
    server = bench.server().start()
    s3 = server.client("s3")
    for bucket in ("one", "versions", "markers"):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket=bucket, Key="key", Body=b"x" * SMALL_SIZE)
    server.stop()
    for bucket in ("versions", "markers"):
        fill_versions(server.home, bucket, bucket == "markers")
    server.start()
    listed = s3.list_object_versions(Bucket="versions")
    bench.check(len(listed["Versions"]) == 1000 and listed["IsTruncated"],
                "the versions are not there")
    bench.note("by turns, a connection each; rows of older versions written directly")
    for _ in bench.rounds:
        yield {"object-versions-get": costs_of(server, "/versions/key", "/one/key"),
               "object-versions-list": costs_of(server, "/versions?list-type=2",
                                                "/one?list-type=2"),
               "object-markers-list": costs_of(server, "/markers?list-type=2",
                                               "/one?list-type=2")}

"""HTTP as the sockets see it, against http_probe (a server whose handler does what a path asks)."""

import hashlib
import http.client
import os
import pathlib
import random
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LATHE_BINARY", ROOT / "build/debug/lathe")).resolve().parent
TIMEOUT = 60  # for what must happen at all; nothing here is measured in seconds


class Probe:
    def __init__(self, *options, file=None):
        program = BUILD / "http_probe"
        if not program.exists():
            pytest.fail(f"{program} is not there: ./dev build debug makes it", pytrace=False)
        self.process = subprocess.Popen(
            [program, *map(str, options)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            # GLib's own allocator hides from the sanitizers what is reused
            env={**os.environ, "PROBE_FILE": str(file or ""), "G_SLICE": "always-malloc",
                 "TSAN_OPTIONS": f"suppressions={pathlib.Path(__file__).parent / 'tsan.supp'}"})
        line = self.process.stdout.readline()
        self.port = int(line) if line.strip().isdigit() else None
        self.said = line

    def connect(self):
        made = socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def client(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)

    def ask(self, method, target, body=None, headers={}):
        connection = self.client()
        connection.request(method, target, body, headers)
        reply = connection.getresponse()
        return reply.status, reply.read()

    def status(self):
        return {k: int(v) for k, v in
                (pair.split("=") for pair in self.ask("GET", "/status")[1].decode().split())}

    def wait_for(self, condition):
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            if condition(self.status()):
                return
            time.sleep(0.02)
        raise AssertionError(f"not reached: {self.status()}")

    def signal(self):
        self.process.send_signal(signal.SIGTERM)

    def end(self):
        out, err = self.process.communicate(timeout=TIMEOUT)
        assert self.process.returncode == 0, err
        assert out.endswith("stopped\n") and err == ""

    def stop(self):
        if self.process.poll() is None:
            self.signal()
        self.end()


@pytest.fixture(scope="module")
def probe():
    made = Probe("--threads", 2, "--stop", 5, "--body-limit", 1 << 24)
    yield made
    made.stop()


@pytest.fixture
def start():
    started = []

    def make(*options, **more):
        started.append(Probe(*options, **more))
        return started[-1]

    yield make
    for one in started:
        if one.process.poll() is None and one.process.returncode is None:
            one.stop()


def read_until_closed(connection):
    data = b""
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return data
        if not piece:
            return data
        data += piece


def read_head(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(1)
        assert piece, data
        data += piece
    return data


def read_reply(connection):
    head = read_head(connection)
    length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
    body = b""
    while len(body) < length:
        body += connection.recv(length - len(body))
    return int(head.split()[1]), body


# --- what is refused ---------------------------------------------------------------------------

def statuses(answer):
    """All there are: libmicrohttpd says the head of its own refusals of a Content-Length twice."""
    return {int(status) for status in re.findall(rb"HTTP/1\.[01] (\d+) ", answer)}


SMUGGLED = b"GET /quick HTTP/1.1\r\nHost: smuggled\r\n\r\n"
HOST = b"Host: 127.0.0.1\r\n"


def post(*fields, body=b"", version=b"HTTP/1.1", host=HOST, target=b"/echo", method=b"POST"):
    head = method + b" " + target + b" " + version + b"\r\n" + host
    return head + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


CHUNKED = b"Transfer-Encoding: chunked"
REFUSED = {
    "both lengths": post(b"Content-Length: 4", CHUNKED, body=b"0\r\n\r\n"),
    "both lengths, the other way": post(CHUNKED, b"Content-Length: 4", body=b"0\r\n\r\n"),
    "two lengths": post(b"Content-Length: 4", b"Content-Length: 5", body=b"abcde"),
    "two equal lengths": post(b"Content-Length: 4", b"Content-Length: 4", body=b"abcd"),
    "a list of lengths": post(b"Content-Length: 4, 4", body=b"abcd"),
    "a signed length": post(b"Content-Length: +4", body=b"abcd"),
    "a negative length": post(b"Content-Length: -1", body=b"abcd"),
    "a hexadecimal length": post(b"Content-Length: 0x4", body=b"abcd"),
    "an empty length": post(b"Content-Length: ", body=b"abcd"),
    "a length with a blank": post(b"Content-Length: 4 ", body=b"abcd"),
    "a blank before the colon": post(b"Content-Length : 4", body=b"abcd"),
    "a tab before the colon": post(b"Content-Length\t: 4", body=b"abcd"),
    "a blank in a name": post(b"X Y: 4"),
    "no name": post(b": 4"),
    "no colon": post(b"nothing"),
    "NUL in a value": post(b"X: a\0b"),
    "NUL at a value's end": post(b"X: a\0"),
    "NUL at the last value's end": post(b"X: a\0\0"),
    "NUL in a length": post(b"Content-Length: 4\x000", body=b"abcd"),
    "NUL in a name": post(b"X\0: a"),
    "NUL in the target": post(target=b"/echo\0x"),
    "CR in a value": post(b"X: a\rY: b"),
    "a control character in a value": post(b"X: a\x01b"),
    "DEL in a value": post(b"X: a\x7fb"),
    "a folded line": post(b"X: a", b" b"),
    "a line folded by a tab": post(b"X: a", b"\tb"),
    "a folded length": post(b"Content-Length:", b" 4", body=b"abcd"),
    "a folded encoding": post(b"Transfer-Encoding:", b" chunked", body=b"0\r\n\r\n"),
    "LF alone": post(b"X: a\nY: b"),
    "LF alone before a length": post(b"X: a\nContent-Length: 4", body=b"abcd"),
    "no Host": post(host=b""),
    "no Host, of old": post(host=b"", version=b"HTTP/1.0"),
    "two Hosts": post(b"Host: other"),
    "an unknown encoding": post(b"Transfer-Encoding: gzip", body=b"0\r\n\r\n"),
    "identity": post(b"Transfer-Encoding: identity", body=b"0\r\n\r\n"),
    "an encoding with a blank": post(b"Transfer-Encoding: chunked ", body=b"0\r\n\r\n"),
    "an odd encoding": post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "a list of encodings": post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "two encodings": post(CHUNKED, CHUNKED, body=b"0\r\n\r\n"),
    "an encoding of old": post(CHUNKED, version=b"HTTP/1.0", body=b"0\r\n\r\n"),
    "a target with a blank": post(target=b"/a b"),
    "a target with a tab": post(target=b"/a\tb"),
    "two blanks": b"GET  /quick HTTP/1.1\r\n" + HOST + b"\r\n",
    "a target that is a URL": post(target=b"http://127.0.0.1/echo"),
    "a target without a slash": post(target=b"echo"),
    "an odd method": post(method=b"PO(ST"),
    "no version": b"GET /quick\r\n" + HOST + b"\r\n",
    "an odd version": post(version=b"HTTP/1.x"),
    "a chunk size of words": post(CHUNKED, body=b"zz\r\nabcd\r\n0\r\n\r\n"),
    "a negative chunk size": post(CHUNKED, body=b"-4\r\nabcd\r\n0\r\n\r\n"),
    "a prefixed chunk size": post(CHUNKED, body=b"0x4\r\nabcd\r\n0\r\n\r\n"),
    "a chunk size with a blank": post(CHUNKED, body=b"4 \r\nabcd\r\n0\r\n\r\n"),
    "an empty chunk size": post(CHUNKED, body=b"\r\nabcd\r\n0\r\n\r\n"),
    "LF alone behind a chunk's size": post(CHUNKED, body=b"4\nabcd\r\n0\r\n\r\n"),
    "LF alone behind a chunk": post(CHUNKED, body=b"4\r\nabcd\n0\r\n\r\n"),
    "LF alone behind the last chunk": post(CHUNKED, body=b"4\r\nabcd\r\n0\n\r\n"),
    "LF alone at the trailer's end": post(CHUNKED, body=b"4\r\nabcd\r\n0\r\n\n"),
    "LF alone in the trailer": post(CHUNKED, body=b"4\r\nabcd\r\n0\r\nT: a\n\r\n"),
    "LF alone behind an extension": post(CHUNKED, body=b"4;a=b\nabcd\r\n0\r\n\r\n"),
    "CR alone behind a chunk's size": post(CHUNKED, body=b"4\rabcd\r\n0\r\n\r\n"),
    "NUL in a chunk's extension": post(CHUNKED, body=b"4;\0\r\nabcd\r\n0\r\n\r\n"),
    "a long chunk extension": post(CHUNKED, body=b"4;" + b"a" * 5000 + b"\r\nabcd\r\n0\r\n\r\n"),
    "a chunk longer than it says": post(CHUNKED, body=b"3\r\nabcd\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_two_readers_could_read_differently_is_refused_and_the_connection_closed(probe, what):
    with probe.connect() as connection:
        connection.sendall(REFUSED[what] + SMUGGLED)
        answer = read_until_closed(connection)
    assert statuses(answer) == {400} and answer.count(b"HTTP/1.1 ") == 1, answer


@pytest.mark.parametrize("fields,status", [
    ((b"Content-Length: 99999999999999999999",), 413),
    ((b"Content-Length: 9223372036854775808",), 413),
    ((b"Expect: something",), 417),
    ((b"X: " + b"a" * 20000,), 431),
    (tuple(b"X-%d: a" % i for i in range(2000)), 431),
    ((CHUNKED, b"X: y"), None),
])
def test_limits_of_a_head(probe, fields, status):
    with probe.connect() as connection:
        connection.sendall(post(*fields, body=b"0\r\n\r\n"))
        if status is None:  # the fields alone are no reason
            assert read_reply(connection)[0] == 200
            return
        answer = read_until_closed(connection)
        assert statuses(answer) == {status} and answer.count(b"HTTP/1.1 ") == 1, answer


def test_a_target_too_long(probe):
    with probe.connect() as connection:
        connection.sendall(post(target=b"/" + b"a" * 40000))
        assert int(read_until_closed(connection).split()[1]) in (414, 431)


@pytest.mark.parametrize("bytes_sent", [
    b"\r\n" + post(b"Content-Length: 2", body=b"ab"),                    # a stray empty line
    post(b"content-length:2", body=b"ab"),                               # no blank, no capitals
    post(b"Content-Length: \t 2", b"X:", b"Y: \t", b"Z: a\tb \xe9", body=b"ab"),
    post(b"Transfer-Encoding: Chunked", body=b"1\r\na\r\n1;ext=1\r\nb\r\n0\r\nT: railer\r\n\r\n"),
    post(CHUNKED, body=b"000002\r\nab\r\n0\r\n\r\n"),
])
def test_odd_but_honest_requests_are_served(probe, bytes_sent):
    with probe.connect() as connection:
        connection.sendall(bytes_sent)
        assert read_reply(connection) == (200, b"ab")


@pytest.mark.parametrize("what", ["LF alone behind a chunk's size", "LF alone behind a chunk",
                                  "a chunk longer than it says", "a hexadecimal length"])
def test_what_is_refused_is_refused_byte_by_byte_and_behind_others(probe, what):
    """However the bytes come, and after a request that is answered first."""
    with probe.connect() as connection:
        for byte in post() + REFUSED[what]:
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                break
        answer = read_until_closed(connection)
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"400"], answer
    with probe.connect() as connection:
        connection.sendall(post() + REFUSED[what])
        answer = read_until_closed(connection)
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"400"], answer


def test_huge_chunks_are_refused(probe):
    for size in (b"fffffffffffffffff", b"ffffffffffffffff", b"8000000000000000"):
        with probe.connect() as connection:
            connection.sendall(post(CHUNKED, body=size + b"\r\nabcd"))
            answer = read_until_closed(connection)
        assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"413"], answer


def test_the_probe_would_notice_a_smuggled_request(probe):
    with probe.connect() as connection:
        connection.sendall(post(b"Content-Length: 2", body=b"ab") + SMUGGLED)
        assert read_reply(connection) == (200, b"ab")
        assert read_reply(connection) == (200, b"ok\n")


# --- what handlers see ---------------------------------------------------------------------------

@pytest.mark.parametrize("target", ["/echo", "/echo?", "/echo?a=b&c=%41%2f+d", "/%65cho?x",
                                    "/echo?a?b", "//echo/../x", "/a%00b", "/\xc3\xa9?\xc3"])
def test_the_target_arrives_as_sent(probe, target):
    path, _, query = target.partition("?")
    with probe.connect() as connection:
        connection.sendall(post(target=target.encode("latin-1"), method=b"GET"))
        head = read_head(connection).decode("latin-1")
    if path == "/echo":
        assert f"X-Target: {target}\r\n" in head and f"X-Path: {path}\r\n" in head
        assert f"X-Query: {query}\r\n" in head or query == ""
    else:
        assert head.startswith("HTTP/1.1 200")


@pytest.mark.parametrize("path", ["/headers", "/stream/headers"])
def test_fields_come_in_order_and_whole(probe, path):
    fields = [(f"X-{random.randrange(10**6)}", "v" * random.randrange(1, 40)) for _ in range(60)]
    sent = b"".join(f"{k}: {v}\r\n".encode() for k, v in fields)
    with probe.connect() as connection:
        body = b"x" * 100_000
        connection.sendall(b"POST %s HTTP/1.1\r\nHost: h\r\n" % path.encode() + sent +
                           b"Content-Length: %d\r\n\r\n" % len(body) + body)
        seen = read_reply(connection)[1].decode().splitlines()
    assert seen == ["Host=h"] + [f"{k}={v}" for k, v in fields] + [f"Content-Length={len(body)}"]


# --- connections and bodies ------------------------------------------------------------------------

def test_one_connection_serves_requests_of_every_kind(probe):
    connection = probe.client()
    for round_ in range(20):
        for path in ("/echo", "/blocking/echo"):
            body = os.urandom(random.choice([0, 1, 100, 16384, 65536, 300_000]))
            connection.request("POST", path, body)
            assert connection.getresponse().read() == body
        body = os.urandom(random.choice([0, 1, 65536, 65537, 3_000_000]))
        connection.request("PUT", "/stream/digest", body)
        assert connection.getresponse().read().split() == [
            str(len(body)).encode(), hashlib.md5(body).hexdigest().encode()]
        assert connection.sock is not None, "the connection was not kept"


def test_pipelined_requests_are_answered_in_order(probe):
    bodies = [os.urandom(random.randrange(0, 3000)) for _ in range(100)]
    with probe.connect() as connection:
        connection.sendall(b"".join(
            post(b"Content-Length: %d" % len(body), body=body,
                 target=random.choice([b"/echo", b"/blocking/echo"])) for body in bodies))
        assert [read_reply(connection)[1] for _ in bodies] == bodies


@pytest.mark.parametrize("path", ["/echo", "/blocking/echo", "/stream/digest"])
def test_chunked_bodies(probe, path):
    pieces = [os.urandom(random.choice([1, 100, 10_000, 200_000])) for _ in range(30)]
    status, answer = probe.ask("POST", path, iter(pieces))
    body = b"".join(pieces)
    digest = f"{len(body)} {hashlib.md5(body).hexdigest()}\n".encode()
    assert (status, answer) == (200, digest if path.startswith("/stream") else body)


def test_one_byte_at_a_time(probe):
    with probe.connect() as connection:
        for byte in post(b"Content-Length: 3", body=b"abc"):
            connection.sendall(bytes([byte]))
        assert read_reply(connection) == (200, b"abc")


def test_old_clients_and_those_that_want_it_are_closed_after_the_reply(probe):
    for bytes_sent in (post(version=b"HTTP/1.0"), post(b"Connection: close"),
                       post(target=b"/close")):
        with probe.connect() as connection:
            connection.sendall(bytes_sent)
            assert b"200 OK" in read_until_closed(connection)


@pytest.mark.parametrize("threads", [1, 4])
def test_a_thousand_connections_at_once(start, threads):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    try:
        probe = start("--threads", threads)
        connections = [probe.connect() for _ in range(1000)]
        for _ in range(2):
            for i, connection in enumerate(connections):
                connection.sendall(post(b"Content-Length: 4", body=b"%04d" % i))
            for i, connection in enumerate(connections):
                assert read_reply(connection) == (200, b"%04d" % i)
        for connection in connections:
            connection.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("connections", [1, 127, 128, 129, 256, 384, 512])
def test_no_stall_at_any_number_of_busy_connections(start, connections):
    """Driven in threads of its own, libmicrohttpd 0.9.75 answers 100 requests a second at 128, 256
    and 384 connections: 20,000 would take minutes. (bench/mhd_server.c inside shows it.)"""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    try:
        probe = start("--threads", 1)
        done = subprocess.run([BUILD / "http_load", str(probe.port), str(connections), "20000",
                               "/echo", "1,2,3"], capture_output=True, text=True, timeout=TIMEOUT)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert done.returncode == 0 and "answered=20000 " in done.stdout, done.stderr


# --- Expect: 100-continue, and refusals before the body --------------------------------------------

EXPECT = b"Expect: 100-continue"


@pytest.mark.parametrize("path", [b"/echo", b"/blocking/echo", b"/stream/digest"])
@pytest.mark.parametrize("size", [3, 100_000])
def test_continue_comes_before_the_body(probe, path, size):
    body = os.urandom(size)
    with probe.connect() as connection:
        connection.sendall(post(b"Content-Length: %d" % size, EXPECT, target=path))
        assert read_head(connection) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        status, answer = read_reply(connection)
    digest = f"{size} {hashlib.md5(body).hexdigest()}\n".encode()
    assert (status, answer) == (200, digest if b"stream" in path else body)


@pytest.mark.parametrize("path,size,status", [
    (b"/refuse", 10, 403), (b"/refuse", 1 << 40, 403), (b"/stream/refuse", 1 << 40, 404),
    (b"/echo", 1 << 40, 413), (b"/blocking/echo", (1 << 24) + 1, 413)])
def test_a_refusal_comes_in_place_of_continue(probe, path, size, status):
    with probe.connect() as connection:
        connection.sendall(post(b"Content-Length: %d" % size, EXPECT, target=path))
        answer = read_until_closed(connection)
    assert int(answer.split()[1]) == status and answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("path,status", [(b"/refuse", 403), (b"/echo", 413)])
def test_a_refusal_does_not_wait_for_the_body(probe, path, status):
    with probe.connect() as connection:
        connection.sendall(post(b"Content-Length: %d" % (1 << 40), target=path))
        assert read_reply(connection)[0] == status


@pytest.mark.parametrize("path,status", [("/refuse", 403), ("/blocking/echo", 413),
                                         ("/stream/refuse", 404)])
def test_a_client_that_sends_all_before_it_reads_still_gets_the_refusal(probe, path, status):
    """Closed with bytes unread, a connection is reset, and the reply lost."""
    for _ in range(5):
        assert probe.ask("PUT", path, b"x" * 30_000_000)[0] == status


def test_a_refused_request_without_a_body_keeps_its_connection(probe):
    connection = probe.client()
    for _ in range(3):
        connection.request("GET", "/refuse")
        reply = connection.getresponse()
        assert (reply.status, reply.read()) == (403, b"refused\n")
        assert connection.sock is not None


def test_a_chunked_body_over_the_limit(probe):
    with probe.connect() as connection:
        connection.sendall(post(CHUNKED))
        try:
            for _ in range(18):
                connection.sendall(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert int(read_until_closed(connection).split()[1]) == 413


# --- streams in --------------------------------------------------------------------------------------

def pieces_of(size, piece=b"0123456789abcdef" * 4096):
    for start_ in range(0, size, len(piece)):
        yield piece[:size - start_]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_never_in_memory(start, chunked):
    probe = start("--threads", 1)
    before, size = probe.status()["peak_kb"], 1 << 29
    digest = hashlib.md5()
    for piece in pieces_of(size):
        digest.update(piece)
    headers = {} if chunked else {"Content-Length": str(size)}
    status, answer = probe.ask("PUT", "/stream/digest", pieces_of(size), headers)
    assert (status, answer) == (200, f"{size} {digest.hexdigest()}\n".encode())
    assert probe.status()["peak_kb"] - before < 32 * 1024


def test_a_slow_worker_holds_its_client_back(start):
    probe = start("--threads", 1)
    before, size = probe.status()["peak_kb"], 40_000_000
    status, answer = probe.ask("PUT", "/stream/digest?ms=5", b"x" * size)
    assert status == 200 and answer.startswith(b"40000000 ")
    assert probe.status()["peak_kb"] - before < 16 * 1024


def test_the_worker_reads_while_the_client_sends(probe):
    with probe.connect() as connection:
        connection.sendall(post(b"Content-Length: 200000", target=b"/stream/digest"))
        probe.wait_for(lambda status: status["responding"] >= 2)  # the asking request is one
        connection.sendall(b"x" * 200_000)
        assert read_reply(connection)[1].startswith(b"200000 ")


def test_a_worker_may_answer_before_the_end_of_the_body(probe):
    connection = probe.client()
    for _ in range(3):
        connection.request("PUT", "/stream/digest?limit=1000000", b"x" * 20_000_000)
        reply = connection.getresponse()
        assert reply.status == 200 and int(reply.read().split()[0]) < 20_000_000
        assert connection.sock is not None


def test_a_client_that_goes_away_in_the_middle_of_a_body(probe):
    before = probe.status()
    connections = [probe.connect() for _ in range(20)]
    for i, connection in enumerate(connections):
        field = CHUNKED if i % 2 else b"Content-Length: 10000000"
        connection.sendall(post(field, target=b"/stream/digest", body=b"3\r\nabc\r\n"))
    for connection in connections:
        connection.close()
    probe.wait_for(lambda status: status["cut"] == before["cut"] + 20 and status["responding"] == 1)


def test_a_client_that_resets_while_the_worker_is_busy(probe):
    for _ in range(10):
        connection = probe.connect()
        connection.sendall(post(b"Content-Length: 3000000", target=b"/stream/digest?ms=2") +
                           b"x" * 2_000_000)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    for _ in range(10):
        connection = probe.connect()
        connection.sendall(post(target=b"/blocking/sleep?ms=50"))
        connection.close()
    probe.wait_for(lambda status: status["responding"] == 1)


def test_what_route_attached_is_given_back_once_for_each_request(start):
    probe = start("--threads", 2)
    for path in ("/echo", "/refuse", "/blocking/echo", "/stream/digest", "/count?size=100000"):
        probe.ask("POST", path, b"x" * 100_000)
    for path in (b"/echo", b"/blocking/echo", b"/stream/digest"):
        with probe.connect() as connection:
            connection.sendall(post(b"Content-Length: 200000", target=path, body=b"x" * 1000))
    asked = 8 - 1
    for _ in range(500):
        status = probe.status()
        asked += 1
        if status["freed"] == asked:
            break
        time.sleep(0.02)
    assert status["freed"] == asked


# --- replies -------------------------------------------------------------------------------------------

def counted(size):
    return bytes(i % 251 for i in range(size))


@pytest.mark.parametrize("known", [0, 1])
@pytest.mark.parametrize("path", ["/count", "/blocking/count"])
@pytest.mark.parametrize("size", [0, 1, 10007, 65536, 1_000_000])
def test_replies_from_streams_that_must_be_waited_for(probe, path, size, known):
    connection = probe.client()
    for _ in range(2):
        connection.request("GET", f"{path}?size={size}&known={known}&ms=1")
        reply = connection.getresponse()
        assert reply.getheader("Content-Length") == (str(size) if known else None)
        assert reply.read() == counted(size)


def test_a_reply_that_fails_midway_is_seen_to_be_cut(probe):
    for known in (0, 1):
        with pytest.raises(http.client.IncompleteRead):
            probe.ask("GET", f"/blocking/count?size=1000000&fail=500000&known={known}")


def test_a_client_that_leaves_a_reply_stops_its_stream(probe):
    before = probe.status()["closed"]
    for path in (b"/count?size=100000000&ms=1", b"/blocking/count?size=100000000"):
        with probe.connect() as connection:
            connection.sendall(post(target=path, method=b"GET"))
            connection.recv(1000)
    probe.wait_for(lambda status: status["closed"] == before + 2 and status["responding"] == 1)


@pytest.fixture(scope="module")
def file_probe(tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "bytes"
    path.write_bytes(os.urandom(8_000_000))
    made = Probe("--threads", 1, "--stop", 5, file=path)
    yield made, path.read_bytes()
    made.stop()


@pytest.mark.parametrize("offset,length", [(0, 0), (0, 1), (5, 65536), (5, 65537), (0, 8_000_000),
                                           (4_000_001, 3_999_999), (7_999_999, 1)])
def test_replies_from_files(file_probe, offset, length):
    probe, content = file_probe
    connection = probe.client()
    for method in ("GET", "HEAD", "GET"):
        connection.request(method, f"/blocking/file?offset={offset}&length={length}")
        reply = connection.getresponse()
        assert reply.getheader("Content-Length") == str(length)
        assert reply.read() == (b"" if method == "HEAD" else content[offset:offset + length])


def test_a_file_shorter_than_it_says(file_probe):
    probe, _ = file_probe
    status, body = probe.ask("GET", "/blocking/file?offset=7999999&length=2")
    assert status == 500 and b"ends 1 bytes before its size says" in body


def test_head_and_replies_without_a_body(probe):
    connection = probe.client()
    for method, target, length in (("HEAD", "/head?size=123456789012", "123456789012"),
                                   ("HEAD", "/quick", "3"), ("HEAD", "/count?size=77&known=1", "77"),
                                   ("HEAD", "/refuse", "8"), ("GET", "/empty?status=200", "0"),
                                   ("GET", "/empty?status=204", None),
                                   ("GET", "/head?size=55&status=304", "55"),
                                   ("GET", "/quick", "3")):
        connection.request(method, target)
        reply = connection.getresponse()
        assert (reply.getheader("Content-Length"), reply.read()) == (
            length, b"ok\n" if target == "/quick" and method == "GET" else b"")


def test_a_reply_field_cannot_carry_another_one(probe):
    connection = probe.client()
    connection.request("GET", "/bad-reply")
    reply = connection.getresponse()
    assert reply.status == 500 and reply.getheader("Injected") is None
    assert b"X-Bad" in reply.read()


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_uploads_from_a_pipe(probe):
    body = os.urandom(5_000_000)
    done = subprocess.run(["curl", "-sS", "-T", "-", f"http://127.0.0.1:{probe.port}/stream/digest"],
                          input=body, capture_output=True, timeout=TIMEOUT)
    assert done.stdout == f"{len(body)} {hashlib.md5(body).hexdigest()}\n".encode(), done.stderr


# --- deadlines ---------------------------------------------------------------------------------------

def drip(connection, data):
    """A byte every 50 ms until the server has had enough; what it said."""
    for byte in data:
        if select.select([connection], [], [], 0.05)[0]:
            return read_until_closed(connection)
        try:
            connection.sendall(bytes([byte]))
        except (BrokenPipeError, ConnectionResetError):
            return read_until_closed(connection)
    raise AssertionError("never cut")


def test_slow_heads_are_cut_and_others_served(start):
    probe = start("--threads", 1, "--head-deadline", 1, "--idle-deadline", 30)
    slow = b"GET /quick HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 1000
    with probe.connect() as first, probe.connect() as reused:
        reused.sendall(post())
        assert read_reply(reused)[0] == 200
        answers = []
        threads = [threading.Thread(target=lambda c=c: answers.append(drip(c, slow)))
                   for c in (first, reused)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            assert probe.ask("GET", "/quick") == (200, b"ok\n")
        assert [answer.split()[1] for answer in answers] == [b"408", b"408"]


@pytest.mark.parametrize("path", [b"/echo", b"/stream/digest"])
def test_slow_bodies_are_cut(start, path):
    probe = start("--threads", 1, "--head-deadline", 1, "--idle-deadline", 1)
    with probe.connect() as connection:
        connection.sendall(post(b"Content-Length: 100000", target=path))
        answer = drip(connection, b"x" * 1000)
    assert answer == b"" if b"stream" in path else answer.split()[1] == b"408"
    probe.wait_for(lambda status: status["responding"] == 1)


def test_bodies_that_stand_still_are_cut(start):
    probe = start("--threads", 1, "--head-deadline", 1, "--idle-deadline", 1)
    with probe.connect() as connection:
        connection.sendall(post(b"Content-Length: 100000") + b"x")
        assert read_until_closed(connection).split()[1] == b"408"


def test_idle_connections_are_closed_without_a_word(start):
    probe = start("--threads", 1, "--head-deadline", 1, "--idle-deadline", 1)
    with probe.connect() as connection:
        connection.sendall(post())
        assert read_reply(connection)[0] == 200
        assert read_until_closed(connection) == b""


def test_a_slow_worker_is_no_slow_client(start):
    probe = start("--threads", 1, "--head-deadline", 1, "--idle-deadline", 1)
    assert probe.ask("GET", "/blocking/sleep?ms=4000") == (200, b"slept\n")
    assert probe.ask("PUT", "/stream/digest?ms=100", b"x" * 10_000_000)[0] == 200


# --- the pool ------------------------------------------------------------------------------------------

def test_work_that_waits_holds_nobody_else(start):
    probe = start("--threads", 1, "--workers", 2)
    sleepers = [probe.connect() for _ in range(4)]
    for sleeper in sleepers:
        sleeper.sendall(post(target=b"/blocking/sleep?ms=3000"))
    for _ in range(20):
        assert probe.ask("GET", "/quick") == (200, b"ok\n")
    assert not select.select(sleepers, [], [], 0)[0], "quick requests waited for slow ones"
    for sleeper in sleepers:
        assert read_reply(sleeper) == (200, b"slept\n")


def stall(probe, uploads, downloads):
    """Clients that send no more of a body, or take no more of a reply."""
    stalled = [probe.connect() for _ in range(uploads + downloads)]
    for i, one in enumerate(stalled[:uploads]):
        size = (b"Content-Length: 1000000", CHUNKED, b"Content-Length: 600000")[i % 3]
        fields = (size, EXPECT) if i % 5 == 4 else (size,)
        sent = b"" if i % 5 == 4 else b"3\r\nabc" if i % 3 == 1 else b"a" * (300_000 if i % 2 else 3)
        one.sendall(post(*fields, target=b"/stream/digest") + sent)
    for one in stalled[uploads:]:
        one.sendall(post(target=b"/blocking/count?size=100000000", method=b"GET"))
    return stalled


def test_clients_that_stand_still_hold_no_worker(start):
    probe = start("--threads", 2, "--workers", 2)
    stalled = stall(probe, 60, 20)
    probe.wait_for(lambda status: status["responding"] == 61)  # the asking request is one
    for _ in range(3):
        assert probe.ask("PUT", "/blocking/echo", b"here") == (200, b"here")
        assert probe.ask("PUT", "/stream/digest", b"x" * 500_000)[1].startswith(b"500000 ")
        assert probe.ask("GET", "/blocking/count?size=1000000")[0] == 200
    assert probe.status()["responding"] == 61
    for one in stalled:
        one.close()
    probe.wait_for(lambda status: status["responding"] == 1)
    assert probe.status()["closed"] >= 20
    # Those that took the place of waiting threads end again: 2 workers, 2 pollers, the main thread.
    end = time.monotonic() + TIMEOUT
    while len(os.listdir(f"/proc/{probe.process.pid}/task")) > 5 and time.monotonic() < end:
        probe.ask("PUT", "/blocking/echo", b"here")
    assert len(os.listdir(f"/proc/{probe.process.pid}/task")) <= 5


def test_streams_beyond_their_bound_wait_in_line_and_others_do_not(start):
    probe = start("--threads", 1, "--workers", 2, "--streams", 4)
    stalled = stall(probe, 8, 0)
    probe.wait_for(lambda status: status["responding"] == 5)
    assert probe.ask("PUT", "/blocking/echo", b"here") == (200, b"here")
    assert len(os.listdir(f"/proc/{probe.process.pid}/task")) <= 2 + 2 + 4
    late = probe.connect()
    late.sendall(post(b"Content-Length: 100000", target=b"/stream/digest") + b"x" * 100_000)
    assert probe.ask("PUT", "/blocking/echo", b"here") == (200, b"here")
    assert not select.select([late], [], [], 0)[0]
    for one in stalled:
        one.close()
    assert read_reply(late)[1].startswith(b"100000 ")
    probe.wait_for(lambda status: status["responding"] == 1)


def test_bodies_in_memory_have_a_bound_together(start):
    probe = start("--threads", 1, "--memory-limit", 1_000_000)
    held = [probe.connect() for _ in range(3)]
    for one in held:
        one.sendall(post(b"Content-Length: 400000", target=b"/blocking/echo") + b"x" * 399_999)
    cut = select.select(held, [], [], TIMEOUT)[0]
    assert len(cut) == 1 and read_until_closed(cut[0]).split()[1] == b"503"
    for one in held:
        if one not in cut:
            one.sendall(b"x")
            assert read_reply(one)[1] == b"x" * 400_000
    assert probe.ask("PUT", "/blocking/echo", b"x" * 900_000)[0] == 200


# --- start and stop --------------------------------------------------------------------------------------

def test_a_port_in_use_is_refused_and_its_owner_named(start):
    first = start("--threads", 2)
    second = Probe("--port", first.port)
    second.process.wait(TIMEOUT)
    assert f"port {first.port}: it is already used by http_probe (process {first.process.pid})" \
        in second.said
    with socket.create_server(("127.0.0.1", 0)) as other:
        third = Probe("--port", other.getsockname()[1])
        third.process.wait(TIMEOUT)
        assert f"(process {os.getpid()})" in third.said


def test_a_port_is_free_again_at_once(start):
    first = start("--threads", 2)
    with first.connect() as connection:
        connection.sendall(post())
        read_reply(connection)
        first.stop()  # closes first, so TIME_WAIT stays on this side
    again = start("--threads", 2, "--port", first.port)
    assert again.ask("GET", "/quick") == (200, b"ok\n")


def test_requests_in_flight_at_shutdown_finish(start):
    probe = start("--threads", 2, "--stop", 30)
    idle, busy, streaming = probe.connect(), probe.connect(), probe.connect()
    idle.sendall(post())
    assert read_reply(idle)[0] == 200
    busy.sendall(post(target=b"/blocking/sleep?ms=1000"))
    streaming.sendall(post(b"Content-Length: 200000", target=b"/stream/digest") + b"x" * 100_000)
    probe.wait_for(lambda status: status["responding"] == 3)
    probe.signal()
    assert read_until_closed(idle) == b""
    with pytest.raises(OSError):  # once both threads have closed their listening sockets
        for _ in range(1000):
            probe.connect().close()
            time.sleep(0.01)
    streaming.sendall(b"x" * 100_000)
    assert b"\r\nConnection: close\r\n" in (answer := read_until_closed(streaming))
    assert b"200000 " in answer
    assert read_until_closed(busy).endswith(b"slept\n")
    probe.end()


def test_a_worker_that_waits_for_its_client_is_released_at_shutdown(start):
    probe = start("--threads", 2, "--stop", 1)
    connections = [probe.connect() for _ in range(8)]
    for i, connection in enumerate(connections):
        fields = (b"Content-Length: 10000000",) + ((EXPECT,) if i % 2 else ())
        connection.sendall(post(*fields, target=b"/stream/digest"))
    leaver = probe.connect()
    leaver.sendall(post(target=b"/blocking/count?size=1000000000", method=b"GET"))
    probe.wait_for(lambda status: status["responding"] == 9)
    probe.signal()
    probe.end()

"""A server that has run out of descriptors, and what it does once it has some again."""

import http.client
import os
import pathlib
import resource
import socket
import time

import pytest

TIMEOUT = 60


def open_files(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def limit(server, spare):
    """From now on the server may have so many descriptors more than it has."""
    files = open_files(server) + spare
    most = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (files, most))


def connect(server):
    made = socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def ask(server, target="/_lathe/health"):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)
    connection.request("GET", target)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.fixture
def short(server_factory):
    server = server_factory()
    s3 = server.client("s3")
    s3.create_bucket(Bucket="files")
    s3.put_object(Bucket="files", Key="k", Body=b"x" * 100000)
    yield server
    server.stop()


def test_the_listeners_serve_again(short):
    """A connection goes to the listener of one thread or another: enough of them, to reach all."""
    limit(short, 5)
    for _ in range(3):
        held = [connect(short) for _ in range(64)]
        while open_files(short) < resource.prlimit(short.pid, resource.RLIMIT_NOFILE)[0]:
            time.sleep(0.01)
        for one in held:
            one.close()
        assert [ask(short) for _ in range(16)] == [200] * 16


def test_they_serve_when_others_give_descriptors_back(short):
    """Not the connections end, but visitors at the other door: those that waited are served."""
    limit(short, 6)
    visitors = []
    for _ in range(4):
        visitor = socket.socket(socket.AF_UNIX)
        os.chdir(short.home)
        visitor.connect("socket")
        os.chdir("/")
        visitors.append(visitor)
    while open_files(short) < resource.prlimit(short.pid, resource.RLIMIT_NOFILE)[0] - 2:
        time.sleep(0.01)
    waiting = [connect(short) for _ in range(4)]
    while open_files(short) < resource.prlimit(short.pid, resource.RLIMIT_NOFILE)[0]:
        time.sleep(0.01)
    for visitor in visitors:
        visitor.close()
    for one in waiting:
        one.sendall(b"GET /_lathe/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert one.recv(12) == b"HTTP/1.1 200"
        one.close()


def test_the_other_door_does_not_spin_and_opens_again(short):
    """Visitors beyond what it has descriptors for wait, and the thread at the door waits too: it is
    seen asleep, not running, and it has taken no more turns than its pauses allow."""
    limit(short, 2)
    os.chdir(short.home)
    visitors = [socket.socket(socket.AF_UNIX) for _ in range(8)]
    for visitor in visitors:
        visitor.settimeout(TIMEOUT)
        visitor.connect("socket")
    os.chdir("/")
    while open_files(short) < resource.prlimit(short.pid, resource.RLIMIT_NOFILE)[0]:
        time.sleep(0.01)
    states = []
    for _ in range(20):
        time.sleep(0.01)
        states.append({(pathlib.Path(task) / "stat").read_text().rsplit(")", 1)[1].split()[0]
                       for task in pathlib.Path(f"/proc/{short.pid}/task").iterdir()})
    assert sum("R" in state for state in states) < len(states) / 2, states
    for visitor in visitors:
        visitor.sendall(b'{"About": true}\n')
        assert visitor.recv(1) == b"{"
        visitor.close()


def test_an_object_is_not_read_without_descriptors_but_later(short):
    with connect(short) as connection:
        connection.sendall(b"GET /_lathe/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        limit(short, 0)
        for _ in range(2):
            connection.sendall(b"HEAD /files/k HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert connection.recv(65536).split()[1] in (b"200", b"503")
        connection.sendall(b"GET /files/k HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        answer = connection.recv(65536)
        assert answer.split()[1] == b"503" and b"ServiceUnavailable" in answer, answer
    limit(short, 100)
    assert len(short.client("s3").get_object(Bucket="files", Key="k")["Body"].read()) == 100000

"""Starting: how soon lathe answers, and what it weighs when nobody asks."""

import os
import socket
import subprocess
import time

from harness import Row, rows, status_value

READY_GOAL_MS = 50
MEMORY_GOAL_MB = 25
IDLE_S = 1.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answered(port):
    """Whether GET /_lathe/health is answered with 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
            link.sendall(b"GET /_lathe/health HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                         b"Connection: close\r\n\r\n")
            return b" 200 " in link.recv(64)
    except ConnectionError:
        return False


def start_until_answered(bench, home):
    """Milliseconds from before the process is made to its first answer."""
    port = free_port()
    started = time.perf_counter()
    process = subprocess.Popen([bench.binary, "serve", "--listen", f"127.0.0.1:{port}"],
                               env={**os.environ, "LATHE_HOME": str(home)},
                               stdout=subprocess.DEVNULL)
    try:
        while not answered(port):
            if process.poll() is not None or time.perf_counter() - started > 10:
                raise RuntimeError(f"{bench.binary} serve does not answer")
            time.sleep(0.0005)
        took = (time.perf_counter() - started) * 1000
        time.sleep(IDLE_S)
        resident = status_value(process.pid, "VmRSS") / 1e6
    finally:
        process.terminate()
        process.wait()
    return took, resident


@rows(Row("start", 1, "time", "ms", "start to first answer", f"{READY_GOAL_MS} ms"),
      Row("start-memory", 1, "size", "MB", "resident when idle", f"{MEMORY_GOAL_MB} MB"))
def start(bench):
    bench.note("lathe serve, to the first 200 of /_lathe/health; each round starts it in a new "
               "home and again in the same one, and counts the slower; memory after 1 s idle")
    for number in bench.rounds:
        home = bench.scratch / f"start-{number}"
        first, again = start_until_answered(bench, home), start_until_answered(bench, home)
        yield {"start": (max(first[0], again[0]), READY_GOAL_MS),
               "start-memory": (max(first[1], again[1]), MEMORY_GOAL_MB)}

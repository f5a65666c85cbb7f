"""One running `lathe serve`, for the tests' fixtures and the benchmarks."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request

REGION = "us-east-1"
READY = re.compile(r"lathe listens on (http://\S+)")
SANITIZER = re.compile(r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error: ")
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 30


class Server:
    """One `lathe serve` on a port of its own and a home of its own."""

    def __init__(self, binary, home, arguments=(), environment=None):
        self.binary = binary
        self.home = pathlib.Path(home)
        self.log = self.home.with_name(self.home.name + ".stderr")
        self.url = None
        self._arguments = list(arguments)
        self._environment = environment or {}
        self._listen = "127.0.0.1:0"
        self._process = None
        self._clients = {}

    @property
    def pid(self):
        return self._process.pid

    @property
    def port(self):
        return int(self.url.rsplit(":", 1)[1])

    def environment(self):
        """The environment in which an AWS client, or a verb of lathe, finds this server."""
        return {**os.environ, "LATHE_HOME": str(self.home), "AWS_ENDPOINT_URL": self.url or "",
                "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION,
                "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull}

    def start(self):
        environment = {**os.environ, "LATHE_HOME": str(self.home),
                       "VIRTUAL_ENV": sys.prefix,  # users' scripts find what the tests find
                       **self._environment}
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [str(self.binary), "serve", "--listen", self._listen, *self._arguments],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=environment,
                text=True)
        self.url = self._wait_until_ready()
        # A client made before a restart goes on working: the next start takes the same port.
        self._listen = self.url.removeprefix("http://")
        return self

    def _wait_until_ready(self):
        found = []

        def read():
            for line in self._process.stdout:
                match = READY.search(line)
                if match:
                    found.append(match.group(1))
                    return

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        reader.join(START_TIMEOUT_S)
        if not found:
            self.kill()
            raise RuntimeError(f"{self.binary} serve did not say that it listens within "
                               f"{START_TIMEOUT_S} s; its log:\n{self.log_text()}")
        return found[0]

    def stop(self):
        """Ends the server as a user does, with SIGTERM; its exit status."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(f"lathe serve did not end within {STOP_TIMEOUT_S} s of SIGTERM; "
                               f"its log:\n{self.log_text()}") from None
        self._forget_process()
        return status

    def kill(self):
        """Ends the server as a crash does, with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._forget_process()

    def _forget_process(self):
        self._process.stdout.close()
        self._process = None

    def restart(self):
        """Starts it again in the same home, on the same port, after stop, kill, or neither."""
        self.stop()
        return self.start()

    def move_clock(self, seconds):
        """For a server that was started with --test-clock: moves its clock on, and returns when what
        that set off has been done."""
        request = urllib.request.Request(f"{self.url}/_lathe/clock/{seconds}", method="POST")
        with urllib.request.urlopen(request, timeout=120) as reply:
            reply.read()

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def sanitizer_reports(self):
        return [line for line in self.log_text().splitlines() if SANITIZER.search(line)]

    def client(self, service, **options):
        """A boto3 client for this server: dummy keys, no retries. The one without options is made
        once, since making it takes longer than most tests; a test that changes a client's events
        makes its own, with some option."""
        if options or service not in self._clients:
            made = self._new_client(service, **options)
            if options:
                return made
            self._clients[service] = made
        return self._clients[service]

    def _new_client(self, service, **options):
        import boto3
        from botocore.config import Config

        config = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=120)
        if "config" in options:
            config = config.merge(options.pop("config"))
        settings = {"endpoint_url": self.url, "region_name": REGION, "aws_access_key_id": "test",
                    "aws_secret_access_key": "test", "config": config, **options}
        return boto3.session.Session().client(service, **settings)

    def wait_for(self, describe, field, final, timeout=120, pause=0.02):
        """Calls describe() until its field is one of the final values; the last answer."""
        deadline = time.monotonic() + timeout
        while True:
            answer = describe()
            if answer[field] in final:
                return answer
            if time.monotonic() > deadline:
                raise AssertionError(f"{field} is still {answer[field]} after {timeout} s")
            time.sleep(pause)

"""A server of files on loopback, for the tests of what is fetched: with ranges and validators, and
with every fault that a test asks for."""

import hashlib
import http.server
import threading

FOREVER_S = 120


class Page:
    """What an address has. `faults`: what goes wrong with its first requests, one each, or with all
    where it is one word: an HTTP status, "cut" (half of the body), "short" (a length that is too
    large, always)."""

    def __init__(self, body=b"", faults=(), ranges=True, tag=True, redirect=None, headers=(),
                 chunked=False):
        self.body, self.faults, self.ranges, self.redirect = body, faults, ranges, redirect
        self.tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"' if tag is True else tag
        self.headers, self.chunked = dict(headers), chunked
        self.requests = []  # the headers of each
        self.half_sent = threading.Event()
        self.hold = None  # an event: half of the body is sent, the rest once it is set

    def next_fault(self):
        if isinstance(self.faults, (str, int)):
            return self.faults
        return self.faults[len(self.requests) - 1] if len(self.requests) <= len(self.faults) else None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def do_GET(self):
        page = self.server.pages.get(self.path.split("?")[0])
        if not page:
            return self.say(404)
        page.requests.append(dict(self.headers))
        fault = page.next_fault()
        if isinstance(fault, int):
            return self.say(fault, page)
        if page.redirect:
            return self.say(302, page, {"Location": page.redirect})
        if page.tag and self.headers.get("If-None-Match") == page.tag:
            return self.say(304, page)
        self.send_page(page, fault)

    def say(self, status, page=None, headers=()):
        self.send_response(status)
        for name, value in {**(page.headers if page else {}), **dict(headers)}.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", "5")
        self.end_headers()
        if status != 304:
            self.wfile.write(b"never")

    def send_page(self, page, fault):
        first, total = 0, len(page.body)
        wanted = self.headers.get("Range")
        held = self.headers.get("If-Range")
        if wanted and page.ranges and held in (None, page.tag):
            first = int(wanted.removeprefix("bytes=").rstrip("-"))
        if first >= total > 0:
            return self.say(416, page, {"Content-Range": f"bytes */{total}"})
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{total - 1}/{total}")
        if page.tag:
            self.send_header("ETag", page.tag)
        for name, value in page.headers.items():
            self.send_header(name, value)
        self.send_body(page, page.body[first:], fault)

    def send_body(self, page, body, fault):
        if page.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
            return
        self.send_header("Content-Length", str(len(body) + (7 if fault == "short" else 0)))
        self.end_headers()
        half = len(body) // 2
        self.wfile.write(body[:half])
        self.wfile.flush()
        page.half_sent.set()
        if page.hold:
            page.hold.wait(FOREVER_S)
        if fault != "cut":
            self.wfile.write(body[half:])
        if fault:
            self.close_connection = True


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that go away are part of the tests."""


class Addresses:
    def __init__(self, tls=None):
        """tls: an ssl.SSLContext of its certificate."""
        self._server = Quiet(("127.0.0.1", 0), Handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.scheme = "https" if tls else "http"
        self.pages = self._server.pages = {}
        self.port = self._server.server_address[1]
        self.place = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def add(self, path, *given, **more):
        """A page at a path; its address."""
        self.pages[path] = Page(*given, **more)
        return f"{self.scheme}://{self.place}{path}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

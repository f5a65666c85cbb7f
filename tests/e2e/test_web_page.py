"""What a web page in the user's browser can do to a server on this machine: nothing. First the
requests that browsers make of such pages, then a page in Chromium itself."""

import http.client
import http.server
import json
import shutil
import subprocess
import threading

import pytest

EVIL = "http://evil.example"


def send(server, method, path, headers, body=b""):
    """One request as it would stand on the wire: (status, headers, body)."""
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        link.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": f"127.0.0.1:{server.port}", "Content-Length": str(len(body)),
                            **headers}.items():
            link.putheader(name, value)
        link.endheaders(body)
        answer = link.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        link.close()


@pytest.fixture
def secret(server, bucket):
    """An object that no page may read, replace or delete."""
    server.client("s3").put_object(Bucket=bucket, Key="secret", Body=b"secret rows")
    yield f"/{bucket}/secret"
    s3 = server.client("s3")
    assert s3.get_object(Bucket=bucket, Key="secret")["Body"].read() == b"secret rows"
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["secret"]


CREATE = json.dumps({"ModelPackageGroupName": "from-a-page"}).encode()
CREATE_HEADERS = {"X-Amz-Target": "SageMaker.CreateModelPackageGroup",
                  "Authorization": "AWS4-HMAC-SHA256 Credential=a/20250101/us-east-1/sagemaker/"
                                   "aws4_request, SignedHeaders=host, Signature=0"}


@pytest.fixture
def no_group(server):
    yield
    groups = server.client("sagemaker").list_model_package_groups(NameContains="from-a-page")
    assert groups["ModelPackageGroupSummaryList"] == []


@pytest.mark.parametrize("headers", [
    {"Origin": EVIL},
    {"Origin": "null"},                     # a sandboxed frame, a file, a redirect
    {"Origin": "http://127.0.0.1:1"},       # another port is another origin
    {"Origin": "https://127.0.0.1"},
    {"Sec-Fetch-Site": "cross-site"},       # an <img>, a <script>, a link: without an Origin
    {"Sec-Fetch-Site": "same-site"},
    {"Host": "evil.example"},               # a name that its owner let point here (DNS rebinding)
    {"Host": "evil.example", "Origin": EVIL},
    {"Host": "127.0.0.1.evil.example"},
    {"Host": "localhost.evil.example:4566"},
], ids=str)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST", "HEAD"])
def test_a_page_cannot_touch_objects(server, secret, method, headers):
    status, answered, body = send(server, method, secret, headers, b"x" * (method == "PUT"))
    assert status == 403
    assert b"secret rows" not in body
    assert "access-control-allow-origin" not in answered


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded",
                                  "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("where", [{"Origin": EVIL}, {"Sec-Fetch-Site": "cross-site"},
                                   {"Host": "evil.example"}], ids=str)
def test_a_form_that_needs_no_preflight_starts_nothing(server, no_group, kind, where):
    headers = {"Content-Type": kind, **CREATE_HEADERS, **where}
    assert send(server, "POST", "/", headers, CREATE)[0] == 403
    status, _, _ = send(server, "POST", "/", {"Content-Type": kind, **where},
                        b"Action=AssumeRole&Version=2011-06-15&RoleArn=a&RoleSessionName=b")
    assert status == 403


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a_preflight_allows_nothing(server, secret, method):
    status, answered, _ = send(server, "OPTIONS", secret, {
        "Origin": EVIL, "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "x-amz-target,authorization",
        "Access-Control-Request-Private-Network": "true"})
    assert status == 403
    assert not [name for name in answered if name.startswith("access-control-")]


def test_a_preflight_without_an_origin_and_a_presigned_link_on_a_page_are_refused(server, secret):
    status, answered, _ = send(server, "OPTIONS", secret, {})  # as S3: no Origin, no answer
    assert status == 400
    assert not [name for name in answered if name.startswith("access-control-")]
    bucket, key = secret[1:].split("/")
    url = server.client("s3").generate_presigned_url("get_object",
                                                     Params={"Bucket": bucket, "Key": key})
    path = url.removeprefix(server.url)
    assert send(server, "GET", path, {})[0] == 200  # as curl would: the link itself is good
    assert send(server, "GET", path, {"Sec-Fetch-Site": "cross-site"})[0] == 403


def test_every_page_that_lathe_itself_answers_is_closed_to_others(server):
    for path in ("/_lathe/health", "/_lathe/operations", "/", "/_lathe/none"):
        for headers in ({"Origin": EVIL}, {"Host": "evil.example"}):
            assert send(server, "GET", path, headers)[0] == 403, path


# --- Chromium -----------------------------------------------------------------------------------

PAGE = """<!doctype html><title>page</title><body><script>
const server = "%(url)s", secret = server + "%(secret)s", group = %(group)s;
const target = {"X-Amz-Target": "SageMaker.CreateModelPackageGroup"};
async function attempt(name, options, url) {
    try {
        const answer = await fetch(url || secret, options);
        return name + ":" + answer.type + ":" + answer.status + ":" + await answer.text();
    } catch (error) { return name + ":blocked"; }
}
function form(type) {
    const frame = document.createElement("iframe"), form = document.createElement("form");
    frame.name = "f" + type;
    document.body.append(frame, form);
    Object.assign(form, {method: "POST", action: server + "/", enctype: type, target: frame.name});
    const field = document.createElement("input");
    Object.assign(field, {name: group, value: ""});
    form.append(field);
    return new Promise(done => { frame.onload = done; form.submit(); setTimeout(done, 2000); });
}
function image() {
    return new Promise(done => {
        const image = new Image();
        image.onload = () => done("image:loaded");
        image.onerror = () => done("image:blocked");
        image.src = secret;
    });
}
(async () => {
    const told = [await attempt("get", {}), await attempt("put", {method: "PUT", body: "x"}),
        await attempt("delete", {method: "DELETE"}),
        await attempt("opaque", {mode: "no-cors", method: "POST", body: group}, server + "/"),
        await attempt("call", {method: "POST", headers: target, body: group}, server + "/"),
        await image()];
    navigator.sendBeacon(server + "/", group);
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
        await form(type);
    await fetch("%(told)s", {mode: "no-cors", method: "POST", body: told.join("\\n")});
})();
</script>"""


@pytest.fixture
def site(server, secret):
    """Another origin, whose page attacks the server; told holds what the page saw."""
    told, arrived = [], threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(site.page)

        def do_POST(self):
            told.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.answer(b"")
            arrived.set()

        def answer(self, body):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{site.server_port}/"
    site.page = (PAGE % {"url": server.url, "secret": secret, "told": site.url + "told",
                         "group": json.dumps(CREATE.decode())}).encode()
    site.told, site.arrived = told, arrived
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield site
    site.shutdown()
    site.server_close()


def what_a_page_saw(site, url, folder):
    """Opens the page in Chromium; what it got for each attempt."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("Chromium is not installed (apt package chromium)")
    with open(folder / "log", "wb") as log:
        browser = subprocess.Popen(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             f"--user-data-dir={folder / 'profile'}", "--remote-debugging-port=0", url],
            stdout=log, stderr=log)
        try:
            assert site.arrived.wait(120), (folder / "log").read_text(errors="replace")[-2000:]
        finally:
            browser.kill()
            browser.wait()
    return site.told[0].split("\n")


NOWHERE = ["get:blocked", "put:blocked", "delete:blocked", "opaque:opaque:0:", "call:blocked",
           "image:blocked"]


@pytest.mark.full
def test_a_page_in_chromium_gets_nowhere(site, no_group, tmp_path):
    assert what_a_page_saw(site, site.url, tmp_path) == NOWHERE


@pytest.mark.full
def test_a_page_that_a_bucket_holds_gets_nowhere(server, site, no_group, bucket, tmp_path):
    # It comes from the server's own address, and yet is an origin of its own.
    s3 = server.client("s3")
    s3.create_bucket(Bucket=f"{bucket}-pages")
    s3.put_object(Bucket=f"{bucket}-pages", Key="report.html", Body=site.page,
                  ContentType="text/html")
    url = f"{server.url}/{bucket}-pages/report.html"
    assert what_a_page_saw(site, url, tmp_path) == NOWHERE

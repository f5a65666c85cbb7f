"""AWS's own hosts, answered here: clients that are told nothing but what `lathe env --all` prints, and
what others may try with the proxy that brings them."""

import ipaddress
import json
import os
import pathlib
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import urllib.parse

import pytest

import scripts

CONNECT = "CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\n"


@pytest.fixture(scope="module")
def server(server_factory):
    return server_factory(["--test-clock"])


class Shell:
    """A user's shell after eval "$(lathe env --all)", without AWS_ENDPOINT_URL, so that clients go to
    AWS's own hosts."""

    def __init__(self, lathe, server, folder):
        self.folder = folder
        clean = {"PATH": os.environ["PATH"], "HOME": str(folder), "LATHE_HOME": str(server.home)}
        text = subprocess.run([str(lathe), "env", "--all"], env=clean, text=True, check=True,
                              capture_output=True, timeout=60).stdout
        told = subprocess.run(["sh", "-c", 'eval "$0" && env -0', text], env=clean, text=True,
                              check=True, capture_output=True, timeout=60).stdout
        self.environment = dict(line.split("=", 1) for line in told.split("\0") if line)
        self.told = {name: value for name, value in self.environment.items() if name not in clean}
        self.proxy = urllib.parse.urlsplit(self.told["HTTPS_PROXY"])

    def run(self, *command, **environment):
        direct = {name: value for name, value in self.environment.items()
                  if name not in ("AWS_ENDPOINT_URL", "PWD", "SHLVL", "_")}
        return subprocess.run([str(word) for word in command], env={**direct, **environment},
                              cwd=self.folder, text=True, capture_output=True, timeout=300)

    def python(self, program, **environment):
        """What a program told on its last line, as JSON."""
        done = self.run(sys.executable, "-c", program, **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def connect(self):
        return socket.create_connection((self.proxy.hostname, self.proxy.port), timeout=30)

    def ask(self, text):
        """What the proxy answers to some bytes: (status, all of it)."""
        with self.connect() as link:
            link.sendall(text if isinstance(text, bytes) else text.encode())
            answer = b""
            while part := link.recv(65536):
                answer += part
                if answer.startswith(b"HTTP/1.1 200") and b"\r\n\r\n" in answer:
                    break
        return int(answer.split()[1]) if answer else None, answer.decode()

    def tls(self, host, name=None):
        """A connection to an AWS host, checked against the certificates that were told."""
        link = self.connect()
        link.sendall(CONNECT.format(f"{host}:443").encode())
        assert link.recv(4096).startswith(b"HTTP/1.1 200")
        context = ssl.create_default_context(cafile=self.told["NODE_EXTRA_CA_CERTS"])
        return context.wrap_socket(link, server_hostname=name or host)

    def request(self, host, path, *fields):
        """(status, body) of a GET over such a connection; fields are the head's other lines."""
        with self.tls(host) as link:
            link.sendall("\r\n".join([f"GET {path} HTTP/1.1", *(fields or [f"Host: {host}"]),
                                      "Connection: close", "", ""]).encode())
            answer = b""
            while part := link.recv(65536):
                answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()


@pytest.fixture(scope="module")
def shell(lathe, server, tmp_path_factory):
    return Shell(lathe, server, tmp_path_factory.mktemp("shell"))


# --- what is told ---------------------------------------------------------------------------------

def test_the_variables_name_the_proxy_and_the_certificates(shell, server):
    told = shell.told
    assert told["HTTPS_PROXY"] == told["https_proxy"] != server.url
    assert told["NO_PROXY"] == told["no_proxy"] == "localhost,127.0.0.1,::1"
    assert told["NODE_USE_ENV_PROXY"] == "1"
    assert told["SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT"] == told["AWS_ENDPOINT_URL"] == server.url
    bundle = pathlib.Path(told["AWS_CA_BUNDLE"]).read_text()
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"):
        assert told[name] == told["AWS_CA_BUNDLE"]
    own = pathlib.Path(told["NODE_EXTRA_CA_CERTS"]).read_text()
    assert bundle.endswith(own) and own.count("BEGIN") == 1 and "PRIVATE" not in bundle
    roots = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
    if roots.exists():
        assert bundle.startswith(roots.read_text())
    assert stat.S_IMODE((server.home / "authority.pem").stat().st_mode) == 0o600


def test_hosts_that_a_user_reaches_without_a_proxy_stay_so(lathe, server):
    before = "intra.example, .amazonaws.com,10.0.0.0/8,localhost,s3.us-east-1.amazonaws.com"
    printed = subprocess.run([str(lathe), "env", "--all"], text=True, capture_output=True, timeout=60,
                             env={**os.environ, "LATHE_HOME": str(server.home), "NO_PROXY": before})
    assert "NO_PROXY='localhost,127.0.0.1,::1,intra.example,10.0.0.0/8'\n" in printed.stdout


def test_the_authority_stays_from_start_to_start(shell, server, lathe, tmp_path):
    own = pathlib.Path(shell.told["NODE_EXTRA_CA_CERTS"]).read_text()
    assert pathlib.Path(Shell(lathe, server, tmp_path).told["NODE_EXTRA_CA_CERTS"]).read_text() == own


def test_programs_that_make_the_authority_at_once_agree(lathe, tmp_path):
    environment = {**os.environ, "LATHE_HOME": str(tmp_path / "home")}
    makers = [subprocess.Popen([str(lathe), "env", "--all"], env=environment, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(4)]
    assert {maker.wait(60) for maker in makers} == {0}
    assert len({maker.stdout.read() for maker in makers}) == 1
    authority = (tmp_path / "home/authority.pem").read_text()
    assert authority.endswith((tmp_path / "home/ca.pem").read_text())
    assert not [file for file in (tmp_path / "home").iterdir() if file.name.startswith("authority.pem.")]


# --- clients --------------------------------------------------------------------------------------

# Without the file that keeps the SDK from asking STS.
NOTEBOOK = """
import json, os
del os.environ["SAGEMAKER_USER_CONFIG_OVERRIDE"]
import boto3, requests, sagemaker
session = sagemaker.Session()
bucket = session.default_bucket()
session.upload_data(os.environ["SAGEMAKER_ROWS"], bucket, "rows")
key = "rows/" + os.path.basename(os.environ["SAGEMAKER_ROWS"])
print(json.dumps({
    "bucket": bucket, "role": sagemaker.get_execution_role(), "account": session.account_id(),
    "rows": len(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()),
    "models": session.sagemaker_client.list_models()["Models"],
    "endpoint": session.sagemaker_client.meta.endpoint_url,
    "telemetry": requests.get("https://sm-pysdk-t-us-east-1.s3.us-east-1.amazonaws.com/telemetry",
                              params={"x-accountId": "1"}).status_code}))
"""


def test_a_notebook_of_the_sdk_needs_no_change(shell, tmp_path):
    pytest.importorskip("sagemaker", reason="the SageMaker SDK (tests/requirements.txt)")
    (tmp_path / "rows.csv").write_bytes(b"1,2\n" * 700_000)
    told = shell.python(NOTEBOOK, SAGEMAKER_ROWS=str(tmp_path / "rows.csv"))
    assert told == {"bucket": "sagemaker-us-east-1-000000000000", "account": "000000000000",
                    "role": "arn:aws:iam::000000000000:role/SageMakerRole", "rows": 2_800_000,
                    "models": [], "telemetry": 200,
                    "endpoint": "https://api.sagemaker.us-east-1.amazonaws.com"}


EVERY_SERVICE = """
import boto3, botocore, json
told = {}
for service, operation in [("sts", "get_caller_identity"), ("iam", "get_role"), ("s3", "list_buckets"),
                           ("sagemaker", "list_models"), ("logs", "describe_log_groups"),
                           ("cloudwatch", "list_metrics")]:
    client = boto3.client(service, region_name="eu-west-1")
    arguments = {"RoleName": "R"} if service == "iam" else {}
    told[client.meta.endpoint_url] = getattr(client, operation)(**arguments)[
        "ResponseMetadata"]["HTTPStatusCode"]
sagemaker = boto3.client("sagemaker", region_name="eu-west-1")
told["arn"] = sagemaker.create_model_package_group(ModelPackageGroupName="g")["ModelPackageGroupArn"]
try:
    boto3.client("ec2", region_name="eu-west-1").describe_instances()
except botocore.exceptions.ClientError as error:
    told["ec2"] = error.response["Error"]["Code"]
print(json.dumps(told))
"""


def test_boto3_finds_every_service_at_its_own_host(shell):
    told = shell.python(EVERY_SERVICE)
    assert told.pop("arn") == "arn:aws:sagemaker:eu-west-1:000000000000:model-package-group/g"
    assert told.pop("ec2") == "InvalidAction"
    assert len(told) == 6 and set(told.values()) == {200}
    assert all(host.endswith(".amazonaws.com") for host in told)


def test_the_aws_command_line(shell):
    program = shutil.which("aws", path=str(pathlib.Path(sys.executable).parent))
    if not program:
        pytest.skip("the AWS command line is not beside this Python (tests/requirements.txt)")
    (shell.folder / "rows").write_text("1,2\n")
    for command in (["s3", "mb", "s3://by-cli.with.dots"],
                    ["s3", "cp", "rows", "s3://by-cli.with.dots/a/b"],
                    ["s3", "cp", "s3://by-cli.with.dots/a/b", "back"]):
        done = shell.run(program, *command)
        assert done.returncode == 0, done.stderr
    assert (shell.folder / "back").read_text() == "1,2\n"


def test_curl(shell):
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    done = shell.run("curl", "-sS", "-d", "Action=GetCallerIdentity&Version=2011-06-15",
                     "https://sts.us-east-1.amazonaws.com/")
    assert "assumed-role/SageMakerRole/lathe" in done.stdout, done.stderr


NODE = """
const https = require("https"), http = require("http"), proxy = new URL(process.env.HTTPS_PROXY);
const host = process.argv[1];
http.request({host: proxy.hostname, port: proxy.port, method: "CONNECT", path: host + ":443"})
    .on("connect", (answer, socket) => https.get({host, path: process.argv[2], socket, agent: false},
        reply => {
            let text = "";
            reply.on("data", part => text += part);
            reply.on("end", () => console.log(JSON.stringify([reply.statusCode, text])));
        })).end();
"""


def test_node(shell, server):
    if not shutil.which("node"):
        pytest.skip("Node.js is not installed")
    server.client("s3").create_bucket(Bucket="by-node")
    server.client("s3").put_object(Bucket="by-node", Key="k", Body=b"rows")
    done = shell.run("node", "-e", NODE, "by-node.s3.us-east-1.amazonaws.com", "/k")
    assert json.loads(done.stdout) == [200, "rows"], done.stderr


def test_a_client_that_begins_with_tls_reaches_the_host_that_it_names(shell):
    """As in a sandbox, where AWS's names lead here."""
    context = ssl.create_default_context(cafile=shell.told["NODE_EXTRA_CA_CERTS"])
    with context.wrap_socket(shell.connect(), server_hostname="s3.amazonaws.com") as link:
        link.sendall(b"GET /_lathe/health HTTP/1.1\r\nHost: s3.amazonaws.com\r\n\r\n")
        assert link.recv(65536).startswith(b"HTTP/1.1 404 ")  # of a bucket: no page of ours
    for name in ("example.com", None):
        context.check_hostname = False
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(shell.connect(), server_hostname=name)


# --- hosts ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("host, path", [
    ("virtual.s3.us-east-1.amazonaws.com", "/a%20b"), ("virtual.s3.amazonaws.com", "/a%20b"),
    ("virtual.s3.dualstack.us-east-1.amazonaws.com", "/a%20b"),
    ("s3.us-east-1.amazonaws.com", "/virtual/a%20b"), ("s3.amazonaws.com", "/virtual/a%20b")])
def test_buckets_by_their_hosts(shell, server, host, path):
    s3 = server.client("s3")
    if "virtual" not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket="virtual")
        s3.put_object(Bucket="virtual", Key="a b", Body=b"rows")
        s3.put_object(Bucket="virtual", Key="_lathe/health", Body=b"an object")
    assert shell.request(host, path) == (200, "rows")
    if path == "/a%20b":
        assert shell.request(host, "/_lathe/health") == (200, "an object")


def test_a_public_bucket_says_how_it_is_fetched(shell, server):
    for host, path in (("somebodys-data.s3.amazonaws.com", "/rows.csv"),
                       ("s3.us-west-2.amazonaws.com", "/somebodys-data/rows.csv")):
        status, body = shell.request(host, path)
        assert status == 404 and "<Code>NoSuchBucket</Code>" in body
        assert "aws s3 sync --no-sign-request s3://somebodys-data FOLDER" in body
    from botocore.exceptions import ClientError

    for bucket, hinted in (("sagemaker-sample-files", True), ("my-own", False)):
        with pytest.raises(ClientError) as caught:
            server.client("s3").list_objects_v2(Bucket=bucket)
        assert ("no-sign-request" in str(caught.value)) == hinted


def test_telemetry_is_taken_and_not_kept(shell, server):
    for host in ("sm-pysdk-t-eu-west-1.s3.eu-west-1.amazonaws.com",
                 "dev-exp-t-us-east-1.s3.us-east-1.amazonaws.com"):
        assert shell.request(host, "/telemetry?x-accountId=000000000000") == (200, "")
    assert not [bucket["Name"] for bucket in server.client("s3").list_buckets()["Buckets"]
                if "-t-" in bucket["Name"]]


def test_a_host_outranks_what_else_a_request_says(shell):
    target = "X-Amz-Target: SageMaker.ListModels"
    status, body = shell.request("logs.us-east-1.amazonaws.com", "/",
                                 "Host: logs.us-east-1.amazonaws.com", target)
    assert status == 400 and "UnknownOperationException" in body


# --- attacks --------------------------------------------------------------------------------------

@pytest.mark.parametrize("target", [
    "127.0.0.1:22", "127.1:443", "2130706433:443", "0x7f000001:443", "0.0.0.0:443", "localhost:443",
    "169.254.169.254:80", "10.1.2.3:443", "192.168.0.1:443", "172.16.0.1:443", "100.64.0.1:443",
    "[::1]:443", "[fe80::1]:443", "[fd00:ec2::254]:80", "[::ffff:127.0.0.1]:443",
    "[64:ff9b::7f00:1]:443", socket.gethostname() + ":443"])
def test_no_tunnel_leads_to_this_machine_or_its_network(shell, target):
    try:
        addresses = {found[4][0] for found in socket.getaddrinfo(target.rsplit(":", 1)[0].strip("[]"),
                                                                 None)}
    except OSError:
        pytest.skip(f"{target} has no address here")
    if any(ipaddress.ip_address(address.split("%")[0]).is_global for address in addresses
           if not address.startswith("64:ff9b")):
        pytest.skip(f"this machine's own name, {target}, has a public address")
    status, answer = shell.ask(CONNECT.format(target))
    assert status == 403 and "NO_PROXY" in answer


def test_the_server_itself_is_not_reached_through_its_proxy(shell, server):
    assert shell.ask(CONNECT.format(f"127.0.0.1:{server.port}"))[0] == 403
    assert shell.ask(CONNECT.format(f"127.0.0.1:{shell.proxy.port}"))[0] == 403


def test_awss_hosts_are_never_tunnelled(shell):
    for target in ("s3.amazonaws.com:80", "ec2-1-2-3-4.compute.amazonaws.com:22"):
        assert shell.ask(CONNECT.format(target))[0] == 403


def test_a_host_field_that_is_not_the_connections_is_refused(shell, server):
    host = "s3.us-east-1.amazonaws.com"
    for fields in (["Host: sts.us-east-1.amazonaws.com"], [f"Host: 127.0.0.1:{server.port}"],
                   ["Host: localhost"], [f"Host: {host}.evil.example"], [f"Host: {host}x"]):
        status, body = shell.request(host, "/", *fields)
        assert status == 403 and "AccessDenied" in body, fields
    assert shell.request(host, "/", f"Host: {host.upper()}:443")[0] == 200
    assert shell.request(host, "/", f"Host: {host}", "Host: other.amazonaws.com")[0] == 400


def test_the_plain_port_refuses_awss_hosts_still(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: s3.amazonaws.com\r\n\r\n")
        assert b" 403 " in link.recv(65536)


def test_a_session_of_one_host_names_no_other(shell):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shell.tls("s3.us-east-1.amazonaws.com", name="sts.us-east-1.amazonaws.com")


@pytest.mark.parametrize("request_line", [
    "GET / HTTP/1.1", "POST / HTTP/1.1", "GET http://sts.us-east-1.amazonaws.com/ HTTP/1.1",
    "OPTIONS / HTTP/1.1", "GET https://s3.amazonaws.com/ HTTP/1.1"])
def test_nothing_but_connect_is_taken(shell, request_line):
    """Which no web page can send: neither fetch nor a form has that method."""
    status, answer = shell.ask(f"{request_line}\r\nHost: {shell.proxy.netloc}\r\n"
                               "Origin: http://evil.example\r\nContent-Length: 0\r\n\r\n")
    assert status == 405 and "access-control" not in answer.lower()


def test_a_web_page_inside_of_tls_is_refused(shell):
    host = "s3.us-east-1.amazonaws.com"
    assert shell.request(host, "/", f"Host: {host}", "Origin: http://evil.example")[0] == 403
    assert shell.request(host, "/", f"Host: {host}", "Sec-Fetch-Site: cross-site")[0] == 403
    assert shell.ask("CONNECT s3.amazonaws.com:443 HTTP/1.1\r\nOrigin: http://a.b\r\n\r\n")[0] == 403


PAGE = """<!doctype html><script>
const proxy = "http://%s/", told = [];
async function attempt(name, url, options) {
    try { told.push(name + ":" + (await fetch(url, options)).status); }
    catch (error) { told.push(name + ":blocked"); }
}
(async () => {
    await attempt("get", proxy);
    await attempt("post", proxy, {method: "POST", body: "x"});
    await attempt("connect", proxy, {method: "CONNECT"});
    await attempt("opaque", proxy, {mode: "no-cors", method: "POST",
        body: "CONNECT s3.amazonaws.com:443 HTTP/1.1\\r\\n\\r\\n"});
    await attempt("tls", proxy.replace("http:", "https:"), {mode: "no-cors"});
    document.title = told.join(" ");
    document.body.textContent = "told " + told.join(" ") + " all";
})();
</script><body></body>"""


def dump(folder, url, *options):
    """The document of a page, as Chromium has it once it is at rest."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("Chromium is not installed (apt package chromium)")
    return subprocess.run(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=20000", "--dump-dom", *options,
         url], capture_output=True, text=True, timeout=180,
        env={**os.environ, "HOME": str(folder)}).stdout


@pytest.mark.full
def test_a_page_in_chromium_gets_nowhere_at_the_proxy(shell, tmp_path):
    (tmp_path / "page.html").write_text(PAGE % shell.proxy.netloc)
    shown = dump(tmp_path, (tmp_path / "page.html").as_uri())
    assert "told get:blocked post:blocked connect:blocked opaque:0 tls:blocked all" in shown


@pytest.mark.full
def test_chromium_shows_an_object_of_a_buckets_own_host(shell, server, tmp_path):
    """Behind the proxy, with the authority among those that it trusts."""
    if not shutil.which("certutil"):
        pytest.skip("certutil, which tells Chromium whom to trust, is not installed (libnss3-tools)")
    database = tmp_path / ".pki/nssdb"
    database.mkdir(parents=True)
    subprocess.run(["certutil", "-d", f"sql:{database}", "-A", "-t", "C,,", "-n", "lathe", "-i",
                    shell.told["NODE_EXTRA_CA_CERTS"]], check=True, capture_output=True, input=b"\n")
    server.client("s3").create_bucket(Bucket="shown")
    server.client("s3").put_object(Bucket="shown", Key="page.html", Body=b"<p>the rows</p>",
                                   ContentType="text/html")
    shown = dump(tmp_path, "https://shown.s3.us-east-1.amazonaws.com/page.html",
                 f"--proxy-server={shell.proxy.netloc}")
    assert "<p>the rows</p>" in shown


def test_heads_that_are_long_or_broken(shell):
    assert shell.ask("CONNECT s3.amazonaws.com:443 HTTP/1.1\r\nX: " + "x" * 20000)[0] == 431
    assert shell.ask("CONNECT s3.amazonaws.com:443 HTTP/1.1\r\n" + "a: b\r\n" * 3000)[0] == 431
    assert shell.ask(os.urandom(64).replace(b"\x16", b"x") + b"\r\n\r\n")[0] in (400, 405)
    assert shell.ask(b"CONNECT s3.amazonaws.com:443\0 HTTP/1.1\r\n\r\n")[0] == 400
    with shell.connect() as link:
        link.sendall(b"\x16\x03\x01\x00\x10" + bytes(16))
        assert link.recv(65536)[:1] == b"\x15"  # an alert of TLS


@pytest.mark.full
def test_a_head_that_comes_slowly_holds_nobody_up_and_has_an_end(shell):
    waiting = [shell.connect() for _ in range(20)]
    for link in waiting:
        link.sendall(b"CONNECT s3.am")
    assert shell.request("s3.amazonaws.com", "/")[0] == 200
    answers = [link.recv(65536) for link in waiting]
    assert {answer.split()[1] for answer in answers} == {b"408"}
    for link in waiting:
        link.close()


def test_the_authority_can_sign_for_awss_hosts_alone(shell, server, tmp_path):
    """With its key in hand, as a thief would have it: OpenSSL's own verification refuses the rest."""
    if not shutil.which("openssl"):
        pytest.skip("the openssl program is not installed")
    key, own = tmp_path / "key.pem", shell.told["NODE_EXTRA_CA_CERTS"]
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key],
                   check=True, capture_output=True)

    def verdict(names, *options):
        subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", "/O=thief", "-out",
                        tmp_path / "request.pem"], check=True, capture_output=True)
        (tmp_path / "extensions").write_text(f"subjectAltName={names}\n")
        subprocess.run(["openssl", "x509", "-req", "-in", tmp_path / "request.pem", "-CA",
                        server.home / "authority.pem", "-CAkey", server.home / "authority.pem",
                        "-days", "1", "-set_serial", "5", "-extfile", tmp_path / "extensions", "-out",
                        tmp_path / "signed.pem"], check=True, capture_output=True)
        done = subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", own, *options,
                               tmp_path / "signed.pem"], text=True, capture_output=True)
        return done.stdout + done.stderr

    assert "signed.pem: OK" in verdict("DNS:s3.amazonaws.com")
    assert "signed.pem: OK" in verdict("DNS:x.api.aws,DNS:a.amazonaws.com.cn,DNS:b.sagemaker.aws")
    for names in ("DNS:example.com", "DNS:amazonaws.com.evil.example", "DNS:xamazonaws.com",
                  "DNS:s3.amazonaws.com,DNS:google.com", "IP:127.0.0.1", "IP:::1"):
        refused = verdict(names)
        assert "permitted subtree violation" in refused or "excluded subtree violation" in refused, names
    text = subprocess.run(["openssl", "x509", "-in", own, "-noout", "-text"], text=True, check=True,
                          capture_output=True).stdout
    assert "X509v3 Name Constraints: critical" in text and "pathlen:0" in text


def test_python_checks_a_certificate_strictly(shell):
    context = ssl.create_default_context(cafile=shell.told["AWS_CA_BUNDLE"])
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    link = shell.connect()
    link.sendall(CONNECT.format("sts.amazonaws.com:443").encode())
    assert link.recv(4096).startswith(b"HTTP/1.1 200")
    with context.wrap_socket(link, server_hostname="sts.amazonaws.com") as session:
        assert session.getpeercert()["subjectAltName"] == (("DNS", "sts.amazonaws.com"),)


# --- its life -------------------------------------------------------------------------------------

def test_tunnels_and_the_whole_proxy_can_be_turned_off(server_factory, lathe, tmp_path):
    configuration = tmp_path / "lathe.yaml"
    configuration.write_text("proxy:\n  tunnels: false\n")
    for said in ["--no-tunnels"], ["--config", str(configuration)]:
        quiet = Shell(lathe, server_factory(said), tmp_path)
        status, answer = quiet.ask(CONNECT.format("example.com:443"))
        assert status == 403 and "turned off" in answer
        assert quiet.request("s3.amazonaws.com", "/")[0] == 200
    without = server_factory(["--proxy", "off"])
    told = subprocess.run([str(lathe), "env", "--all"], text=True, capture_output=True, timeout=60,
                          env={**os.environ, "LATHE_HOME": str(without.home)})
    assert told.returncode == 1 and "--proxy off" in told.stderr


def test_the_proxy_takes_the_port_after_the_servers_or_the_one_it_is_told(server_factory, lathe,
                                                                          tmp_path):
    chosen = server_factory()
    first = Shell(lathe, chosen, tmp_path).proxy.port
    chosen.stop()
    chosen._arguments = ["--proxy", f"127.0.0.1:{first}"]
    chosen.start()
    assert Shell(lathe, chosen, tmp_path).proxy.port == first
    outside = subprocess.run([str(lathe), "serve", "--proxy", "0.0.0.0:1"], text=True,
                             capture_output=True, timeout=60,
                             env={**os.environ, "LATHE_HOME": str(tmp_path / "none")})
    assert outside.returncode == 2 and "loopback" in outside.stderr


def test_connections_that_are_open_do_not_keep_the_server_from_ending(server_factory, lathe, tmp_path):
    ending = server_factory()
    shell = Shell(lathe, ending, tmp_path)
    idle, silent = shell.tls("s3.amazonaws.com"), shell.connect()
    idle.sendall(b"GET / HTTP/1.1\r\nHost: s3.amazonaws.com\r\n\r\n")
    assert b" 200 " in idle.recv(65536)
    assert ending.stop() == 0
    idle.close()
    silent.close()


# --- scripts' own ---------------------------------------------------------------------------------

SDK_WITHIN = """
import json, sagemaker
session = sagemaker.Session()
bucket = session.default_bucket()
session.upload_string_as_file_body("hello", bucket, "from/a/script")
print(json.dumps([bucket, sagemaker.get_execution_role(), session.account_id()]))
"""


@pytest.mark.parametrize("settings", ["", "  network: host\n"], ids=["sandbox", "network of the host"])
def test_the_sdk_in_a_script_asks_the_hosts_that_it_knows(server_factory, tmp_path, settings):
    pytest.importorskip("sagemaker", reason="the SageMaker SDK (tests/requirements.txt)")
    file = tmp_path / "lathe.yaml"
    python = pathlib.Path(os.path.realpath(sys.prefix), "bin", "python")
    file.write_text(f"runtime:\n  python: {python}\n{settings}")
    server = server_factory(["--config", str(file)])
    server.client("s3").create_bucket(Bucket="scripts")
    job, log = scripts.run(server, "scripts", SDK_WITHIN)
    assert job["ProcessingJobStatus"] == "Completed", log
    account = "000000000000"
    bucket = f"sagemaker-us-east-1-{account}"
    assert json.loads(log[-1]) == [bucket, f"arn:aws:iam::{account}:role/SageMakerRole", account]
    found = server.client("s3").get_object(Bucket=bucket, Key="from/a/script")
    assert found["Body"].read() == b"hello"

import contextlib
import json
import os
import shutil
import tarfile
import tempfile
import urllib.parse

from lathe_containers import environment, params


def write_file(path, data, mode="w"):
    with open(path, mode) as file:
        file.write(data)


def read_file(path, mode="r"):
    with open(path, mode) as file:
        return file.read()


def read_json(path):
    with open(path) as file:
        return json.load(file)


def write_success_file():
    write_file(os.path.join(environment.output_dir, "success"), "")


def write_failure_file(failure_msg):
    """The first reason that is given stays."""
    path = os.path.join(environment.output_dir, "failure")
    if not os.path.exists(path):
        write_file(path, failure_msg)


@contextlib.contextmanager
def tmpdir(suffix="", prefix="tmp", directory=None):
    path = tempfile.mkdtemp(suffix=suffix, prefix=prefix, dir=directory)
    yield path
    shutil.rmtree(path)


def _extract(archive, path):
    with tarfile.open(archive, "r:gz") as tar:
        tar.extractall(path, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))


def _copy(uri, path):
    if os.path.isdir(uri):
        shutil.copytree(uri, path, dirs_exist_ok=True)
    elif tarfile.is_tarfile(uri):
        _extract(uri, path)
    else:
        shutil.copy2(uri, path)


def download_and_extract(uri, path):
    """Into an empty folder: one that holds something is left as it is."""
    os.makedirs(path, exist_ok=True)
    if os.listdir(path) or uri == path:
        return
    if not uri.startswith("s3://"):
        _copy(uri, path)
        return
    with tmpdir() as folder:
        archive = os.path.join(folder, "tar_file")
        s3_download(uri, archive)
        _extract(archive, path)


def s3_download(url, dst):
    url = urllib.parse.urlparse(url)
    if url.scheme != "s3":
        raise ValueError(f"Expecting 's3' scheme, got: {url.scheme} in {url}")
    import boto3

    region = os.environ.get("AWS_REGION", os.environ.get(params.REGION_NAME_ENV))
    s3 = boto3.resource("s3", region_name=region,
                        endpoint_url=os.environ.get(params.S3_ENDPOINT_URL))
    s3.Bucket(url.netloc).download_file(url.path.lstrip("/"), dst)

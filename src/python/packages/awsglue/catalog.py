"""The data catalog, asked over HTTP: the user's Python need not have boto3."""
import json
import os
import urllib.error
import urllib.request


class CatalogError(Exception):
    """code is AWS's: EntityNotFoundException, ..."""

    def __init__(self, code, message):
        super().__init__("%s: %s" % (code, message))
        self.code = code


def _endpoint():
    for name in ("AWS_ENDPOINT_URL_GLUE", "AWS_ENDPOINT_URL"):
        if os.environ.get(name):
            return os.environ[name]
    raise CatalogError("EndpointConnectionError", "AWS_ENDPOINT_URL is not set")


def call(operation, **request):
    """One operation of Glue's: members to members."""
    body = json.dumps({name: value for name, value in request.items() if value is not None})
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AWSGlue." + operation,
    }
    asked = urllib.request.Request(_endpoint(), body.encode(), headers)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(asked, timeout=300) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        told = json.loads(error.read() or b"{}")
        code = told.get("__type", str(error.code)).split("#")[-1]
        raise CatalogError(code, told.get("Message") or told.get("message") or "") from None
    except urllib.error.URLError as error:
        raise CatalogError("EndpointConnectionError", "%s: %s" % (_endpoint(), error.reason)) from None


def pages(operation, member, **request):
    """All that a listing has."""
    token, found = None, []
    while True:
        answer = call(operation, NextToken=token, **request)
        found += answer.get(member, [])
        token = answer.get("NextToken")
        if not token:
            return found


def table(database, name):
    return call("GetTable", DatabaseName=database, Name=name)["Table"]


def tables(database):
    return pages("GetTables", "TableList", DatabaseName=database)


def put_partitions(database, name, described):
    """Those that are there stay as they are."""
    for begin in range(0, len(described), 100):
        answer = call(
            "BatchCreatePartition",
            DatabaseName=database,
            TableName=name,
            PartitionInputList=described[begin : begin + 100],
        )
        for failed in answer.get("Errors", []):
            detail = failed.get("ErrorDetail", {})
            if detail.get("ErrorCode") != "AlreadyExistsException":
                raise CatalogError(detail.get("ErrorCode"), detail.get("ErrorMessage"))

"""What real clients rely on beyond the shapes: errors, ids, tokens, compressed bodies, doors."""

import gzip
import json
import re

import pytest
from botocore.exceptions import ClientError

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def failing(call):
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response


def test_json_error_carries_code_text_and_id(echo, codes):
    echo.answer(error={"code": codes["ResourceNotFound"], "message": "no such thing: ü"})
    response = failing(lambda: echo.client("sagemaker").describe_pipeline(PipelineName="p"))
    assert response["Error"] == {"Code": "ResourceNotFound", "Message": "no such thing: ü"}
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
                        response["ResponseMetadata"]["RequestId"])


def test_query_error(echo, codes):
    echo.answer(error={"code": codes["NoSuchEntity"], "message": "a <role> & more"})
    response = failing(lambda: echo.client("iam").get_role(RoleName="r"))
    assert response["Error"] == {"Type": "Sender", "Code": "NoSuchEntity",
                                 "Message": "a <role> & more"}
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert response["ResponseMetadata"]["RequestId"]


def test_model_error_carries_the_containers_status(echo, codes):
    echo.answer(output={"OriginalStatusCode": 415, "OriginalMessage": "no such type"},
                error={"code": codes["ModelError"], "message": "Received client error (415)"})
    client = echo.client("sagemaker-runtime")
    with pytest.raises(client.exceptions.ModelError) as caught:
        client.invoke_endpoint(EndpointName="e", Body=b"1")
    response = caught.value.response
    assert response["OriginalStatusCode"] == 415
    assert response["OriginalMessage"] == "no such type"
    assert response["Error"]["Message"] == "Received client error (415)"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424


@pytest.mark.parametrize("service, call, code, status", [
    ("sagemaker", lambda c: c.list_human_task_uis(), "UnknownOperationException", 400),
    ("glue", lambda c: c.list_blueprints(), "UnknownOperationException", 400),
    ("stepfunctions", lambda c: c.list_state_machines(), "UnknownOperationException", 400),
    ("iam", lambda c: c.list_users(), "InvalidAction", 400),
    ("sns", lambda c: c.list_topics(), "InvalidAction", 400),
    ("s3", lambda c: c.get_bucket_metrics_configuration(Bucket="b-1", Id="i"), "NotImplemented", 501),
    ("lambda", lambda c: c.list_functions(), "UnknownOperationException", 400),
    ("dynamodb", lambda c: c.list_tables(), "UnknownOperationException", 400),
    ("ec2", lambda c: c.describe_instances(), "InvalidAction", 400),
])
def test_what_is_not_built_is_named_and_not_retried(echo, service, call, code, status):
    response = failing(lambda: call(echo.client(service)))
    assert response["Error"]["Code"] == code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["Error"]["Message"]


def test_client_token_answers_a_repeat_and_refuses_another_request(echo):
    client = echo.client("sagemaker")
    request = {"PipelineName": "p", "RoleArn": "arn:aws:iam::123456789012:role/service",
               "PipelineDefinition": "{}", "ClientRequestToken": "t" * 40}
    arn = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/first"
    echo.answer({"PipelineArn": arn})
    assert client.create_pipeline(**request)["PipelineArn"] == arn
    echo.answer({"PipelineArn": arn.replace("first", "second")})
    assert client.create_pipeline(**request)["PipelineArn"] == arn
    assert echo.seen() is None  # it did not run again
    response = failing(lambda: client.create_pipeline(**{**request, "PipelineName": "other"}))
    assert "Idempotent parameters do not match" in response["Error"]["Message"]
    assert echo.seen() is None


def test_a_failed_request_does_not_use_its_token_up(echo, codes):
    client = echo.client("sagemaker")
    request = {"PipelineName": "p", "RoleArn": "arn:aws:iam::123456789012:role/service",
               "PipelineDefinition": "{}", "ClientRequestToken": "u" * 40}
    echo.answer(error={"code": codes["ResourceInUse"], "message": "there already"})
    failing(lambda: client.create_pipeline(**request))
    echo.answer({"PipelineArn": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p"})
    client.create_pipeline(**request)
    assert echo.seen()["operation"] == "CreatePipeline"


def test_gzip_body_of_put_metric_data(echo):
    data = [{"MetricName": f"m{i}", "Value": i / 2} for i in range(500)]
    echo.answer()
    echo.client("cloudwatch").put_metric_data(Namespace="n", MetricData=data)
    assert echo.seen()["request"] == {"Namespace": "n", "MetricData": data}


def cloudwatch_json(echo, body, **headers):
    return echo.http("POST", "/", body, {
        "X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData",
        "Content-Type": "application/x-amz-json-1.0", **headers})


def test_gzip_bomb_and_cut_gzip_are_refused(echo):
    echo.answer()
    bomb = gzip.compress(b" " * (200 << 20), 9)
    status, _, body = cloudwatch_json(echo, bomb, **{"Content-Encoding": "gzip"})
    assert status == 400 and json.loads(body)["__type"] == "EntityTooLarge"
    status, _, body = cloudwatch_json(echo, gzip.compress(b"{}" * 99)[:-9],
                                      **{"Content-Encoding": "gzip"})
    assert status == 400 and json.loads(body)["__type"] == "SerializationException"
    assert echo.seen() is None


def test_query_compatible_error_has_its_header(echo):
    status, headers, _ = cloudwatch_json(echo, "{}", **{"x-amzn-query-mode": "true"})
    assert status == 400
    assert headers["x-amzn-query-error"] == "ValidationError;Sender"


@pytest.mark.parametrize("body, code, text", [
    ('{"TrainingJobName": 5}', "SerializationException",
     "NUMBER_VALUE cannot be converted to String"),
    ('{"TrainingJobName": {}}', "SerializationException",
     "Start of structure or map found where not expected"),
    ('{"TrainingJobName": [1]}', "SerializationException",
     "Start of list found where not expected"),
    ('{"TrainingJobName": "a"', "SerializationException", "not JSON"),
    ('[]', "SerializationException", "not a JSON object"),
    ('{"TrainingJobNam": "a"}', "ValidationException",
     "Unknown member 'TrainingJobNam' in the request; did you mean 'TrainingJobName'?"),
    ('{"TrainingJobName": null}', "ValidationException",
     "1 validation error detected: Value null at 'trainingJobName' failed to satisfy constraint: "
     "Member must not be null"),
    ("", "ValidationException", "Value null at 'trainingJobName'"),
    ("[" * 100000, "SerializationException", "not JSON"),
])
def test_json_body_that_is_wrong(echo, body, code, text):
    echo.answer()
    status, headers, answer = echo.http("POST", "/", body, {
        "X-Amz-Target": "SageMaker.DescribeTrainingJob",
        "Content-Type": "application/x-amz-json-1.1"})
    assert status == 400
    assert json.loads(answer)["__type"] == headers["x-amzn-errortype"] == code
    assert text in json.loads(answer)["message"]
    assert echo.seen() is None


def test_null_members_are_left_out(echo):
    echo.answer({"Models": []})
    echo.http("POST", "/", '{"MaxResults": null, "NameContains": "a"}',
              {"X-Amz-Target": "SageMaker.ListModels"})
    assert echo.seen()["request"] == {"NameContains": "a"}


def test_unsigned_query_finds_its_service_by_version(echo):
    echo.answer({"Account": "123456789012"})
    status, _, body = echo.http("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", FORM)
    assert status == 200 and b"<Account>123456789012</Account>" in body


@pytest.mark.parametrize("form, code", [
    ("Action=GetCallerIdentity&Version=2011-06-15&Colour=red", "ValidationError"),
    ("Action=GetCallerIdentity&Version=1999-01-01", "InvalidAction"),
    ("Version=2011-06-15", "InvalidAction"),
    ("Action=GetCallerIdentity&Version=2011-06-15&a=%zz", "InvalidArgument"),
    ("Action=GetCallerIdentity&Version=2011-06-15&a=%00", "InvalidArgument"),
])
def test_query_form_that_is_wrong(echo, form, code):
    echo.answer()
    status, _, body = echo.http("POST", "/", form, FORM)
    assert status == 400 and f"<Code>{code}</Code>".encode() in body
    assert echo.seen() is None


def test_region_comes_from_the_signature(echo):
    echo.answer()
    echo.client("sts", region="eu-west-1").get_caller_identity()
    assert echo.seen()["region"] == "eu-west-1"
    echo.http("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", FORM)
    assert echo.seen()["region"] == "us-east-1"


@pytest.mark.parametrize("host, allowed", [
    ("127.0.0.1", True), ("127.0.0.1:4566", True), ("localhost:1", True), ("[::1]:4566", True),
    ("bucket.localhost:4566", True), ("127.1.2.3", True), ("evil.example", False),
    ("127.0.0.1.evil.example", False), ("localhost.evil.example:4566", False),
    ("[::1]", True), ("[0:0:0:0:0:0:0:1]:80", True), ("LOCALHOST", True), ("a.b.localhost", True),
    ("[::1].evil.example", False), ("[::1]evil.example", False), ("[::1", False), ("[]", False),
    ("[::1]:80.evil.example", False), ("[::1%25eth0]", False), ("[::2]", False), ("::1", False),
    ("[127.0.0.1]", False), ("127.0.0.1.", False), ("localhost.", False), ("127.0.0.1:", False),
    ("127.0.0.1:80:80", False), ("127.0.0.1:99999", False), ("127.0.0.1:8o", False),
    ("user@127.0.0.1", False), ("127.0.0.1@evil.example", False), ("127.0.0.1/", False),
    ("127.0.0.1,evil.example", False), ("127.0.0.1 evil.example", False), ("127.0.0.1#", False),
    (".localhost", False), ("a..localhost", False), ("evil.example?.localhost", False),
    ("evil.example%00.localhost", False), ("2130706433", False), ("0x7f.1", False),
    ("192.168.0.1", False),
])
def test_host_must_be_loopback(echo, host, allowed):
    status, _, body = echo.http("GET", "/_lathe/health", headers={"Host": host})
    assert status == (200 if allowed else 403), body


def test_web_pages_are_kept_out(echo):
    def status(**headers):
        return echo.http("GET", "/_lathe/health", headers={
            name.replace("_", "-"): value for name, value in headers.items()})[0]

    own = f"http://127.0.0.1:{echo.port}"
    assert status(Origin=own, Host=f"127.0.0.1:{echo.port}") == 200
    assert status(Origin="http://evil.example") == 403
    assert status(Origin="null") == 403
    assert status(Origin="http://127.0.0.1:1") == 403
    assert status(Sec_Fetch_Site="cross-site") == 403
    assert status(Sec_Fetch_Site="none") == 200
    assert status(Origin="http://console.example") == 200


@pytest.mark.parametrize("count, longest", [(250, 8), (257, 1), (1000, 4), (3000, 1)])
def test_many_query_parameters_get_a_reply(echo, count, longest):
    """Up to the limit, they are read (and refused by name); beyond it the limit is named."""
    query = "&".join(f"x{i:0{longest - 1}}=" if longest > 4 else "a" * longest for i in range(count))
    answer = echo.raw(f"GET /b/k?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
                      .encode())
    head, body = answer.split(b"\r\n\r\n", 1)
    assert answer.count(b"HTTP/1.1 ") == 1 and b"x-amz-request-id" in head
    if count > 256:
        assert head.split()[1] == b"400" and b"256 parameters" in body


@pytest.mark.parametrize("requests", [1, 3])
def test_a_client_may_close_its_side_behind_its_requests(echo, requests):
    """It gets every reply, though what it asked was not answered at once; then the connection ends."""
    asked = b"GET /b/k?x-id=GetObject HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * requests
    for _ in range(50):
        assert echo.raw(asked).count(b"HTTP/1.1 ") == requests


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("unit", ["{},", "[],", '{"a":1},'])
def test_json_of_many_values_is_refused(echo, unit, zipped):
    """Some bytes of text are 75 times as many in memory: told by the bound, before they are made."""
    body = ('{"TrainingJobName":[' + unit * ((4 << 20) // len(unit)) + "1]}").encode()
    headers = {"X-Amz-Target": "SageMaker.DescribeTrainingJob"}
    if zipped:
        body = gzip.compress(body)
        headers["Content-Encoding"] = "gzip"
    status, got, answer = echo.http("POST", "/", body, headers)
    assert (status, got["x-amzn-errortype"]) == (400, "EntityTooLarge")
    assert b"more values than a document may have" in answer


def test_a_gzip_body_inflates_to_a_bound(echo):
    body = gzip.compress(b'{"TrainingJobName":"' + b"a" * (33 << 20) + b'"}')
    status, _, answer = echo.http("POST", "/", body, {
        "X-Amz-Target": "SageMaker.DescribeTrainingJob", "Content-Encoding": "gzip"})
    assert status == 400 and b"limit of 33554432 bytes" in answer


def test_forms_of_long_names_are_refused(echo):
    for name in ("x" * (4 << 20) + "." * 128, "x." * 129):
        form = "Action=GetCallerIdentity&Version=2011-06-15&" + name + "=1"
        status, _, answer = echo.http("POST", "/", form, FORM)
        assert status == 400 and b"longer than 256 bytes" in answer


def test_xml_of_many_attributes_is_read(echo):
    body = "<Delete " + " ".join(f'a{i}=""' for i in range(80000)) + "><Object><Key>k</Key></Object></Delete>"
    echo.answer(output={"Deleted": []})
    assert echo.http("POST", "/b?delete", body)[0] == 200
    assert echo.seen()["request"]["Delete"] == {"Objects": [{"Key": "k"}]}


def test_preflight(echo):
    headers = {"Origin": "http://console.example", "Access-Control-Request-Method": "PUT",
               "Access-Control-Request-Headers": "x-amz-date"}
    status, got, _ = echo.http("OPTIONS", "/b/k", headers=headers)
    assert status == 204
    assert got["access-control-allow-origin"] == "http://console.example"
    assert got["access-control-allow-headers"] == "x-amz-date"
    headers["Origin"] = "http://evil.example"
    status, got, _ = echo.http("OPTIONS", "/b/k", headers=headers)
    assert status == 403 and "access-control-allow-origin" not in got


def test_pages(echo):
    status, _, body = echo.http("GET", "/_lathe/health")
    assert status == 200 and json.loads(body) == {"status": "running", "version": "test"}
    _, _, body = echo.http("GET", "/_lathe/operations")
    services = json.loads(body)
    assert "PutObject" in services["s3"]["built"]
    assert "PutBucketWebsite" in services["s3"]["not_built"]
    assert echo.http("GET", "/_lathe/nothing")[0] == 404
    assert echo.http("POST", "/_lathe/health", "")[0] == 405


def test_what_http_refuses_has_an_id_too(echo):
    answer = echo.raw(b"GET / HTTP/1.1\r\n\r\n")  # no Host
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert re.search(rb"(?i)x-amzn-requestid: [0-9a-f-]{36}", head)
    assert json.loads(body)["message"]


def test_cors_on_replies(echo):
    headers = {"Origin": "http://console.example"}
    for target in ("/_lathe/health", "/b?acl"):
        got = echo.http("GET", target, headers=headers)[1]
        assert got["access-control-allow-origin"] == "http://console.example"
    assert "access-control-allow-origin" not in echo.http("GET", "/_lathe/health")[1]

"""Systems Manager's parameters: put, looked up, listed by path, deleted; boto3."""

import pytest


@pytest.fixture(scope="module")
def ssm(server):
    return server.client("ssm")


def names(parameters):
    return [parameter["Name"] for parameter in parameters]


def everywhere(ssm):
    """The names of all parameters, those of tests that share this server too."""
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/", Recursive=True)
    return [name for page in pages for name in names(page["Parameters"])]


def test_a_parameter_is_put_looked_up_and_deleted(ssm):
    put = ssm.put_parameter(Name="/shop/bucket", Value="rows", Type="String")
    assert (put["Version"], put["Tier"]) == (1, "Standard")
    told = ssm.get_parameter(Name="/shop/bucket", WithDecryption=True)["Parameter"]
    assert told["Value"] == "rows" and told["Type"] == "String" and told["Version"] == 1
    assert told["ARN"] == "arn:aws:ssm:us-east-1:000000000000:parameter/shop/bucket"
    assert ssm.get_parameter(Name=told["ARN"])["Parameter"]["Value"] == "rows"
    ssm.delete_parameter(Name="/shop/bucket")
    for call in (ssm.get_parameter, ssm.delete_parameter):
        with pytest.raises(ssm.exceptions.ParameterNotFound):
            call(Name="/shop/bucket")


def test_a_parameter_is_overwritten_only_where_that_is_said(ssm):
    ssm.put_parameter(Name="once", Value="1", Type="String")
    with pytest.raises(ssm.exceptions.ParameterAlreadyExists):
        ssm.put_parameter(Name="once", Value="2", Type="String")
    assert ssm.put_parameter(Name="once", Value="2", Overwrite=True)["Version"] == 2
    told = ssm.get_parameter(Name="once:2")["Parameter"]
    assert (told["Value"], told["Type"], told["Selector"]) == ("2", "String", ":2")
    with pytest.raises(ssm.exceptions.ParameterVersionNotFound):
        ssm.get_parameter(Name="once:1")
    ssm.delete_parameter(Name="once")


def test_many_at_once_and_by_path(ssm):
    put = [f"/tree/{i:02}" for i in range(12)] + ["/tree/sub/leaf", "/treehouse", "flat"]
    before = everywhere(ssm)
    for name in put:
        ssm.put_parameter(Name=name, Value=f"at {name}", Type="StringList")
    told = ssm.get_parameters(Names=["flat", "/none", "/tree/sub/leaf", "flat:9"])
    assert names(told["Parameters"]) == ["flat", "/tree/sub/leaf"]
    assert told["InvalidParameters"] == ["/none", "flat:9"]
    pages = ssm.get_paginator("get_parameters_by_path")
    below = [name for page in pages.paginate(Path="/tree") for name in names(page["Parameters"])]
    assert below == put[:12]
    below = [name for page in pages.paginate(Path="/tree/", Recursive=True, MaxResults=5)
             for name in names(page["Parameters"])]
    assert below == put[:13]
    gone = ssm.delete_parameters(Names=put[:10]), ssm.delete_parameters(Names=put[10:] + ["/none"])
    assert gone[0]["DeletedParameters"] + gone[1]["DeletedParameters"] == put
    assert gone[1]["InvalidParameters"] == ["/none"] and "InvalidParameters" not in gone[0]
    assert everywhere(ssm) == before


@pytest.mark.parametrize("request_", [
    {"Name": "/aws/mine", "Type": "String"}, {"Name": "ssm-mine", "Type": "String"},
    {"Name": "a/b", "Type": "String"}, {"Name": "/a//b", "Type": "String"},
    {"Name": "/a/", "Type": "String"}, {"Name": "a b", "Type": "String"}, {"Name": "typeless"},
    {"Name": "long", "Type": "String", "Value": "x" * 4097},
    {"Name": "secret", "Type": "SecureString"}, {"Name": "tagged", "Type": "String",
                                                 "Tags": [{"Key": "a", "Value": "b"}]}],
    ids=lambda request: request["Name"])
def test_what_cannot_be_kept_is_refused(ssm, request_):
    with pytest.raises(ssm.exceptions.ClientError) as caught:
        ssm.put_parameter(**{"Value": "x", **request_})
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert names(ssm.get_parameters(Names=["typeless", "long", "secret", "tagged"])["Parameters"]) == []


def test_parameters_outlive_a_crash(server_factory):
    server = server_factory()
    server.client("ssm").put_parameter(Name="kept", Value="x", Type="String")
    server.kill()
    server.start()
    assert server.client("ssm").get_parameter(Name="kept")["Parameter"]["Value"] == "x"

"""What an SDK asks when it runs in a notebook, of a domain that any home has."""

import pytest

ROLE = "arn:aws:iam::000000000000:role/SageMakerRole"
ARN = "arn:aws:sagemaker:us-east-1:000000000000:"


def test_every_description_names_the_role_that_sts_answers(server):
    sagemaker = server.client("sagemaker")
    told = server.client("sts").get_caller_identity()["Arn"]
    assert told == ROLE.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/lathe"
    domain = sagemaker.describe_domain(DomainId="d-abc")
    assert (domain["DomainArn"], domain["DomainId"]) == (ARN + "domain/d-abc", "d-abc")
    assert domain["Status"] == "InService"
    assert domain["DefaultUserSettings"]["ExecutionRole"] == ROLE
    profile = sagemaker.describe_user_profile(DomainId="d-abc", UserProfileName="me")
    assert profile["UserProfileArn"] == ARN + "user-profile/d-abc/me"
    assert profile["UserSettings"]["ExecutionRole"] == ROLE
    space = sagemaker.describe_space(DomainId="d-abc", SpaceName="mine")
    assert (space["SpaceArn"], space["Status"]) == (ARN + "space/d-abc/mine", "InService")
    instance = sagemaker.describe_notebook_instance(NotebookInstanceName="workshop")
    assert instance["NotebookInstanceArn"] == ARN + "notebook-instance/workshop"
    assert (instance["RoleArn"], instance["NotebookInstanceStatus"]) == (ROLE, "InService")


@pytest.mark.parametrize("metadata", [
    {"ResourceName": "workshop"},
    {"ResourceName": "default", "DomainId": "d-abc", "UserProfileName": "me"},
    {"ResourceName": "default", "DomainId": "d-abc", "UserProfileName": "me", "ExecutionRoleArn": ROLE},
], ids=["a notebook instance's", "an old Studio's", "Studio's"])
def test_the_sdk_finds_its_role_by_a_notebooks_file(server, metadata, tmp_path, monkeypatch):
    import json

    boto3 = pytest.importorskip("boto3")
    session = pytest.importorskip("sagemaker.session", reason="the SageMaker SDK")
    file = tmp_path / "resource-metadata.json"
    file.write_text(json.dumps(metadata))
    monkeypatch.setattr(session, "NOTEBOOK_METADATA_FILE", str(file))
    made = session.Session(boto3.Session(region_name="us-east-1", aws_access_key_id="a",
                                         aws_secret_access_key="b"),
                           sagemaker_client=server.client("sagemaker"))
    assert session.get_execution_role(made) == ROLE

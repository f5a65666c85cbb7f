"""STS and IAM, as clients ask them before anything else."""

import json
import urllib.parse

import pytest

from sagemaker_jobs import unique


def test_the_account_is_the_one_in_arns_and_bucket_owners(server):
    identity = server.client("sts").get_caller_identity()
    assert len(identity["Account"]) == 12 and identity["Account"].isdigit()
    assert identity["Arn"].split(":")[4] == identity["Account"]
    # The SDK takes its role from here: arn:aws:sts::<account>:assumed-role/<role>/<session>.
    assert identity["Arn"].split(":")[5].split("/")[0] == "assumed-role"
    bucket = unique("owned")
    s3 = server.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=identity["Account"])
    with pytest.raises(s3.exceptions.ClientError) as refused:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner="111111111111")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_role_is_assumed_for_the_time_asked(server):
    answer = server.client("sts").assume_role(
        RoleArn="arn:aws:iam::000000000000:role/Trainer", RoleSessionName="night",
        DurationSeconds=900)
    assert answer["AssumedRoleUser"]["Arn"].endswith(":assumed-role/Trainer/night")
    left = answer["Credentials"]["Expiration"].timestamp() - \
        server.client("sts").assume_role(
            RoleArn="arn:aws:iam::000000000000:role/Trainer", RoleSessionName="night",
            DurationSeconds=3600)["Credentials"]["Expiration"].timestamp()
    assert -2710 < left < -2690
    assert answer["Credentials"]["SecretAccessKey"] and answer["Credentials"]["SessionToken"]


def test_any_role_exists_and_trusts_sagemaker(server):
    role = server.client("iam").get_role(RoleName="AnyName")["Role"]
    assert role["Arn"] == "arn:aws:iam::000000000000:role/AnyName"
    policy = role["AssumeRolePolicyDocument"]
    policy = policy if isinstance(policy, dict) else json.loads(urllib.parse.unquote(policy))
    assert policy["Statement"][0]["Principal"]["Service"] == "sagemaker.amazonaws.com"


def test_every_action_is_allowed_one_by_one(server):
    actions = [f"s3:Action{i}" for i in range(25)] + ["sagemaker:CreateTrainingJob"]
    answer = server.client("iam").simulate_principal_policy(
        PolicySourceArn="arn:aws:iam::000000000000:role/AnyName", ActionNames=actions)
    assert [r["EvalActionName"] for r in answer["EvaluationResults"]] == actions
    assert {r["EvalDecision"] for r in answer["EvaluationResults"]} == {"allowed"}
    assert answer["IsTruncated"] is False

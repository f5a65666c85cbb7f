"""What SageMaker checks before it does anything, in its words."""

import pytest
from botocore.exceptions import ClientError

from sagemaker_jobs import (ROLE, XGBOOST, channel, train, training_request, unique)


@pytest.fixture(scope="module")
def model(server):
    """A model's name."""
    bucket, name = unique("checks"), unique("model")
    server.client("s3").create_bucket(Bucket=bucket)
    server.client("s3").put_object(Bucket=bucket, Key="rows.csv",
                                   Body="".join(f"{i % 2},{i},0\n" for i in range(100)))
    job = train(server, training_request(bucket, [channel("train", f"s3://{bucket}/rows.csv")]))
    server.client("sagemaker").create_model(
        ModelName=name, ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": XGBOOST, "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]})
    return name


def variant(model, **more):
    return {"VariantName": "A", "ModelName": model, "InitialInstanceCount": 1,
            "InstanceType": "ml.m5.large", **more}


def refusal(call, **request):
    with pytest.raises(ClientError) as refused:
        call(**request)
    return refused.value.response["Error"]


def test_names_are_the_same_in_any_case_and_kept_as_given(server, model):
    sagemaker, runtime = server.client("sagemaker"), server.client("sagemaker-runtime")
    name, config = unique("My-Endpoint"), unique("config")
    sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant(model)])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    server.wait_for(lambda: sagemaker.describe_endpoint(EndpointName=name), "EndpointStatus",
                    ("InService", "Failed"))
    assert sagemaker.describe_endpoint(EndpointName=name.upper())["EndpointName"] == name
    answer = runtime.invoke_endpoint(EndpointName=name.upper(), ContentType="text/csv", Body=b"1,2")
    assert answer["InvokedProductionVariant"] == "A"
    taken = refusal(sagemaker.create_endpoint, EndpointName=name.lower(), EndpointConfigName=config)
    assert "already existing" in taken["Message"]
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name.lower(),
        DesiredWeightsAndCapacities=[{"VariantName": "A", "DesiredWeight": 3}])
    assert sagemaker.describe_endpoint(
        EndpointName=name)["ProductionVariants"][0]["CurrentWeight"] == 3
    sagemaker.delete_endpoint(EndpointName=name.swapcase())
    missing = refusal(runtime.invoke_endpoint, EndpointName=name, ContentType="text/csv", Body=b"1")
    account = server.client("sts").get_caller_identity()["Account"]
    assert missing == {"Code": "ValidationError",
                       "Message": f"Endpoint {name} of account {account} not found."}
    gone = refusal(sagemaker.describe_endpoint, EndpointName=name)
    assert gone["Code"] == "ValidationException"
    assert gone["Message"].startswith('Could not find endpoint "arn:aws:sagemaker:')


def test_a_model_without_its_data_is_refused(server, bucket):
    for uri in (f"s3://{bucket}/none/model.tar.gz", "s3://no-such-bucket/model.tar.gz"):
        error = refusal(server.client("sagemaker").create_model, ModelName=unique("model"),
                        ExecutionRoleArn=ROLE,
                        PrimaryContainer={"Image": XGBOOST, "ModelDataUrl": uri})
        assert error == {"Code": "ValidationException",
                         "Message": f"Could not find model data at {uri}."}


def test_instance_types_of_any_of_awss_lists_are_taken(server, model):
    sagemaker = server.client("sagemaker")
    for instance in ("ml.t3.medium", "ml.m5.large", "ml.inf2.xlarge"):
        sagemaker.create_endpoint_config(
            EndpointConfigName=unique("config"),
            ProductionVariants=[variant(model, InstanceType=instance)])
    for nonsense in ("ml.t3.huge", "t3.medium", "m5"):
        error = refusal(sagemaker.create_endpoint_config, EndpointConfigName=unique("config"),
                        ProductionVariants=[variant(model, InstanceType=nonsense)])
        assert f"Value '{nonsense}' at 'productionVariants.1.member.instanceType'" in error["Message"]


def test_tags_are_checked_as_aws_checks_them(server, model):
    sagemaker = server.client("sagemaker")
    arn = sagemaker.describe_model(ModelName=model)["ModelArn"]
    request = {"EndpointConfigName": unique("config"),
               "ProductionVariants": [variant(model)]}
    for key in ("aws:stack", "AWS:stack"):
        told = {"Code": "ValidationException",
                "Message": f"System prefix 'aws:' reserved for AWS usage in tag key: {key}"}
        tags = [{"Key": "a", "Value": ""}, {"Key": key, "Value": "x"}]
        assert refusal(sagemaker.add_tags, ResourceArn=arn, Tags=tags) == told
        assert refusal(sagemaker.delete_tags, ResourceArn=arn, TagKeys=["a", key]) == told
        assert refusal(sagemaker.create_endpoint_config, Tags=tags, **request) == told
    twice = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    assert "Duplicate tag key" in refusal(sagemaker.add_tags, ResourceArn=arn, Tags=twice)["Message"]
    assert "Duplicate tag key" in refusal(sagemaker.create_endpoint_config, Tags=twice,
                                          **request)["Message"]
    sagemaker.create_endpoint_config(**request)  # none of the refused ones is there
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": f"k{i}", "Value": "x"} for i in range(50)])
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "k7", "Value": "again"}])
    over = refusal(sagemaker.add_tags, ResourceArn=arn, Tags=[{"Key": "l", "Value": "x"}])
    assert over["Code"] == "ValidationException" and "at most 50 tags" in over["Message"]
    assert len(sagemaker.list_tags(ResourceArn=arn)["Tags"]) == 50

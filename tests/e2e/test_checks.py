"""What SageMaker checks before it does anything, in its words."""

import re

import pytest
from botocore.exceptions import ClientError

from sagemaker_jobs import (ROLE, XGBOOST, channel, train, training_request, unique, wait_for_job)


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


def test_an_arn_ends_in_the_name_as_it_was_given(server, model):
    sagemaker = server.client("sagemaker")
    name = unique("Mixed-Case")
    arn = sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant(model)])["EndpointConfigArn"]
    assert arn.endswith(f":endpoint-config/{name}")
    sagemaker.describe_endpoint_config(EndpointConfigName=arn.rsplit("/", 1)[1])


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


def log_streams(server, name):
    return server.client("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=name + "/")["logStreams"]


def metrics(server, name):
    return server.client("cloudwatch").list_metrics(
        Namespace="/aws/sagemaker/TrainingJobs",
        Dimensions=[{"Name": "TrainingJobName", "Value": name}])["Metrics"]


def test_a_job_at_its_end_is_deleted_with_its_log_and_metrics(server, bucket):
    sagemaker = server.client("sagemaker")
    server.client("s3").put_object(Bucket=bucket, Key="rows.csv",
                                   Body="".join(f"{i % 2},{i},0\n" for i in range(3000)))
    rows = channel("train", f"s3://{bucket}/rows.csv")
    other = train(server, training_request(bucket, [rows]))["TrainingJobName"]
    gone, going = f"{other}-2", f"{other}-3"  # names that begin alike
    ended = train(server, training_request(bucket, [rows], name=gone))
    sagemaker.create_training_job(**training_request(bucket, [rows], name=going, num_round=100000))
    assert refusal(sagemaker.delete_training_job,
                   TrainingJobName=going)["Code"] == "ResourceInUse"
    sagemaker.stop_training_job(TrainingJobName=going)
    wait_for_job(server, going)
    sagemaker.delete_training_job(TrainingJobName=going)

    assert log_streams(server, gone) and metrics(server, gone)
    sagemaker.add_tags(ResourceArn=ended["TrainingJobArn"], Tags=[{"Key": "k", "Value": "v"}])
    sagemaker.delete_training_job(TrainingJobName=gone)
    assert not log_streams(server, gone) and not metrics(server, gone)
    assert log_streams(server, other) and metrics(server, other)
    assert sagemaker.describe_training_job(TrainingJobName=other)
    assert refusal(sagemaker.delete_training_job, TrainingJobName=gone) == {
        "Code": "ResourceNotFound", "Message": "Requested resource not found."}
    assert "not found" in refusal(sagemaker.describe_training_job, TrainingJobName=gone)["Message"]
    again = train(server, training_request(bucket, [rows], name=gone))  # the name is free
    assert sagemaker.list_tags(ResourceArn=again["TrainingJobArn"])["Tags"] == []
    assert refusal(sagemaker.delete_processing_job,
                   ProcessingJobName=gone)["Code"] == "ResourceNotFound"


def test_search_refuses_resources_that_are_none_here(server):
    for resource in ("FeatureGroup", "Image"):
        error = refusal(server.client("sagemaker").search, Resource=resource)
        assert error["Code"] == "ValidationException"
        assert resource in error["Message"]
        assert {"TrainingJob", "ModelPackage", "Endpoint"} <= set(re.findall(r"\w+", error["Message"]))


def test_descriptions_have_what_aws_always_tells(server, model, bucket):
    sagemaker, config = server.client("sagemaker"), unique("config")
    assert sagemaker.describe_model(ModelName=model)["EnableNetworkIsolation"] is False
    sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant(model)],
                                     EnableNetworkIsolation=True, ExecutionRoleArn=ROLE)
    told = sagemaker.describe_endpoint_config(EndpointConfigName=config)
    assert told["EnableNetworkIsolation"] is True
    job = sagemaker.list_training_jobs(MaxResults=1)["TrainingJobSummaries"][0]
    job = sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])
    for member in ("EnableNetworkIsolation", "EnableManagedSpotTraining",
                   "EnableInterContainerTrafficEncryption"):
        assert job[member] is False

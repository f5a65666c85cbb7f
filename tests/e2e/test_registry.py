"""The model registry, as a release script uses it."""

import pytest
from botocore.exceptions import ClientError

from sagemaker_jobs import (ROLE, XGBOOST, channel, scores, train, training_request, unique)


@pytest.fixture
def specification(server, bucket):
    server.client("s3").put_object(Bucket=bucket, Key="rows.csv",
                                   Body="".join(f"{i % 2},{i % 2},{i}\n" for i in range(100)))
    job = train(server, training_request(bucket, [channel("train", f"s3://{bucket}/rows.csv")]))
    return {"Containers": [{"Image": XGBOOST,
                            "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]}],
            "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}


def test_versions_are_counted_approved_found_and_deployed(server, specification):
    sagemaker, group = server.client("sagemaker"), unique("group")
    sagemaker.create_model_package_group(ModelPackageGroupName=group,
                                         ModelPackageGroupDescription="cars")
    with pytest.raises(ClientError) as taken:
        sagemaker.create_model_package_group(ModelPackageGroupName=group)
    assert taken.value.response["Error"]["Message"].startswith("Model Package Group already exists")
    arns = [sagemaker.create_model_package(ModelPackageGroupName=group,
                                           InferenceSpecification=specification,
                                           ModelPackageDescription=f"try {i}")["ModelPackageArn"]
            for i in range(3)]
    assert [arn.rsplit(":model-package/")[1] for arn in arns] == [f"{group}/{i}" for i in (1, 2, 3)]
    assert sagemaker.describe_model_package(
        ModelPackageName=arns[0])["ModelApprovalStatus"] == "PendingManualApproval"

    sagemaker.update_model_package(ModelPackageArn=arns[1], ModelApprovalStatus="Approved",
                                   ApprovalDescription="good")
    sagemaker.update_model_package(ModelPackageArn=arns[2], ModelApprovalStatus="Rejected")
    approved = sagemaker.list_model_packages(
        ModelPackageGroupName=group, ModelApprovalStatus="Approved", SortBy="CreationTime",
        SortOrder="Descending")["ModelPackageSummaryList"]
    assert [entry["ModelPackageArn"] for entry in approved] == [arns[1]]
    assert approved[0]["ModelPackageVersion"] == 2
    described = sagemaker.describe_model_package(ModelPackageName=arns[1])
    assert described["ApprovalDescription"] == "good"
    assert described["InferenceSpecification"]["Containers"][0]["Image"] == XGBOOST

    with pytest.raises(ClientError) as rejected:
        sagemaker.create_model(ModelName=unique("m"), ExecutionRoleArn=ROLE,
                               Containers=[{"ModelPackageName": arns[2]}])
    assert "rejected" in rejected.value.response["Error"]["Message"]
    name = unique("endpoint")
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE,
                           Containers=[{"ModelPackageName": arns[1]}])
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[
        {"VariantName": "v", "ModelName": name, "InitialInstanceCount": 1,
         "InstanceType": "ml.m5.large"}])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert server.wait_for(lambda: sagemaker.describe_endpoint(EndpointName=name),
                           "EndpointStatus", ("InService", "Failed"))["EndpointStatus"] == \
        "InService"
    low, high = scores(server.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, ContentType="text/csv", Body=b"0,5\n1,5\n")["Body"].read())
    assert low < 0.5 < high


def test_a_client_token_makes_one_package_of_two_requests(server, specification):
    sagemaker, group = server.client("sagemaker"), unique("group")
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    token = unique("token")
    first, second = (sagemaker.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=specification,
        ClientToken=token)["ModelPackageArn"] for _ in range(2))
    assert first == second


def test_a_package_is_made_of_a_source_and_changed(server, specification):
    sagemaker, group, name = server.client("sagemaker"), unique("group"), unique("model")
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="Containers or SourceUri is needed"):
        sagemaker.create_model_package(ModelPackageGroupName=group)
    container = specification["Containers"][0]
    model = sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE,
                                   PrimaryContainer=container)["ModelArn"]

    def package(source):
        arn = sagemaker.create_model_package(ModelPackageGroupName=group,
                                             SourceUri=source)["ModelPackageArn"]
        return arn, sagemaker.describe_model_package(ModelPackageName=arn)

    of_model, described = package(model)
    assert described["InferenceSpecification"] == {"Containers": [container]}
    assert described["SourceUri"] == model
    assert package(of_model)[1]["InferenceSpecification"] == described["InferenceSpecification"]
    of_job, described = package("s3://elsewhere/model.tar.gz")
    assert "InferenceSpecification" not in described

    def changed(**change):
        sagemaker.update_model_package(ModelPackageArn=of_job, **change)
        return sagemaker.describe_model_package(ModelPackageName=of_job)

    assert changed(InferenceSpecification=specification)["InferenceSpecification"] == specification
    more = {"Name": "other", "Containers": [container]}
    assert changed(AdditionalInferenceSpecificationsToAdd=[more])[
        "AdditionalInferenceSpecifications"] == [more]
    with pytest.raises(ClientError, match="with the name other already"):
        changed(AdditionalInferenceSpecificationsToAdd=[more])
    stage = {"Stage": "Staging", "StageStatus": "InProgress"}
    assert changed(ModelLifeCycle=stage)["ModelLifeCycle"] == stage
    changed(ModelCard={"ModelCardContent": "{}", "ModelCardStatus": "Draft"})
    assert changed(ModelCard={"ModelCardStatus": "Approved"})["ModelCard"] == {
        "ModelCardContent": "{}", "ModelCardStatus": "Approved"}
    changed(CustomerMetadataProperties={"a": "1", "b": "2"})
    assert changed(CustomerMetadataProperties={"b": "3"}, CustomerMetadataPropertiesToRemove=["a"])[
        "CustomerMetadataProperties"] == {"b": "3"}


def test_lists_tell_packages_with_and_without_versions_apart(server, specification):
    sagemaker, group, name = server.client("sagemaker"), unique("group"), unique("package")
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    version = sagemaker.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=specification)["ModelPackageArn"]
    alone = sagemaker.create_model_package(
        ModelPackageName=name, InferenceSpecification=specification)["ModelPackageArn"]

    def listed(**query):
        found = sagemaker.list_model_packages(**query)["ModelPackageSummaryList"]
        return {package["ModelPackageArn"] for package in found} & {version, alone}

    assert listed() == listed(ModelPackageType="Unversioned") == {alone}
    assert listed(ModelPackageType="Versioned") == listed(ModelPackageGroupName=group) == {version}
    assert listed(ModelPackageType="Both") == {version, alone}


def test_a_group_is_found_by_search_and_deleted_when_empty(server, specification):
    sagemaker, group = server.client("sagemaker"), unique("group")
    query = {"Filters": [{"Name": "ModelPackageGroupName", "Operator": "Equals", "Value": group}]}
    assert sagemaker.search(Resource="ModelPackageGroup", SearchExpression=query)["Results"] == []
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    assert len(sagemaker.search(Resource="ModelPackageGroup",
                                SearchExpression=query)["Results"]) == 1
    arn = sagemaker.create_model_package(ModelPackageGroupName=group,
                                         InferenceSpecification=specification)["ModelPackageArn"]
    found = sagemaker.search(Resource="ModelPackageGroup", SearchExpression=query)["Results"]
    assert found[0]["ModelPackageGroup"]["ModelPackageGroupName"] == group
    package = sagemaker.search(Resource="ModelPackage", SearchExpression={"Filters": [
        {"Name": "ModelPackageArn", "Operator": "Equals", "Value": arn}]})["Results"]
    assert package[0]["ModelPackage"]["ModelPackageVersion"] == 1
    with pytest.raises(ClientError):
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError):
        sagemaker.describe_model_package_group(ModelPackageGroupName=group)

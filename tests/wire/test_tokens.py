"""The tokens that clients send back for a next page, in every operation that takes one: those that
the server gave out lead to the next page; made-up, changed and other listings' tokens are refused
with the service's own code. What a client may make up itself (keys as markers) gives a valid page
or a refusal. Nothing else happens: no 5xx, and the server lives on."""

import base64
import json
import pathlib
import random
import re

import botocore.session
import members
import shapes
import pytest
from botocore.exceptions import ClientError, ParamValidationError

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLE = "arn:aws:iam::000000000000:role/R"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
REFUSED = {"sagemaker": "ValidationException", "logs": "InvalidParameterException",
           "cloudwatch": "InvalidParameterValue", "iam": "InvalidInput", "s3": "InvalidArgument",
           "ssm": "InvalidNextToken", "athena": "InvalidRequestException",
           "glue": "InvalidInputException", "kinesis": "InvalidArgumentException"}
TOKEN = re.compile(r"(next|continuation)token$|marker$|^startafter$", re.I)
KEYS = re.compile(r"marker$|^startafter$", re.I)  # the client's own to make up, in S3


def listings():
    """(service, operation, member) of every token."""
    session = botocore.session.get_session()
    for service, name in members.listed(ROOT / "tools/operations"):
        shape = shapes.service_model(session, service).operation_model(name).input_shape
        for member in shape.members if shape else ():
            if TOKEN.search(member):
                yield service, name, member


LISTINGS = list(listings())


@pytest.fixture(scope="module")
def server(server_factory):
    """Of its own: other files count what they find."""
    return server_factory()


def tables_made(server):
    """The same for the catalog and what asks it."""
    glue, athena = server.client("glue"), server.client("athena")
    server.client("s3").create_bucket(Bucket="tokens-results")
    columns = [{"Name": "a", "Type": "int"}]
    for name in ("tokens_a", "tokens_b"):
        glue.create_database(DatabaseInput={"Name": name})
        glue.create_table(DatabaseName="tokens_a", TableInput={
            "Name": name, "PartitionKeys": [{"Name": "p", "Type": "string"}],
            "StorageDescriptor": {"Columns": columns, "Location": "s3://tokens-results/t/"}})
        glue.create_partition(DatabaseName="tokens_a", TableName="tokens_a", PartitionInput={
            "Values": [name], "StorageDescriptor": {"Location": "s3://tokens-results/t/"}})
        glue.update_table(DatabaseName="tokens_a", TableInput={
            "Name": name, "Description": "d", "PartitionKeys": [{"Name": "p", "Type": "string"}],
            "StorageDescriptor": {"Columns": columns, "Location": "s3://tokens-results/t/"}})
        glue.create_classifier(CsvClassifier={"Name": name, "Delimiter": ","})
        glue.create_crawler(Name=name, Role=ROLE, DatabaseName="tokens_b",
                            Targets={"S3Targets": [{"Path": "s3://tokens-results/none/"}]})
        glue.create_job(Name=name, Role=ROLE, Command={
            "Name": "lathe-sql", "ScriptLocation": "s3://tokens-results/none.sql"},
            JobRunQueuingEnabled=True)
        glue.start_job_run(JobName="tokens_a")
        glue.create_workflow(Name=name)
        glue.create_trigger(Name=name, WorkflowName=name, Type="ON_DEMAND", Actions=[{"JobName": name}])
        glue.start_workflow_run(Name="tokens_a")
        glue.create_connection(ConnectionInput={
            "Name": name, "ConnectionType": "NETWORK", "ConnectionProperties": {}})
        glue.create_user_defined_function(DatabaseName="tokens_a", FunctionInput={
            "FunctionName": name, "ClassName": "c", "OwnerName": "o", "OwnerType": "USER"})
        athena.create_work_group(Name=name)
        athena.create_named_query(Name=name, Database="d", QueryString="SELECT 1")
        athena.create_prepared_statement(StatementName=name, WorkGroup="primary",
                                         QueryStatement="SELECT 1")
        query = athena.start_query_execution(
            QueryString="SHOW DATABASES", ResultConfiguration={
                "OutputLocation": "s3://tokens-results/r/"})["QueryExecutionId"]
    while athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"][
            "State"] in ("QUEUED", "RUNNING"):
        pass
    one, table = {"MaxResults": 1}, {"DatabaseName": "tokens_a", "TableName": "tokens_a"}
    account = athena.get_data_catalog(Name="AwsDataCatalog")["DataCatalog"]["Parameters"]["catalog-id"]
    catalog = {"CatalogName": "AwsDataCatalog", **one}
    return {
        ("athena", "GetQueryResults"): {"QueryExecutionId": query, **one},
        ("athena", "ListDataCatalogs"): {"MaxResults": 2},
        ("athena", "ListDatabases"): catalog,
        ("athena", "ListEngineVersions"): one,
        ("athena", "ListNamedQueries"): one,
        ("athena", "ListPreparedStatements"): {"WorkGroup": "primary", **one},
        ("athena", "ListQueryExecutions"): one,
        ("athena", "ListTableMetadata"): {"DatabaseName": "tokens_a", **catalog},
        ("athena", "ListTagsForResource"): {
            "ResourceARN": f"arn:aws:athena:us-east-1:{account}:workgroup/tokens_a"},
        ("athena", "ListWorkGroups"): one,
        ("glue", "GetClassifiers"): one,
        ("glue", "GetConnections"): one,
        ("glue", "GetCrawlerMetrics"): one,
        ("glue", "GetCrawlers"): one,
        ("glue", "GetDatabases"): one,
        ("glue", "GetJobRuns"): {"JobName": "tokens_a", **one},
        ("glue", "GetJobs"): one,
        ("glue", "GetPartitionIndexes"): table,
        ("glue", "GetPartitions"): {**table, **one},
        ("glue", "GetTableVersions"): {**table, **one},
        ("glue", "GetTables"): {"DatabaseName": "tokens_a", **one},
        ("glue", "GetTriggers"): one,
        ("glue", "GetUserDefinedFunctions"): {"DatabaseName": "tokens_a", "Pattern": "*", **one},
        ("glue", "GetWorkflowRuns"): {"Name": "tokens_a", **one},
        ("glue", "ListCrawlers"): one,
        ("glue", "ListCrawls"): {"CrawlerName": "tokens_a", **one},
        ("glue", "ListJobs"): one,
        ("glue", "ListTriggers"): one,
        ("glue", "ListWorkflows"): one,
        ("glue", "SearchTables"): one,
    }


def jobs_made(server):
    """The same for streams of records and for what is tried."""
    kinesis, sagemaker = server.client("kinesis"), server.client("sagemaker")
    for name in ("tokens-a", "tokens-b"):
        kinesis.create_stream(StreamName=name, ShardCount=2)
        arn = kinesis.describe_stream_summary(
            StreamName="tokens-a")["StreamDescriptionSummary"]["StreamARN"]
        kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=name)
        sagemaker.create_experiment(ExperimentName=name)
        sagemaker.create_trial(TrialName=name, ExperimentName=name)
        sagemaker.create_trial_component(TrialComponentName=name)
        sagemaker.create_context(ContextName=name, ContextType="t", Source={"SourceUri": "u"})
        sagemaker.create_action(ActionName=name, ActionType="t", Source={"SourceUri": "u"})
        artifact = sagemaker.create_artifact(ArtifactType="t", Source={"SourceUri": name})["ArtifactArn"]
        sagemaker.add_association(SourceArn=artifact, DestinationArn=sagemaker.describe_action(
            ActionName="tokens-a")["ActionArn"])
    place = "s3://tokens-1/a"
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="tokens", HyperParameterTuningJobConfig={
            "Strategy": "Random", "ParameterRanges": {"ContinuousParameterRanges": [
                {"Name": "eta", "MinValue": "0.1", "MaxValue": "0.5"}]},
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:rmse"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1}},
        TrainingJobDefinition={
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "RoleArn": ROLE, "StaticHyperParameters": {"num_round": "1"},
            "OutputDataConfig": {"S3OutputPath": "s3://tokens-1/tuned"},
            "InputDataConfig": [{"ChannelName": channel, "ContentType": "text/csv", "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": place}}}
                for channel in ("train", "validation")],
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1,
                               "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60}})
    one = {"MaxResults": 1}
    return {
        ("kinesis", "ListShards"): {"StreamName": "tokens-a", **one},
        ("kinesis", "ListStreamConsumers"): {"StreamARN": arn, **one},
        ("kinesis", "ListStreams"): {"Limit": 1},
        ("sagemaker", "ListActions"): one,
        ("sagemaker", "ListArtifacts"): one,
        ("sagemaker", "ListAssociations"): one,
        ("sagemaker", "ListContexts"): one,
        ("sagemaker", "ListExperiments"): one,
        ("sagemaker", "ListMlflowApps"): one,
        ("sagemaker", "ListMlflowTrackingServers"): one,
        ("sagemaker", "ListHyperParameterTuningJobs"): one,
        ("sagemaker", "ListTrainingJobsForHyperParameterTuningJob"): {
            "HyperParameterTuningJobName": "tokens", **one},
        ("sagemaker", "ListTransformJobs"): one,
        ("sagemaker", "ListTrialComponents"): one,
        ("sagemaker", "ListTrials"): one,
        ("sagemaker", "QueryLineage"): {"StartArns": [artifact], **one},
    }


@pytest.fixture(scope="module")
def made(server):
    """Something to list for every listing: {(service, operation): the request for pages of one}."""
    sagemaker, s3 = server.client("sagemaker"), server.client("s3")
    logs, metrics = server.client("logs"), server.client("cloudwatch")
    bucket = "tokens-1"
    for name in (bucket, "tokens-2"):
        s3.create_bucket(Bucket=name)
    for key in ("a", "b/c", "b/d", "é+ /"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    uploads = [s3.create_multipart_upload(Bucket=bucket, Key="u")["UploadId"] for _ in range(2)]
    for number in (1, 2):
        s3.upload_part(Bucket=bucket, Key="u", UploadId=uploads[0], PartNumber=number, Body=b"x")
    tags = [{"Key": f"k{i}", "Value": "v"} for i in range(50)]
    for name in ("tokens-a", "tokens-b", "tokens-c"):
        arn = sagemaker.create_model_package_group(ModelPackageGroupName=name)["ModelPackageGroupArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=tags)
    definition = json.dumps({"Version": "2020-12-01", "Parameters": [
        {"Name": f"P{i}", "Type": "String", "DefaultValue": "x"} for i in range(3)], "Steps": [
        {"Name": f"F{i}", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}} for i in range(3)]})
    for name in ("tokens-p", "tokens-q"):
        sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition, RoleArn=ROLE)
    for _ in range(2):
        execution = sagemaker.start_pipeline_execution(PipelineName="tokens-p")["PipelineExecutionArn"]
    for name in ("/tokens/a", "/tokens/b"):
        server.client("ssm").put_parameter(Name=name, Value="x", Type="String")
    for group in ("tokens-g", "tokens-h"):
        logs.create_log_group(logGroupName=group)
        for stream in ("s", "t"):
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[
                {"timestamp": 1700000000000 + i, "message": f"hello {i}"} for i in range(3)])
    for i in range(0, 510, 30):
        metrics.put_metric_data(Namespace="tokens", MetricData=[
            {"MetricName": f"m{j}", "Value": 1} for j in range(i, i + 30)])
    one = {"MaxResults": 1}
    query = {"Id": "a", "MetricStat": {"Metric": {"Namespace": "tokens", "MetricName": "m1"},
                                       "Period": 60, "Stat": "Sum"}}
    return {
        **tables_made(server), **jobs_made(server),
        ("cloudwatch", "GetMetricData"): {"MetricDataQueries": [query], "StartTime": 0, "EndTime": 9},
        ("cloudwatch", "ListMetrics"): {"Namespace": "tokens"},
        ("iam", "SimulatePrincipalPolicy"): {
            "PolicySourceArn": "arn:aws:iam::000000000000:role/Rolename", "MaxItems": 1,
            "ActionNames": ["s3:GetObject", "s3:PutObject"]},
        ("logs", "DescribeLogGroups"): {"limit": 1, "logGroupNamePrefix": "tokens"},
        ("logs", "DescribeLogStreams"): {"limit": 1, "logGroupName": "tokens-g"},
        ("logs", "FilterLogEvents"): {"limit": 1, "logGroupName": "tokens-g"},
        ("logs", "GetLogEvents"): {"limit": 1, "logGroupName": "tokens-g", "logStreamName": "s",
                                   "startFromHead": True},
        ("s3", "GetObjectAttributes"): {"Bucket": bucket, "Key": "a", "MaxParts": 1,
                                        "ObjectAttributes": ["ObjectParts"]},
        ("s3", "ListBuckets"): {"MaxBuckets": 1},
        ("s3", "ListObjectVersions"): {"Bucket": bucket, "MaxKeys": 1, "Delimiter": "/"},
        ("s3", "ListMultipartUploads"): {"Bucket": bucket, "MaxUploads": 1},
        ("s3", "ListObjects"): {"Bucket": bucket, "MaxKeys": 1, "Delimiter": "/"},
        ("s3", "ListObjectsV2"): {"Bucket": bucket, "MaxKeys": 1},
        ("s3", "ListParts"): {"Bucket": bucket, "Key": "u", "UploadId": uploads[0], "MaxParts": 1},
        ("sagemaker", "ListEndpointConfigs"): one,
        ("sagemaker", "ListEndpoints"): one,
        ("sagemaker", "ListModelPackageGroups"): one,
        ("sagemaker", "ListModelPackages"): one,
        ("sagemaker", "ListModels"): one,
        ("sagemaker", "ListPipelineExecutionSteps"): {"PipelineExecutionArn": execution, **one},
        ("sagemaker", "ListPipelineExecutions"): {"PipelineName": "tokens-p", **one},
        ("sagemaker", "ListPipelineVersions"): {"PipelineName": "tokens-p", **one},
        ("sagemaker", "ListPipelineParametersForExecution"): {"PipelineExecutionArn": execution, **one},
        ("sagemaker", "ListPipelines"): one,
        ("sagemaker", "ListProcessingJobs"): one,
        ("sagemaker", "ListTags"): {"ResourceArn": arn, "MaxResults": 50},
        ("sagemaker", "ListTrainingJobs"): one,
        ("sagemaker", "Search"): {"Resource": "ModelPackageGroup", **one},
        ("ssm", "GetParametersByPath"): {"Path": "/tokens", **one},
    }


def ask(server, service, operation, request):
    """The answer, or the code and status of the refusal."""
    client = server.client(service)
    try:
        return getattr(client, botocore.xform_name(operation))(**request), None, 200
    except ClientError as refused:
        response = refused.response
        return (None, response["Error"]["Code"],
                response["ResponseMetadata"]["HTTPStatusCode"])


def given(answer):
    """Every token in an answer."""
    return [value for name, value in (answer or {}).items()
            if name != "ResponseMetadata" and re.search(r"next.*token|nextmarker|^continuationtoken|^marker$",
                                                        name, re.I) and isinstance(value, str) and value]


def made_up(rng, real):
    """Tokens that nobody gave out."""
    words = ["b/5", "f/5", "f/-1", "b/99999999999999999999", "f/", "/", "0", "1", "-1", "5",
             "18446744073709551616", "NaN", "%00", "null", "=", "====", "AAAA", "\u00e9\U0001f600", " ",
             "x" * 300, base64.b64encode(b"1").decode(), base64.b64encode(b"\xff\xfe").decode(),
             base64.b64encode(b"0" * 16 + b"7").decode(), base64.b64encode(b"a\nb").decode()]
    for token in real:
        at = rng.randrange(len(token))
        other = "A" if token[at] != "A" else "B"
        words += [token[:at] + other + token[at + 1:], token[:-1], token + "A", token[::-1],
                  token.swapcase(), token + token]
    return words


@pytest.fixture(scope="module")
def tokens(server, made):
    """{(service, operation): the tokens that it gave out}"""
    return {place: given(ask(server, *place, request)[0]) for place, request in made.items()}


@pytest.mark.parametrize("service, operation, member", LISTINGS)
def test_tokens_are_held_to_their_listing(server, made, tokens, service, operation, member):
    assert (service, operation) in made, "a new listing: say above how to ask for pages of one"
    request = made[service, operation]
    rng = random.Random(operation)
    real = tokens[service, operation]
    foreign = [token for place, found in tokens.items() if place != (service, operation)
               for token in found]
    own_keys = service == "s3" and KEYS.search(member)
    for token in made_up(rng, real) + foreign:
        if token in real:
            continue
        answer, code, status = None, None, None
        try:
            sent = int(token) if member == "PartNumberMarker" else token
        except ValueError:
            continue
        try:
            answer, code, status = ask(server, service, operation, {**request, member: sent})
        except ParamValidationError:
            continue
        if own_keys:
            assert status == 200 or (status == 400 and code == REFUSED[service]), (token, code)
            continue
        wanted = "InvalidNextToken" if operation == "GetMetricData" else REFUSED[service]
        # A token with what its shape forbids is refused by the shape's validation.
        assert status == 400 and code in (wanted, "ValidationError"), (token, status, code, answer)


PAGED = [place for place in dict.fromkeys((service, name) for service, name, _ in LISTINGS)
         if place[1] in ("ListMetrics", "SimulatePrincipalPolicy", "DescribeLogGroups",
                         "DescribeLogStreams", "FilterLogEvents", "GetLogEvents", "ListBuckets",
                         "ListObjectsV2", "ListModelPackageGroups", "ListPipelineExecutions",
                         "ListPipelineParametersForExecution", "ListPipelines", "Search")]


@pytest.mark.parametrize("service, operation", PAGED)
def test_a_token_leads_to_the_next_page(server, made, tokens, service, operation):
    member = next(name for place, op, name in LISTINGS
                  if (place, op) == (service, operation) and "after" not in name.lower())
    assert tokens[service, operation]
    first, _, _ = ask(server, service, operation, made[service, operation])
    forward = next(token for token in tokens[service, operation] if not token.startswith("b/"))
    second, code, _ = ask(server, service, operation,
                          {**made[service, operation], member: forward})
    assert code is None
    lists = [name for name, value in first.items() if isinstance(value, list)]
    assert any(first[name] and second[name] and first[name] != second[name] for name in lists)


def test_positions_inside_of_an_event_are_refused(server, made):
    """A token spelled by the rules, whose place is the middle of a line."""
    import hashlib

    client = server.client("logs")
    for position, fine in ((0, True), (5, False), (1 << 40, False), (-1, False)):
        place = str(position)
        check = hashlib.sha256(f"GetLogEvents\ntokens-g\ns\n{place}".encode()).hexdigest()[:16]
        token = "b/" + base64.b64encode((check + place).encode()).decode()
        _, code, _ = ask(server, "logs", "GetLogEvents",
                         {"logGroupName": "tokens-g", "logStreamName": "s", "nextToken": token})
        assert code == (None if fine else "InvalidParameterException"), position
    assert client.describe_log_groups()["logGroups"]


@pytest.mark.parametrize("stream", ["s" * 512, "/é" * 256, "𝒳" * 512, "..", "+a", "=" * 300,
                                    "%2F" * 170])
def test_the_longest_names_of_logs(server, stream):
    client = server.client("logs")
    groups = ["/" * 512, "a" * 512, "/long/" + "b" * 250]
    for group in groups:
        if not client.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName=stream)
        client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[
            {"timestamp": 1700000000000, "message": "hello"}])
        found = client.get_log_events(logGroupName=group, logStreamName=stream)["events"]
        assert [event["message"] for event in found] == ["hello"]
        names = [one["logStreamName"] for one in
                 client.describe_log_streams(logGroupName=group)["logStreams"]]
        assert stream in names and len(names) == len(set(names))
    told = [one["logGroupName"] for page in client.get_paginator("describe_log_groups").paginate()
            for one in page["logGroups"]]
    assert set(groups) <= set(told) and len(told) == len(set(told))

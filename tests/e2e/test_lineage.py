"""Lineage, as boto3's and the SageMaker SDK's users walk it: what jobs, model packages and endpoints
record of themselves, from an endpoint back to the raw rows, and what users add to it."""

import json
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

from sagemaker_jobs import ROLE, XGBOOST, channel, train, training_request, unique
from test_processing import FEATURES, SPECIFICATION, data, features_request
from test_processing import finish as finish_processing
from transforms import finish as finish_transform
from transforms import transform_request


def refusal(call, **request):
    with pytest.raises(ClientError) as refused:
        call(**request)
    return refused.value.response["Error"]


@pytest.fixture
def sagemaker(server):
    return server.client("sagemaker")


def artifact_of(sagemaker, uri):
    """The one artifact of a place."""
    (found,) = sagemaker.list_artifacts(SourceUri=uri)["ArtifactSummaries"]
    return found


def context_of(sagemaker, uri):
    (found,) = sagemaker.list_contexts(SourceUri=uri)["ContextSummaries"]
    return found


def walk(sagemaker, start, direction="Both", filters=None, **more):
    """{ARN: (sort, type)} of the vertices, and the set of edges."""
    found = sagemaker.query_lineage(StartArns=[start], Direction=direction,
                                    Filters=filters or {}, **more)
    vertices = {one["Arn"]: (one["LineageType"], one["Type"]) for one in found["Vertices"]}
    assert len(vertices) == len(found["Vertices"])
    return vertices, {(one["SourceArn"], one["DestinationArn"], one.get("AssociationType"))
                      for one in found["Edges"]}


def sources(sagemaker, vertices):
    """What a walk's artifacts stand for."""
    return {sagemaker.describe_artifact(ArtifactArn=arn)["Source"]["SourceUri"]
            for arn, (sort, _) in vertices.items() if sort == "Artifact"}


def associations(sagemaker, **request):
    pages = sagemaker.get_paginator("list_associations").paginate(
        PaginationConfig={"PageSize": 2}, **request)
    return [one for page in pages for one in page["AssociationSummaries"]]


def put_to_work(server, name, container):
    sagemaker = server.client("sagemaker")
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, Containers=[container])
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[
        {"VariantName": "v", "ModelName": name, "InitialInstanceCount": 1,
         "InstanceType": "ml.m5.large"}])


def in_service(server, name):
    sagemaker = server.client("sagemaker")
    told = server.wait_for(lambda: sagemaker.describe_endpoint(EndpointName=name),
                           "EndpointStatus", ("InService", "Failed"))
    assert told["EndpointStatus"] == "InService", told.get("FailureReason")
    return told["EndpointArn"]


@pytest.fixture(scope="module")
def chain(server):
    """Raw rows, features, a training, a package that was approved, an endpoint: all their names."""
    sagemaker, s3, bucket = server.client("sagemaker"), server.client("s3"), unique("lineage")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="config/features.yaml", Body=SPECIFICATION)
    s3.put_object(Bucket=bucket, Key="data/rows.csv", Body=data(200))
    processing = features_request(bucket)
    sagemaker.create_processing_job(**processing)
    assert finish_processing(
        server, processing["ProcessingJobName"])["ProcessingJobStatus"] == "Completed"
    job = train(server, training_request(bucket, [channel("train", f"s3://{bucket}/out/train")]))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    model = job["ModelArtifacts"]["S3ModelArtifacts"]
    group, name = unique("group"), unique("endpoint")
    group_arn = sagemaker.create_model_package_group(
        ModelPackageGroupName=group)["ModelPackageGroupArn"]
    package = sagemaker.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification={
            "Containers": [{"Image": XGBOOST, "ModelDataUrl": model}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"]})["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    put_to_work(server, name, {"ModelPackageName": package})
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return {"bucket": bucket, "processing": processing["ProcessingJobName"], "model": model,
            "training": job["TrainingJobName"], "training_arn": job["TrainingJobArn"],
            "group": group_arn, "package": package, "name": name,
            "endpoint": in_service(server, name)}


# --- what is recorded ----------------------------------------------------------------------------


def test_an_endpoint_leads_back_to_the_raw_rows(sagemaker, chain):
    bucket = chain["bucket"]
    context = context_of(sagemaker, chain["endpoint"])
    assert (context["ContextType"], context["Source"]["SourceType"]) == ("Endpoint", "ARN")
    vertices, edges = walk(sagemaker, context["ContextArn"], "Ascendants")
    assert sources(sagemaker, vertices) == {
        f"s3://{bucket}/config", f"s3://{bucket}/data/", FEATURES, f"s3://{bucket}/out/train",
        XGBOOST, chain["model"], chain["package"]}
    sorts = sorted(vertices.values())
    assert sorts == sorted([
        ("Artifact", "DataSet"), ("Artifact", "DataSet"), ("Artifact", "DataSet"),
        ("Artifact", "Image"), ("Artifact", "Image"), ("Artifact", "Model"), ("Artifact", "Model"),
        ("Action", "Approval"), ("Action", "Approval"), ("Action", "ModelDeployment"),
        ("Context", "Endpoint"), ("TrialComponent", "ProcessingJob"),
        ("TrialComponent", "TrainingJob")])
    def arn(uri):
        return artifact_of(sagemaker, uri)["ArtifactArn"]
    component = sagemaker.describe_trial_component(
        TrialComponentName=chain["training"] + "-aws-training-job")
    assert component["Source"]["SourceArn"] == chain["training_arn"]
    component = component["TrialComponentArn"]
    (deployment,) = [one for one, sort in vertices.items() if sort[1] == "ModelDeployment"]
    assert {(arn(f"s3://{bucket}/out/train"), component, "ContributedTo"),
            (arn(XGBOOST), component, "ContributedTo"),
            (component, arn(chain["model"]), "Produced"),
            (arn(chain["model"]), arn(chain["package"]), "ContributedTo"),
            (arn(chain["package"]), deployment, "ContributedTo"),
            (deployment, context["ContextArn"], "AssociatedWith")} <= edges
    assert all({source, destination} <= set(vertices) for source, destination, _ in edges)


def test_rows_lead_on_to_what_was_made_of_them(sagemaker, chain):
    start = artifact_of(sagemaker, f"s3://{chain['bucket']}/data/")["ArtifactArn"]
    vertices, _ = walk(sagemaker, start, "Descendants")
    assert {("Context", "Endpoint"), ("Context", "ModelGroup")} <= set(vertices.values())
    assert XGBOOST not in sources(sagemaker, vertices)
    near, edges = walk(sagemaker, start, "Descendants", MaxDepth=1)
    assert sorted(near.values()) == [("Artifact", "DataSet"), ("TrialComponent", "ProcessingJob")]
    assert len(edges) == 1
    only, edges = walk(sagemaker, start, "Descendants",
                       {"Types": ["Endpoint"], "LineageTypes": ["Context"]}, IncludeEdges=False)
    assert only == {context_of(sagemaker, chain["endpoint"])["ContextArn"]: ("Context", "Endpoint")}
    assert edges == set()


def test_a_package_tells_its_group_and_who_decided(sagemaker, chain):
    artifact = artifact_of(sagemaker, chain["package"])["ArtifactArn"]
    into = associations(sagemaker, DestinationArn=artifact)
    assert sorted(one["SourceType"] for one in into) == ["Approval", "Approval", "Image", "Model"]
    approved = [one for one in into if "-Approved-" in one.get("SourceName", "")]
    assert len(approved) == 1 and approved[0]["SourceName"].endswith("-aws-model-group")
    action = sagemaker.describe_action(ActionName=approved[0]["SourceName"])
    assert action["Source"]["SourceUri"] == chain["package"] and action["Status"] == "Completed"
    (group,) = associations(sagemaker, SourceArn=artifact, DestinationType="ModelGroup")
    assert (group["DestinationArn"], group["AssociationType"]) == (
        context_of(sagemaker, chain["group"])["ContextArn"], "AssociatedWith")


def test_a_transform_comes_of_its_rows_and_its_model(server, sagemaker, chain):
    bucket = chain["bucket"]
    server.client("s3").put_object(Bucket=bucket, Key="asked/rows.csv", Body="1,0\n2,1\n")
    request = transform_request(chain["name"], f"s3://{bucket}/asked", f"s3://{bucket}/answers")
    sagemaker.create_transform_job(**request)
    told = finish_transform(server, request["TransformJobName"])
    assert told["TransformJobStatus"] == "Completed", told.get("FailureReason")
    answers = artifact_of(sagemaker, f"s3://{bucket}/answers")["ArtifactArn"]
    vertices, _ = walk(sagemaker, answers, "Ascendants")
    assert {f"s3://{bucket}/asked", f"s3://{bucket}/data/", chain["package"]} <= sources(
        sagemaker, vertices)


# --- what is left of what was deleted ------------------------------------------------------------


def test_what_was_deployed_is_known_after_its_end(server, sagemaker, chain):
    first, second = unique("model"), unique("model")
    for name in (first, second):
        put_to_work(server, name, {"Image": XGBOOST, "ModelDataUrl": chain["model"]})
    sagemaker.create_endpoint(EndpointName=first, EndpointConfigName=first)
    arn = in_service(server, first)
    context = context_of(sagemaker, arn)["ContextArn"]
    before = walk(sagemaker, context, "Ascendants")
    assert chain["model"] in sources(sagemaker, before[0])
    for delete, request in ((sagemaker.delete_model, {"ModelName": first}),
                            (sagemaker.delete_endpoint_config, {"EndpointConfigName": first})):
        delete(**request)
        assert walk(sagemaker, context, "Ascendants") == before
    sagemaker.update_endpoint(EndpointName=first, EndpointConfigName=second)
    in_service(server, first)
    deployments = [one for one in walk(sagemaker, context, "Ascendants")[0].values()
                   if one == ("Action", "ModelDeployment")]
    assert 1 <= len(deployments) <= 2  # two in one second have one name
    after = walk(sagemaker, context, "Ascendants")
    assert before[1] <= after[1]
    sagemaker.delete_endpoint(EndpointName=first)
    assert walk(sagemaker, context, "Ascendants") == after
    assert context_of(sagemaker, arn)["ContextArn"] == context
    sagemaker.create_endpoint(EndpointName=first, EndpointConfigName=second)  # the same again
    in_service(server, first)
    assert context_of(sagemaker, arn)["ContextArn"] == context


def test_jobs_are_known_after_their_end(server, sagemaker, bucket):
    server.client("s3").put_object(Bucket=bucket, Key="rows.csv", Body="1,1\n0,2\n" * 20)
    job = train(server, training_request(bucket, [channel("train", f"s3://{bucket}/rows.csv")]))
    start = artifact_of(sagemaker, job["ModelArtifacts"]["S3ModelArtifacts"])["ArtifactArn"]
    before = walk(sagemaker, start)
    assert f"s3://{bucket}/rows.csv" in sources(sagemaker, before[0])
    sagemaker.delete_training_job(TrainingJobName=job["TrainingJobName"])
    assert walk(sagemaker, start) == before


def test_what_was_deleted_comes_back_only_with_a_new_job(server, sagemaker, bucket):
    server.client("s3").put_object(Bucket=bucket, Key="rows.csv", Body="1,1\n0,2\n" * 20)
    uri = f"s3://{bucket}/rows.csv"
    train(server, training_request(bucket, [channel("train", uri)]))
    artifact = artifact_of(sagemaker, uri)["ArtifactArn"]
    refused = refusal(sagemaker.delete_artifact, ArtifactArn=artifact)
    assert refused["Code"] == "ValidationException" and "1 associations" in refused["Message"]
    (one,) = associations(sagemaker, SourceArn=artifact)
    ends = {name: one[name] for name in ("SourceArn", "DestinationArn")}
    assert sagemaker.delete_association(**ends)["SourceArn"] == artifact
    assert refusal(sagemaker.delete_association, **ends)["Code"] == "ResourceNotFound"
    assert sagemaker.delete_artifact(Source={"SourceUri": uri})["ArtifactArn"] == artifact
    assert refusal(sagemaker.describe_artifact, ArtifactArn=artifact)["Code"] == "ResourceNotFound"
    assert sagemaker.list_artifacts(SourceUri=uri)["ArtifactSummaries"] == []
    server.restart()
    assert sagemaker.list_artifacts(SourceUri=uri)["ArtifactSummaries"] == []
    train(server, training_request(bucket, [channel("train", uri)]))
    assert artifact_of(sagemaker, uri)["ArtifactArn"] == artifact
    assert len(associations(sagemaker, SourceArn=artifact)) == 1


# --- what users make -----------------------------------------------------------------------------


def test_entities_from_their_creation_to_their_end(sagemaker):
    uri, name = f"s3://{unique('b')}/x", unique("Entity")
    made = {
        "artifact": sagemaker.create_artifact(
            ArtifactName=name, ArtifactType="Report", Properties={"a": "1", "b": "2"},
            Source={"SourceUri": uri, "SourceTypes": [{"SourceIdType": "MD5Hash", "Value": "x"}]},
            Tags=[{"Key": "t", "Value": "v"}])["ArtifactArn"],
        "context": sagemaker.create_context(ContextName=name, ContextType="Project",
                                            Source={"SourceUri": uri})["ContextArn"],
        "action": sagemaker.create_action(ActionName=name, ActionType="Review", Status="InProgress",
                                          Source={"SourceUri": uri})["ActionArn"]}
    assert made["context"].endswith(f":context/{name.lower()}")
    assert sagemaker.list_tags(ResourceArn=made["artifact"])["Tags"] == [{"Key": "t", "Value": "v"}]
    told = sagemaker.describe_artifact(ArtifactArn=made["artifact"])
    assert (told["ArtifactName"], told["ArtifactType"]) == (name, "Report")
    assert told["Source"] == {"SourceUri": uri,
                              "SourceTypes": [{"SourceIdType": "MD5Hash", "Value": "x"}]}
    again = refusal(sagemaker.create_artifact, ArtifactType="Other", Source=told["Source"])
    assert again["Code"] == "ValidationException" and "already exists" in again["Message"]
    assert sagemaker.create_artifact(ArtifactType="Other", Source={
        "SourceUri": uri})["ArtifactArn"] != made["artifact"]
    assert refusal(sagemaker.create_context, ContextName=name.upper(), ContextType="x",
                   Source={"SourceUri": "y"})["Code"] == "ValidationException"
    sagemaker.update_artifact(ArtifactArn=made["artifact"], Properties={"c": "3"},
                              PropertiesToRemove=["a"])
    assert sagemaker.describe_artifact(ArtifactArn=made["artifact"])["Properties"] == {
        "b": "2", "c": "3"}
    sagemaker.update_action(ActionName=name, Status="Completed", Description="done")
    told = sagemaker.describe_action(ActionName=name.lower())
    assert (told["ActionName"], told["Status"], told["Description"]) == (name, "Completed", "done")
    assert [one["Status"] for one in sagemaker.list_actions(SourceUri=uri)[
        "ActionSummaries"]] == ["Completed"]
    assert sagemaker.list_contexts(ContextType="Project", SourceUri=uri)[
        "ContextSummaries"][0]["ContextArn"] == made["context"]
    assert sagemaker.delete_action(ActionName=name)["ActionArn"] == made["action"]
    assert sagemaker.delete_context(ContextName=name)["ContextArn"] == made["context"]
    assert sagemaker.delete_artifact(ArtifactArn=made["artifact"])["ArtifactArn"] == made["artifact"]
    for call, request in ((sagemaker.describe_action, {"ActionName": name}),
                          (sagemaker.update_context, {"ContextName": name}),
                          (sagemaker.delete_artifact, {"ArtifactArn": made["artifact"]})):
        assert refusal(call, **request)["Code"] == "ResourceNotFound"


def test_what_jobs_recorded_can_be_changed_and_tagged(sagemaker, chain):
    arn = artifact_of(sagemaker, f"s3://{chain['bucket']}/config")["ArtifactArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "k", "Value": "v"}])
    sagemaker.update_artifact(ArtifactArn=arn, ArtifactName="settings", Properties={"by": "me"})
    told = sagemaker.describe_artifact(ArtifactArn=arn)
    assert (told["ArtifactName"], told["ArtifactType"], told["Properties"]) == (
        "settings", "DataSet", {"by": "me"})
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "k", "Value": "v"}]
    (one,) = associations(sagemaker, SourceArn=arn)
    assert one["SourceName"] == "settings" and one["DestinationType"] == "SageMakerProcessingJob"
    found, _ = walk(sagemaker, one["DestinationArn"], "Ascendants",
                    {"Properties": {"by": "me"}})
    assert found == {arn: ("Artifact", "DataSet")}


def make_artifacts(sagemaker, count):
    place = unique("place")
    return [sagemaker.create_artifact(ArtifactType="Node", Source={
        "SourceUri": f"{place}/{i}"})["ArtifactArn"] for i in range(count)]


def test_a_query_goes_as_deep_as_asked_and_comes_in_pages(sagemaker):
    nodes = make_artifacts(sagemaker, 14)
    for source, destination in zip(nodes, nodes[1:]):
        sagemaker.add_association(SourceArn=source, DestinationArn=destination,
                                  AssociationType="DerivedFrom")
    sagemaker.add_association(SourceArn=nodes[3], DestinationArn=nodes[0])  # a ring
    vertices, edges = walk(sagemaker, nodes[0], "Descendants")
    assert set(vertices) == set(nodes[:11])  # depth 10
    assert len(walk(sagemaker, nodes[0], "Descendants", MaxDepth=2)[0]) == 3
    assert set(walk(sagemaker, nodes[5], "Ascendants")[0]) == set(nodes[:6])
    seen, drawn, token = [], [], {}
    while token is not None:
        page = sagemaker.query_lineage(StartArns=nodes[:1], Direction="Descendants", MaxResults=3,
                                       **token)
        assert len(page["Vertices"]) <= 3
        seen += [one["Arn"] for one in page["Vertices"]]
        drawn += [(one["SourceArn"], one["DestinationArn"]) for one in page["Edges"]]
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else None
    assert sorted(seen) == sorted(nodes[:11])
    assert len(drawn) == len(set(drawn)) == 11 and len(edges) == 10 + 1


def test_associations_are_between_what_there_is(sagemaker):
    one, two = make_artifacts(sagemaker, 2)
    component = sagemaker.create_trial_component(TrialComponentName=unique("c"))["TrialComponentArn"]
    other = sagemaker.create_trial_component(TrialComponentName=unique("c"))["TrialComponentArn"]
    sagemaker.add_association(SourceArn=one, DestinationArn=component)
    taken = refusal(sagemaker.add_association, SourceArn=one, DestinationArn=component)
    assert taken["Code"] == "ValidationException"
    assert refusal(sagemaker.add_association, SourceArn=other,
                   DestinationArn=component)["Code"] == "ValidationException"
    assert refusal(sagemaker.add_association, SourceArn=one,
                   DestinationArn=one + "0")["Code"] == "ResourceNotFound"
    assert refusal(sagemaker.query_lineage,
                   StartArns=[two + "0"])["Code"] == "ResourceNotFound"
    (told,) = associations(sagemaker, DestinationArn=component)
    assert told["SourceType"] == "Node" and "AssociationType" not in told
    assert told["DestinationType"] == "SageMakerExperimentTrialComponent"
    sagemaker.delete_association(SourceArn=one, DestinationArn=component)
    assert associations(sagemaker, DestinationArn=component) == []
    sagemaker.delete_artifact(ArtifactArn=one)


def test_two_models_of_one_endpoint_do_not_mix(server, sagemaker, chain, bucket):
    server.client("s3").put_object(Bucket=bucket, Key="rows.csv", Body="1,1\n0,2\n" * 20)
    job = train(server, training_request(bucket, [channel("train", f"s3://{bucket}/rows.csv")]))
    models, names = [chain["model"], job["ModelArtifacts"]["S3ModelArtifacts"]], []
    for model in models:
        names.append(unique("model"))
        sagemaker.create_model(ModelName=names[-1], ExecutionRoleArn=ROLE, PrimaryContainer={
            "Image": XGBOOST, "ModelDataUrl": model})
    sagemaker.create_endpoint_config(EndpointConfigName=names[0], ProductionVariants=[
        {"VariantName": name, "ModelName": name, "InitialInstanceCount": 1,
         "InstanceType": "ml.m5.large"} for name in names])
    sagemaker.create_endpoint(EndpointName=names[0], EndpointConfigName=names[0])
    context = context_of(sagemaker, in_service(server, names[0]))["ContextArn"]
    assert set(models) <= sources(sagemaker, walk(sagemaker, context, "Ascendants")[0])
    second = artifact_of(sagemaker, models[1])["ArtifactArn"]
    up = sources(sagemaker, walk(sagemaker, second, "Ascendants")[0])
    assert f"s3://{bucket}/rows.csv" in up and models[0] not in up
    assert models[0] not in sources(sagemaker, walk(sagemaker, second, "Descendants")[0])


# --- the SDK -------------------------------------------------------------------------------------

PROGRAM = """
import json, sys
import sagemaker
from sagemaker.lineage.artifact import Artifact, DatasetArtifact, ModelArtifact
from sagemaker.lineage.context import Context, EndpointContext, ModelPackageGroup
from sagemaker.lineage.action import Action
from sagemaker.lineage.association import Association
from sagemaker.lineage.query import LineageQuery
from sagemaker.lineage.visualizer import LineageTableVisualizer
chain, session = json.loads(sys.argv[1]), sagemaker.Session()
client = session.sagemaker_client

def rows(frame):
    return sorted(map(list, frame.itertuples(index=False)))

show = LineageTableVisualizer(session).show
(summary,) = Context.list(source_uri=chain["endpoint"], sagemaker_session=session)
endpoint = EndpointContext.load(summary.context_name, sagemaker_session=session)
(package,) = Artifact.list(source_uri=chain["package"], sagemaker_session=session)
package = ModelArtifact.load(package.artifact_arn, sagemaker_session=session)
(raw,) = Artifact.list(source_uri=f"s3://{chain['bucket']}/data/", sagemaker_session=session)
raw = DatasetArtifact.load(raw.artifact_arn, sagemaker_session=session)
told = {
    "training": rows(show(training_job_name=chain["training"])),
    "processing": rows(show(processing_job_name=chain["processing"])),
    "package": rows(show(model_package_arn=chain["package"])),
    "endpoint": rows(show(endpoint_arn=chain["endpoint"])),
    "models": [one.destination_arn for one in endpoint.models()],
    "models_v2": [one.source.source_uri for one in endpoint.models_v2()],
    "datasets": sorted(one.source.source_uri for one in endpoint.dataset_artifacts()),
    "training_jobs": endpoint.training_job_arns(),
    "processing_jobs": [one.trial_component_name for one in endpoint.processing_jobs()],
    "upward": sorted(one.action_type for one in endpoint.actions(
        sagemaker.lineage.query.LineageQueryDirectionEnum.ASCENDANTS)),
    "contexts": [one.context_name for one in package.endpoint_contexts()
                 if one.source.source_uri == chain["endpoint"]],
    "endpoints": sorted({one.destination_type for one in package.endpoints()}),
    "package_jobs": package.training_job_arns(),
    "downstream": sorted(one.source.source_uri for one in raw.downstream_datasets()),
    "package_arn": package.artifact_arn,
}
artifact = Artifact.create(artifact_name="sheet", source_uri="s3://elsewhere/sheet",
                           artifact_type="DataSet", properties={"k": "v"},
                           sagemaker_session=session)
context = Context.create(context_name="review", source_uri="x", context_type="Review",
                         sagemaker_session=session)
action = Action.create(action_name="read", action_type="Reading", source_uri="x",
                       sagemaker_session=session)
for source, destination in ((artifact.artifact_arn, action.action_arn),
                            (action.action_arn, context.context_arn)):
    Association.create(source, destination, "ContributedTo", sagemaker_session=session)
result = LineageQuery(session).query([artifact.artifact_arn])
told["mine"] = [len(result.vertices), len(result.edges)]
told["read"] = [one.source.source_uri for one in action.artifacts()]
artifact.properties, artifact.properties_to_remove = {"l": "w"}, ["k"]
artifact.save()
told["properties"] = Artifact.load(artifact.artifact_arn, sagemaker_session=session).properties
for one in (action, context, artifact):
    one.delete(disassociate=True)
told["left"] = len(list(Association.list(source_arn=artifact.artifact_arn,
                                         sagemaker_session=session)))
print(json.dumps(told))
"""


@pytest.mark.full
def test_the_classes_of_the_sdk(server, lathe, chain, tmp_path):
    pytest.importorskip("sagemaker", reason="the SageMaker SDK (tests/requirements.txt)")
    (tmp_path / "program.py").write_text(PROGRAM)
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LATHE_HOME": str(server.home)}
    done = subprocess.run(
        ["bash", "-c", 'eval "$("$1" env)" && exec "$2" program.py "$3"', "bash", lathe,
         sys.executable, json.dumps(chain)],
        env=clean, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    told = json.loads(done.stdout.splitlines()[-1])
    bucket = chain["bucket"]
    def kinds(table):
        return [row[1:] for row in told[table]]
    assert sorted(kinds("training")) == sorted([
        ["Input", "DataSet", "ContributedTo", "artifact"],
        ["Input", "Image", "ContributedTo", "artifact"],
        ["Output", "Model", "Produced", "artifact"]])
    assert f"s3://{bucket}/out/train" in [row[0] for row in told["training"]]
    assert sorted(kinds("processing")) == sorted(
        [["Input", "DataSet", "ContributedTo", "artifact"]] * 2 +
        [["Input", "Image", "ContributedTo", "artifact"]] +
        [["Output", "DataSet", "Produced", "artifact"]] * 3)
    assert ["Output", "ModelGroup", "AssociatedWith", "context"] in kinds("package")
    assert ["Output", "ModelDeployment", "ContributedTo", "action"] in kinds("package")
    assert ["Input", "Approval", "ContributedTo", "action"] in kinds("package")
    assert ["Input", "ModelDeployment", "AssociatedWith", "action"] in kinds("endpoint")
    assert told["models"] == [told["package_arn"]] and told["models_v2"] == [chain["package"]]
    assert told["datasets"] == sorted([f"s3://{bucket}/config", f"s3://{bucket}/data/",
                                       f"s3://{bucket}/out/train"])
    assert told["training_jobs"] == told["package_jobs"] == [chain["training_arn"]]
    assert told["processing_jobs"] == [chain["processing"] + "-aws-processing-job"]
    assert told["upward"] == ["Approval", "Approval", "ModelDeployment"]
    assert len(told["contexts"]) == 1
    assert told["downstream"][0].startswith(f"s3://{bucket}/") and len(told["downstream"]) >= 3
    assert told["mine"] == [3, 2] and told["read"] == ["s3://elsewhere/sheet"]
    assert told["properties"] == {"l": "w"} and told["left"] == 0

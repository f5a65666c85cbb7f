"""What is created is one change of the store: with its tags, and with the answer to its client token."""

import json
import threading
import time

import botocore.exceptions
import pytest
from botocore.config import Config

from pipelines import definition, operation
from sagemaker_jobs import ROLE, unique


def test_packages_that_were_refused_take_no_number(server):
    sagemaker = server.client("sagemaker")
    group = unique("group")
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    request = {"ModelPackageGroupName": group, "InferenceSpecification": {"Containers": [
        {"Image": "example", "ModelDataUrl": "s3://bucket/model.tar.gz"}],
        "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}}
    with pytest.raises(botocore.exceptions.ClientError):
        sagemaker.create_model_package(**request, Tags=[{"Key": "aws:reserved", "Value": ""}])
    arn = sagemaker.create_model_package(**request, Tags=[{"Key": "key", "Value": "value"}])["ModelPackageArn"]
    assert arn.endswith(f"{group}/1")
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "key", "Value": "value"}]


class Repeater(threading.Thread):
    """Creates one pipeline after the other, each with a token of its own, until the server dies."""

    def __init__(self, sagemaker):
        super().__init__(daemon=True)
        self.sagemaker, self.asked, self.refusal = sagemaker, [], None

    def run(self):
        try:
            while True:
                request = {"PipelineName": unique("token"), "RoleArn": ROLE,
                           "ClientRequestToken": unique("token") + "x" * 32,
                           "PipelineDefinition": json.dumps(definition(operation("Look", "ListModels", {})))}
                entry = [request, None]
                self.asked.append(entry)
                entry[1] = self.sagemaker.create_pipeline(**request)["PipelineArn"]
        except botocore.exceptions.ClientError as error:
            self.refusal = error
        except (botocore.exceptions.BotoCoreError, OSError):
            pass


@pytest.mark.parametrize("kills", [5, pytest.param(20, marks=pytest.mark.full)])
def test_a_request_repeated_after_a_crash_gets_its_first_answer(server_factory, kills):
    server = server_factory()
    sagemaker = server.client("sagemaker", config=Config(connect_timeout=2, read_timeout=20))
    for _ in range(kills):
        clients = [Repeater(sagemaker) for _ in range(4)]
        for client in clients:
            client.start()
        time.sleep(0.3)
        server.kill()
        for client in clients:
            client.join(60)
            assert client.refusal is None, client.refusal
        server.start()
        for request, arn in (entry for client in clients for entry in client.asked[-3:]):
            again = sagemaker.create_pipeline(**request)["PipelineArn"]
            assert arn in (None, again)

#!/usr/bin/env python3
"""Writes MLflow's REST API as a service model of botocore's form.

    pip install mlflow-skinny==3.17.2
    mlflow_model.py > models/mlflow.json

From the protocol buffers of the installed package: the routes of all operations, and the shapes of
those in operations/mlflow.txt. tools/shapes.py reads the file as it reads botocore's own, so that
the build needs no MLflow.
"""

import json
import pathlib
import re

from google.protobuf.descriptor import FieldDescriptor as Field
from mlflow import __version__
from mlflow.protos import databricks_pb2, mlflow_artifacts_pb2, model_registry_pb2, service_pb2

OPERATIONS = pathlib.Path(__file__).resolve().parent / "operations/mlflow.txt"
SERVICES = [(service_pb2, "MlflowService", ""), (model_registry_pb2, "ModelRegistryService", ""),
            (mlflow_artifacts_pb2, "MlflowArtifactsService", "Proxied")]
SCALARS = {Field.TYPE_STRING: "string", Field.TYPE_BOOL: "boolean", Field.TYPE_INT64: "long",
           Field.TYPE_INT32: "integer", Field.TYPE_DOUBLE: "double", Field.TYPE_FLOAT: "float",
           Field.TYPE_ENUM: "string", Field.TYPE_BYTES: "string"}
# Of the SageMaker plugin: which tracking server is meant.
ARN_HEADER = "x-mlflow-sm-tracking-server-arn"
# What the server of Python answers beside its protocol buffers.
PAGES = [("GetServerVersion", "/version"), ("GetServerHealth", "/health"),
         ("GetServerPage", "/auth")]
FILES = [("GetRunArtifact", "/get-artifact", ["run_id", "run_uuid", "path"]),
         ("GetModelVersionArtifact", "/model-versions/get-artifact", ["name", "version", "path"]),
         ("GetLoggedModelArtifact", "/api/2.0/mlflow/logged-models/{model_id}/artifacts/files",
          ["artifact_file_path"])]
# So that what somebody stored is nobody's page on the server's own origin.
DOWNLOAD_HEADERS = {"content_type": "Content-Type", "content_disposition": "Content-Disposition",
                    "content_type_options": "X-Content-Type-Options",
                    "content_security_policy": "Content-Security-Policy"}
# A number there may be no number, which JSON writes as a text.
NO_NUMBERS = ["value", "metric_value"]


class Model:
    def __init__(self):
        self.shapes = {"String": {"type": "string"}, "Boolean": {"type": "boolean"},
                       "Long": {"type": "long"}, "Integer": {"type": "integer"},
                       "Double": {"type": "double"}, "Float": {"type": "float"},
                       "Bytes": {"type": "blob"},
                       "Any": {"type": "structure", "members": {}, "document": True}}
        self.operations = {}

    def field(self, field):
        if field.type == Field.TYPE_MESSAGE and field.message_type.GetOptions().map_entry:
            value = self.field(field.message_type.fields_by_name["value"])
            self.shapes[value + "Map"] = {"type": "map", "key": {"shape": "String"},
                                          "value": {"shape": value}}
            return value + "Map"
        if field.type == Field.TYPE_MESSAGE:
            name = self.message(field.message_type)
        elif SCALARS[field.type] == "double" and field.name in NO_NUMBERS:
            name = "Any"
        else:
            name = SCALARS[field.type].capitalize()
        if not field.is_repeated:
            return name
        self.shapes[name + "List"] = {"type": "list", "member": {"shape": name}}
        return name + "List"

    def message(self, descriptor):
        name = descriptor.full_name.split("mlflow.", 1)[-1].replace(".", "")
        if name not in self.shapes:
            self.shapes[name] = {"type": "structure", "members": {}}
            self.shapes[name]["members"] = {
                field.name: {"shape": self.field(field)} for field in descriptor.fields}
        return name

    def request(self, name, descriptor, method, labels):
        members = {field.name: {"shape": self.field(field)} for field in descriptor.fields}
        for label in labels:
            members.setdefault(label, {"shape": "String"})
            members[label] = {**members[label], "location": "uri", "locationName": label}
        if method == "GET":
            for member, how in members.items():
                how.setdefault("location", "querystring")
                how.setdefault("locationName", member)
        members["TrackingServerArn"] = {"shape": "String", "location": "header",
                                        "locationName": ARN_HEADER}
        self.shapes[name + "Request"] = {"type": "structure", "members": members,
                                         "required": list(labels)}
        return self.shapes[name + "Request"]

    def add(self, name, endpoint, method, built):
        path = "/" + endpoint.path.lstrip("/").replace("<path:artifact_path>", "{artifact_path+}")
        self.operations[name] = {"name": name, "http": {
            "method": endpoint.method,
            "requestUri": f"/mlflow/api/{endpoint.since.major}.0{path}"}}
        if name not in built:
            return
        labels = [label.strip("+") for label in re.findall(r"\{([^}]*)\}", path)]
        request = self.request(name, method.input_type, endpoint.method, labels)
        response = method.input_type.nested_types_by_name["Response"]
        answer = self.shapes[self.message(response)]
        self.operations[name].update(input={"shape": name + "Request"},
                                     output={"shape": self.message(response)})
        for verb, shape in (("Upload", request), ("Download", answer)):
            if name == verb + "Artifact":
                shape["payload"] = "body"
                shape["members"]["body"] = {"shape": "Bytes"}
        if name == "DownloadArtifact":
            answer["members"].update({member: {"shape": "String", "location": "header",
                                               "locationName": header}
                                      for member, header in DOWNLOAD_HEADERS.items()})

    def page(self, name, path):
        self.shapes[name + "Response"] = {"type": "structure", "payload": "body",
                                          "members": {"body": {"shape": "String"}}}
        token = {"authToken": {"shape": "String", "location": "querystring",
                               "locationName": "authToken"}} if path == "/auth" else {}
        self.shapes[name + "Request"] = {"type": "structure", "members": {
            **token, "TrackingServerArn": {"shape": "String", "location": "header",
                                  "locationName": ARN_HEADER}}}
        self.operations[name] = {"name": name, "input": {"shape": name + "Request"},
                                 "output": {"shape": name + "Response"},
                                 "http": {"method": "GET", "requestUri": "/mlflow" + path}}

    def beside(self, name, path, members, answer):
        """What the server of Python answers to GET, its members in the query."""
        members = {member: {"shape": shape, "location": "querystring", "locationName": member}
                   for member, shape in members.items()}
        labels = re.findall(r"\{([^}]*)\}", path)
        members.update({label: {"shape": "String", "location": "uri", "locationName": label}
                        for label in labels})
        members["TrackingServerArn"] = {"shape": "String", "location": "header",
                                        "locationName": ARN_HEADER}
        self.shapes[name + "Request"] = {"type": "structure", "members": members,
                                         "required": labels}
        self.shapes[name + "Response"] = {"type": "structure", **answer}
        self.operations[name] = {"name": name, "input": {"shape": name + "Request"},
                                 "output": {"shape": name + "Response"},
                                 "http": {"method": "GET", "requestUri": "/mlflow" + path}}

    def file(self, name, path, members):
        headers = {member: {"shape": "String", "location": "header", "locationName": header}
                   for member, header in DOWNLOAD_HEADERS.items()}
        self.beside(name, path, dict.fromkeys(members, "String"),
                    {"payload": "body", "members": {"body": {"shape": "Bytes"}, **headers}})

    def history_bulk(self):
        one = self.shapes["Metric"]["members"]
        members = {name: one[name] for name in ("key", "value", "timestamp", "step")}
        self.shapes["RunMetric"] = {"type": "structure",
                                    "members": {**members, "run_id": {"shape": "String"}}}
        self.shapes["RunMetricList"] = {"type": "list", "member": {"shape": "RunMetric"}}
        self.beside("GetMetricHistoryBulk", "/api/2.0/mlflow/metrics/get-history-bulk",
                    {"run_id": "StringList", "metric_key": "String", "max_results": "Integer"},
                    {"members": {"metrics": {"shape": "RunMetricList"}}})

    def server_info(self):
        self.page("GetServerInfo", "/api/3.0/mlflow/server-info")
        self.shapes["GetServerInfoResponse"] = {"type": "structure", "members": {
            "store_type": {"shape": "String"},
            **{name: {"shape": "Boolean"} for name in (
                "workspaces_enabled", "trace_archival_enabled", "multipart_uploads_enabled",
                "multipart_downloads_enabled", "presigned_upload_run_id_supported",
                "presigned_upload_model_id_supported")}}}


def main():
    built = {word for line in OPERATIONS.read_text().splitlines()
             if line and not line[0].isspace() and line[0] != "#" for word in line.split()}
    model = Model()
    for module, service, prefix in SERVICES:
        for method in module.DESCRIPTOR.services_by_name[service].methods:
            endpoints = method.GetOptions().Extensions[databricks_pb2.rpc].endpoints
            for number, endpoint in enumerate(endpoints):
                name = method.input_type.name.removesuffix("Request")
                if name in model.operations and number == 0:
                    name = prefix + name
                model.add(name + ("ByQuery" if number else ""), endpoint, method, built)
    for name, path in PAGES:
        model.page(name, path)
    for name, path, members in FILES:
        model.file(name, path, members)
    model.history_bulk()
    model.server_info()
    print(json.dumps({
        "version": "2.0",
        "documentation": f"Written by tools/mlflow_model.py from MLflow {__version__}.",
        "metadata": {"apiVersion": "2.0", "endpointPrefix": "sagemaker-mlflow", "protocol":
                     "rest-json", "dialect": "mlflow", "serviceId": "MLflow", "signingName": "sagemaker-mlflow"},
        "operations": model.operations, "shapes": model.shapes}, indent=1))


if __name__ == "__main__":
    main()

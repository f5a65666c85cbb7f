"""Resources of the API as objects: their members are the requests' and answers', in Python's names."""

import datetime
import numbers
import os
import random
import re
import string


def session():
    import boto3

    return boto3.Session(region_name=os.environ.get("AWS_REGION"))


def client_or_own(client):
    return client or session().client("sagemaker")


def unique(prefix):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d-%H%M%S%f")
    return f"{prefix}-{now}-{''.join(random.sample(string.ascii_lowercase, 4))}"


def _to_snake(name):
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _to_camel(name):
    return "".join(word.title() for word in name.split("_"))


class Value:
    """A structure of the API."""

    MEMBERS = ()

    def __init__(self, *values, **named):
        self.__dict__.update(dict.fromkeys(self.MEMBERS))
        self.__dict__.update(zip(self.MEMBERS, values), **named)

    def __eq__(self, other):
        return type(self) is type(other) and vars(self) == vars(other)

    def __repr__(self):
        members = ",".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({members})"


class TrialComponentArtifact(Value):
    MEMBERS = ("value", "media_type")


class TrialComponentStatus(Value):
    MEMBERS = ("primary_status", "message")


class Summary(Value):
    pass


def _request(values):
    return {_to_camel(name): _plain(name, value) for name, value in values.items()
            if value is not None}


def _parameter(value):
    kind = "NumberValue" if isinstance(value, numbers.Number) else "StringValue"
    return {kind: value if kind == "NumberValue" else str(value)}


def _plain(name, value):
    if name == "parameters":
        return {key: _parameter(item) for key, item in value.items()}
    if name in ("input_artifacts", "output_artifacts"):
        return {key: _request(vars(item)) for key, item in value.items()}
    return _request(vars(value)) if isinstance(value, Value) else value


def _member(name, value):
    if name == "parameters":
        return {key: item.get("NumberValue", item.get("StringValue")) for key, item in value.items()}
    if name in ("input_artifacts", "output_artifacts"):
        return {key: TrialComponentArtifact(**_members(item)) for key, item in value.items()}
    return TrialComponentStatus(**_members(value)) if name == "status" else value


def _members(answer):
    return {_to_snake(name): _member(_to_snake(name), value) for name, value in answer.items()
            if name != "ResponseMetadata"}


class Record:
    """WORD names the operations (create_WORD ...); UPDATED are the members of update_WORD."""

    WORD, UPDATED = "", ()

    def __init__(self, sagemaker_boto_client=None, **members):
        self.sagemaker_boto_client = client_or_own(sagemaker_boto_client)
        self.__dict__.update(dict.fromkeys(self.UPDATED))
        self.__dict__.update(members)

    def _call(self, verb, members):
        answer = getattr(self.sagemaker_boto_client, f"{verb}_{self.WORD}")(**_request(members))
        self.__dict__.update(_members(answer))
        return self

    @classmethod
    def _made(cls, verb, client, members):
        return cls(client, **members)._call(verb, members)

    @classmethod
    def _listed(cls, client, members):
        client, token = client_or_own(client), None
        while True:
            answer = getattr(client, f"list_{cls.WORD}s")(**_request({**members, "next_token": token}))
            for item in answer.get(f"{_to_camel(cls.WORD)}Summaries", []):
                yield Summary(**_members(item))
            token = answer.get("NextToken")
            if not token:
                return

    def save(self):
        return self._call("update", {name: getattr(self, name) for name in self.UPDATED})

    def delete(self):
        name = f"{self.WORD}_name"
        return self._call("delete", {name: getattr(self, name)})

"""The decisions on requests' members: one that nobody took, or took twice, fails the build."""

import pathlib
import re

import botocore.session
import members
import shapes
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DECISIONS = ROOT / "tools/operations"
SERVICES = sorted({service for service, _ in members.listed(DECISIONS)})


def model_of(service):
    return shapes.service_model(botocore.session.get_session(), service)


def decide(tmp_path, text, service="sagemaker"):
    (tmp_path / f"{service}.txt").write_text(text)
    return members.Members(tmp_path, service, model_of(service))


def test_leaves_are_botocores_members():
    shape = model_of("sagemaker").operation_model("Search").input_shape
    found = list(members.leaves(shape))
    assert "SearchExpression.NestedFilters[].Filters[].Name" in found
    assert "SearchExpression.SubExpressions" in found  # the same again, below itself
    assert "SearchExpression" not in found


@pytest.mark.parametrize("text, told", [
    ("AddTags\n acts Tags[].{Key,Value}", "ResourceArn is decided 0 times"),
    ("AddTags\n acts ResourceArn Tags", "Tags: there is no such member"),
    ("AddTags\n acts ResourceArn Tags[].Key", "Tags[].Value is decided 0 times"),
    ("AddTags\n acts ResourceArn Tags[].{Key,Value}\n kept Tags[].Key", "Tags[].Key is decided 2 times"),
    ("AddTags\n acts ResourceArn\n kept Tags\n refused Colour no colours", "Colour: there is no such"),
    ("AddTags\n acts ResourceArn\n refused Tags", "Tags is refused without a reason"),
    ("AddTags\n acts ResourceArn\n ignored Tags", "'ignored' is none of"),
    ("Paint\n acts Colour", "AWS has no operation Paint"),
])
def test_what_is_not_decided_once_fails(tmp_path, text, told):
    with pytest.raises(SystemExit, match=re.escape(told)):
        decide(tmp_path, text)


def test_the_nearest_decision_holds(tmp_path):
    decided = decide(tmp_path, "AddTags\n acts ResourceArn\n kept Tags\n refused Tags[].Value=a|b words")
    assert decided.refused("AddTags") == [("Tags[].Value", "a|b", "words")]


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_acted_on_is_named_in_the_sources(service):
    """A member that an operation reads is named somewhere in the sources: less would be a wish."""
    text = "\n".join(path.read_text() for room in ("base", "service", "flow", "serve", "container",
                                                    "program", "job", "store", "operation",
                                                    "runtime", "monitor", "script", "python",
                                                    "catalog", "crawl")
                     for path in (ROOT / "src" / room).rglob("*")
                     if path.suffix in (".c", ".py"))
    text = re.sub(r"'(\\.|[^'\\])'", "", text)  # '"' begins no literal
    words = {word for literal in re.findall(r'"((?:[^"\\]|\\.)*)"', text)
             for word in re.findall(r"\w+", literal)}
    words |= {f"{kind}Name" for kind in re.findall(r'KIND_WORDS\("(\w+)"\)', text)}
    tokens = {"ClientToken", "ClientRequestToken"}  # by their flag in the shape
    streams = {"Body"}
    joined = ("Checksum", "CopySource")  # names that S3's code puts together
    for _, decisions in members.read(DECISIONS / f"{service}.txt"):
        for verdict, path, _, _ in decisions:
            name = re.split(r"[.\[\]{}]+", path)[-1]
            names = {name, *(name.removeprefix(first) for first in joined)}
            if verdict == "acts" and name not in tokens | streams:
                assert names & words, path

"""src/README.md is true: each function that a walk names is defined in the file that it names, and
the walk comes there from a file that it named before. Every room has its README, and its row."""

import re

import pytest

from contributing.house import ROOT

TEXT = (ROOT / "src/README.md").read_text()
WALKS = dict(re.findall(r"^## (PutObject|CreateTrainingJob|InvokeEndpoint)\n(.*?)(?=^## )", TEXT,
                        re.M | re.S))
PAIR = re.compile(r"`(\w+)`\s+\(`([\w/]+\.[ch])`\)")


def source(name):
    return (ROOT / "src" / name).read_text()


def steps(walk):
    """The numbered items of a walk: their pairs of function and file, and the other files."""
    for item in re.findall(r"^\d+\. (.*?)(?=^\d+\. |^\n|\Z)", WALKS[walk] + "\n", re.M | re.S):
        pairs = PAIR.findall(item)
        yield pairs, re.findall(r"`([\w/]+/[\w/]+\.[ch])`", PAIR.sub("", item))


@pytest.mark.parametrize("function, name", sorted(set(PAIR.findall(TEXT))))
def test_a_function_is_where_it_is_said_to_be(function, name):
    assert re.search(rf"^\w[^;\n]*\b{function}\((?:[^;{{]*)\n\{{", source(name), re.M)


def is_named(function, files):
    return any(re.search(rf"\b{function}\b", source(file)) for file in files)


def is_operation(function, name):
    """operation_call finds it in the table of its own file."""
    return re.search(rf'\{{"\w+",\s+{function},', source(name)) is not None


@pytest.mark.parametrize("walk", ["PutObject", "CreateTrainingJob", "InvokeEndpoint"])
def test_a_walk_comes_from_where_it_was(walk):
    been = []
    assert len(list(steps(walk))) >= 9
    for pairs, others in steps(walk):
        assert pairs, "a step without a function"
        for number, (function, name) in enumerate(pairs):
            known = [*been, *others, *(file for _, file in pairs[:number])]
            begins = not been and number == 0
            assert begins or is_named(function, known) or is_operation(function, name), \
                f"{function}: none of {known} names it"
        been += [name for _, name in pairs]


def test_every_room_has_a_readme_and_a_row():
    rooms = set(re.findall(r"^([a-z]\w*) [\d.]+", (ROOT / "tools/floors.txt").read_text(), re.M))
    folders = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()}
    assert rooms == folders
    assert [room for room in sorted(rooms) if not (ROOT / "src" / room / "README.md").exists()] == []
    assert set(re.findall(r"\]\((\w+)/README\.md\)", TEXT)) == folders

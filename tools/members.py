"""Which operations are built, and what becomes of each member of their requests: the files
tools/operations/<service>.txt.

A file has a section an operation (or several, whose requests are alike), begun by their names at
the margin; below, one decision a line:

    acts PATH...           the operation reads it, or holds it against something
    kept PATH...           recorded and shown; also what lies below
    refused PATH WORDS     answered with an error that names it and gives the words; also what lies
                           below
    refused PATH=A|B WORDS the same for any other value than these
    idle PATH WORDS        taken, and nothing depends on it, for the reason given; also what lies
                           below

A path is `Tags[].Key`: [] are a list's elements, {} a map's values; `Tags[].{Key,Value}` are two.
`acts` names members that have no members of their own, one by one, so that a member that AWS adds
below them is decided too. A member that nobody decided, or a decision on one that does not exist,
fails the build.
"""

import re


def listed(folder):
    """The operations that are built: sorted pairs of service and operation."""
    found = [(file.stem, operation) for file in folder.glob("*.txt")
             for operations, _ in read(file) for operation in operations]
    if len(found) != len(set(found)):
        twice = sorted({" ".join(one) for one in found if found.count(one) > 1})
        raise SystemExit(f"{folder}: listed twice: {', '.join(twice)}")
    return sorted(found)


def leaves(shape, path="", above=()):
    """The paths of a shape's members that have no members of their own."""
    if shape.type_name == "structure" and shape.members and shape.name not in above:
        for name, member in shape.members.items():
            yield from leaves(member, f"{path}.{name}" if path else name, (*above, shape.name))
    elif shape.type_name == "list" and has_members(shape.member, above):
        yield from leaves(shape.member, path + "[]", above)
    elif shape.type_name == "map" and has_members(shape.value, above):
        yield from leaves(shape.value, path + "{}", above)
    elif path:
        yield path


def has_members(shape, above):
    if shape.type_name in ("list", "map"):
        return has_members(shape.member if shape.type_name == "list" else shape.value, above)
    return shape.type_name == "structure" and shape.members and shape.name not in above


def spread(path):
    """`a.{b,c}` is `a.b` and `a.c`."""
    braces = re.search(r"\{([^{}]+)\}", path)
    if not braces:
        return [path]
    return [one for word in braces[1].split(",")
            for one in spread(path[:braces.start()] + word + path[braces.end():])]


def read(file):
    """[(operations, [(verdict, path, allowed, words)])] in the file's order."""
    sections = []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if not line[0].isspace():
            sections.append((line.split(), []))
            continue
        verdict, rest = line.split(None, 1)
        if verdict in ("refused", "idle"):
            path, _, words = rest.partition(" ")
            if not words.strip():
                raise SystemExit(f"{file}:{number}: {path} is {verdict} without a reason")
            path, _, allowed = path.partition("=")
            decisions = [(verdict, one, allowed or None, words.strip()) for one in spread(path)]
        elif verdict in ("acts", "kept"):
            decisions = [(verdict, one, None, None) for path in rest.split() for one in spread(path)]
        else:
            raise SystemExit(f"{file}:{number}: '{verdict}' is none of acts, kept, refused and idle")
        sections[-1][1].extend(decisions)
    return sections


def covers(verdict, decided, path):
    return path == decided or (verdict != "acts" and
                               path.startswith((decided + ".", decided + "[", decided + "{")))


class Members:
    """The decisions on one service's requests."""

    def __init__(self, folder, name, model):
        file = folder / f"{name}.txt"
        sections = read(file) if file.exists() else []
        self.by_operation = {operation: [] for operations, _ in sections for operation in operations}
        problems = [f"  AWS has no operation {operation}" for operation in self.by_operation
                    if operation not in model.operation_names]
        if not problems:
            for operations, decisions in sections:
                self.take(model, operations, decisions, problems)
            for operation in sorted(self.by_operation):
                problems += self.undecided(model, operation)
        if problems:
            raise SystemExit("\n".join([f"{file}:"] + problems))

    def take(self, model, operations, decisions, problems):
        used = set()
        for operation in operations:
            there = self.leaves_of(model, operation)
            for decision in decisions:
                if any(covers(decision[0], decision[1], path) for path in there):
                    used.add(decision)
                    self.by_operation[operation].append(decision)
        problems += [f"  {' '.join(operations)}: {decision[0]} {decision[1]}: there is no such member"
                     for decision in decisions if decision not in used]

    def undecided(self, model, operation):
        """A member decided twice in the same place is as bad as one that is not."""
        found = []
        for path in self.leaves_of(model, operation):
            fitting = [one for one in self.by_operation[operation] if covers(one[0], one[1], path)]
            nearest = max((len(one[1]) for one in fitting), default=0)
            count = sum(len(one[1]) == nearest for one in fitting)
            if count != 1:
                found.append(f"  {operation}: {path} is decided {count} times")
        return found

    @staticmethod
    def leaves_of(model, operation):
        shape = model.operation_model(operation).input_shape
        return list(leaves(shape)) if shape else []

    def refused(self, operation):
        """[(path, allowed, words)]"""
        return [one[1:] for one in self.by_operation[operation] if one[0] == "refused"]

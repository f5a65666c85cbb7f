#!/usr/bin/env python3
"""Compiles botocore's service models, and those of models/, into C tables.

    shapes.py SERVICES OPERATIONS_FOLDER OUTPUT_FOLDER

For each service of SERVICES, the names and routes of all its operations; for those that are built,
the shapes of their requests and replies too. Which these are, and what becomes of each member of
their requests, stands in OPERATIONS_FOLDER (members.py). Writes one shapes_<service>.c a service and
shapes_index.c; the structs are in src/operation/shape.h. services.c lists the services that have
operations, each a `struct service <name>_service`.

The models' patterns are written for Java. They are translated to PCRE here and compiled with the
GLib that the server will use: one that does not compile fails the build.
"""

import ctypes
import json
import pathlib
import re
import sys

import botocore
import botocore.model
import botocore.session

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import members  # noqa: E402  (beside this file)

BOTOCORE = "1.44.5"
MODELS = pathlib.Path(__file__).resolve().parent / "models"
PROTOCOLS = ["json", "rest-json", "rest-xml", "query"]  # the order of botocore's preference

# Texts that arrive percent-encoded: their patterns are for what the operation decodes.
ENCODED = ["CopySource"]

# Times that a service keeps as they were written, whatever they say: texts.
VERBATIM = [("s3", "Expires"), ("s3", "ResponseExpires")]

# Members that AWS answers below the minimum of their shape: 0 or [] for nothing.
BELOW_MINIMUM = [("kinesis", "FailedRecordCount"), ("kinesis", "ShardLevelMetrics"),
                 ("athena", "NamedQueryIds"), ("athena", "QueryExecutionIds")]

# In Java these classes are ASCII; under PCRE's Unicode properties they would not be.
CLASS_ESCAPES = {
    r"\w": "a-zA-Z0-9_",
    r"\d": "0-9",
    r"\s": r"\t\n\x0b\f\r ",
    r"\p{Alnum}": "a-zA-Z0-9",
    r"\p{ASCII}": r"\x00-\x7f",
    r"\p{Print}": r"\x20-\x7e",
}
ESCAPE = re.compile(r"\\(?:[pP]\{\w+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.S)
ASTRAL = re.compile(r"\\u[dD]800\\u[dD][cC]00-\\u[dD][bB][fF]{2}\\u[dD][fF]{3}")


def translate(java):
    """The same language in PCRE's words (UTF mode), not yet anchored."""
    text = ASTRAL.sub(lambda _: r"\x{10000}-\x{10FFFF}", java)
    text = re.sub(r"\$\{\d+,\d*\}", "$", text)  # Java repeats an anchor, which changes nothing
    out, at, in_class = [], 0, False
    while at < len(text):
        char = text[at]
        if char != "\\":
            if in_class and char == "[":
                raise SystemExit(f"shapes.py: nested character class in {java!r}")
            in_class = char == "[" or (in_class and char != "]")
            out.append(char)
            at += 1
            continue
        escape = ESCAPE.match(text, at).group()
        at += len(escape)
        if escape in CLASS_ESCAPES:
            ascii_class = CLASS_ESCAPES[escape]
            if not in_class:
                out.append(f"[{ascii_class}]")
                continue
            if out[-1] == "-":  # beside a class a hyphen is itself, beside a letter a range
                out[-1] = r"\-"
            out.append(ascii_class)
            if text.startswith("-", at) and not text.startswith("-]", at):
                out.append(r"\-")
                at += 1
        elif escape[1] == "u":
            out.append(r"\x{%s}" % escape[2:])
        else:
            out.append(escape)
    return "".join(out)


class Patterns:
    """Compiles with the server's own regular expressions."""

    def __init__(self):
        self.glib = ctypes.CDLL("libglib-2.0.so.0")
        self.glib.g_regex_new.restype = ctypes.c_void_p
        self.glib.g_regex_new.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_int,
                                          ctypes.c_void_p]
        self.glib.g_regex_unref.argtypes = [ctypes.c_void_p]
        self.done = {}

    def compiled(self, java, shape):
        if java not in self.done:
            pattern = r"\A(?:%s)\z" % translate(java)
            regex = self.glib.g_regex_new(pattern.encode(), 0, 0, None)
            if not regex:
                raise SystemExit(f"shapes.py: the pattern of {shape}, {java!r}, does not compile "
                                 f"as {pattern!r}")
            self.glib.g_regex_unref(regex)
            self.done[java] = pattern
        return self.done[java]


def c_text(text):
    if text is None:
        return "NULL"
    out = []
    for byte in text.encode():
        char = chr(byte)
        if char in '"\\?':
            out.append("\\" + char)
        elif 32 <= byte < 127:
            out.append(char)
        else:
            out.append("\\%03o" % byte)
    return '"%s"' % "".join(out)


TYPES = "structure list map string integer long float double boolean timestamp blob".split()
LOCATIONS = {None: "BODY", "uri": "URI", "querystring": "QUERY", "header": "HEADER",
             "headers": "HEADERS", "statusCode": "STATUS"}
TIMES = {None: "DEFAULT", "iso8601": "ISO8601", "unixTimestamp": "EPOCH", "rfc822": "HTTP"}


class Service:
    """One service's tables while they grow. Shapes equal in all but their name are one."""

    def __init__(self, name, model, listed, decided, patterns):
        self.name, self.model, self.listed, self.patterns = name, model, listed, patterns
        self.decided = decided
        self.symbol = name.replace("-", "_")
        self.shapes = []
        self.index = {}  # shape name -> number
        self.scalars = {}  # a scalar's row -> number

    # --- shapes ------------------------------------------------------------------------------

    def shape(self, shape):
        if shape.name in self.index:
            return self.index[shape.name]
        description = self.description(shape.name)
        kind = {"character": "string"}.get(shape.type_name, shape.type_name)
        if (self.name, shape.name) in VERBATIM:
            kind = "string"
        if kind not in TYPES:
            raise SystemExit(f"shapes.py: {self.name} {shape.name} is a {kind}")
        if description.get("eventstream"):
            raise SystemExit(f"shapes.py: {self.name} {shape.name}: event streams are not built")
        flags = [flag.upper() for flag in ("union", "sensitive", "document")
                 if description.get(flag)]
        row = {"type": kind, "flags": flags, "enum": description.get("enum"),
               "java": None, "pattern": None, "min": None, "max": None, "members": []}
        if (kind == "string" and "pattern" in description and "enum" not in description
                and shape.name not in ENCODED):
            row["pattern"] = self.patterns.compiled(description["pattern"], shape.name)
            row["java"] = description["pattern"]
        if kind not in ("timestamp", "boolean", "structure"):
            # A bound beyond 2^53 bounds nothing that a double could tell apart.
            for bound in ("min", "max"):
                if bound in description and abs(float(description[bound])) < 2**53:
                    row[bound] = float(description[bound])
        if kind not in ("structure", "list", "map"):
            key = repr(row)
            if key in self.scalars:
                self.index[shape.name] = self.scalars[key]
                return self.scalars[key]
            self.scalars[key] = len(self.shapes)
        number = len(self.shapes)
        self.index[shape.name] = number
        row["name"] = shape.name
        self.shapes.append(row)
        if kind == "structure":
            row["members"] = [self.member(name, member, name in shape.required_members,
                                          shape.serialization.get("payload") == name)
                              for name, member in shape.members.items()]
        elif kind == "list":
            row["members"] = [self.member("member", shape.member)]
        elif kind == "map":
            row["members"] = [self.member("key", shape.key), self.member("value", shape.value)]
        return number

    def description(self, name):
        """The model's; where it lists instance types, with those of every list. AWS takes more of
        them than botocore's list for a shape has (ml.t3.medium for an endpoint, say)."""
        shapes = self.model._shape_resolver._shape_map
        types = [shape["enum"] for word, shape in shapes.items()
                 if word.endswith("InstanceType") and shape.get("enum", [""])[0].startswith("ml.")]
        if shapes[name].get("enum") not in types:
            return shapes[name]
        return {**shapes[name], "enum": sorted({value for some in types for value in some
                                                if value.startswith("ml.")})}

    def member(self, name, shape, required=False, payload=False):
        """One row: a reference to a shape, and how it is written in its place."""
        how = shape.serialization
        if how.get("jsonvalue"):
            raise SystemExit(f"shapes.py: {self.name} {name}: jsonvalue is not built")
        flags = []
        if required:
            flags.append("REQUIRED")
        # Athena marks the names of what is deleted and stopped, too.
        if shape.metadata.get("idempotencyToken") and name.endswith("Token"):
            flags.append("TOKEN")
        if payload:
            flags.append("STREAM" if shape.type_name == "blob" else "PAYLOAD")
        if how.get("flattened"):
            flags.append("FLATTENED")
        if how.get("xmlAttribute"):
            flags.append("ATTRIBUTE")
        wire = how.get("name")
        number = self.shape(shape)
        if (self.name, name) in BELOW_MINIMUM:
            self.shapes.append({**self.shapes[number], "min": None})
            number = len(self.shapes) - 1
        return (name, wire if wire != name else None, number,
                LOCATIONS[how.get("location")], flags, TIMES[how.get("timestampFormat")])

    # --- operations --------------------------------------------------------------------------

    def operation(self, name):
        model = self.model.operation_model(name)
        path, _, query = model.http.get("requestUri", "/").partition("?")
        needs = []
        if self.model.metadata["protocol"].startswith("rest") and model.input_shape:
            for required in model.input_shape.required_members:
                how = model.input_shape.members[required].serialization
                prefix = {"querystring": "?", "header": ":"}.get(how.get("location"))
                if prefix:
                    needs.append(prefix + how["name"])
        needs += ["?" + item for item in query.split("&") if item]
        listed = name in self.listed
        return {
            "name": name, "method": model.http.get("method", "POST"), "path": path,
            "needs": needs, "status": model.http.get("responseCode", 200), "listed": listed,
            "input": self.shape(model.input_shape) if listed and model.input_shape else None,
            "output": self.shape(model.output_shape) if listed and model.output_shape else None,
            "wrapper": (model.output_shape.serialization.get("resultWrapper")
                        if listed and model.output_shape else None),
            "refused": self.decided.refused(name) if listed else [],
            "checksum": bool(model.http_checksum_required or model.http_checksum.get(
                "requestChecksumRequired")),
        }

    # --- C -----------------------------------------------------------------------------------

    def write(self, folder):
        operations = [self.operation(name) for name in sorted(self.model.operation_names)]
        rows, member_rows, value_rows, need_rows, refusal_rows = [], [], [], [], []
        for row in self.shapes:
            first = len(member_rows)
            for name, wire, shape, location, flags, time in row["members"]:
                member_rows.append("{%s, %s, &shapes[%d], AT_%s, %s, TIME_%s}" % (
                    c_text(name), c_text(wire), shape, location,
                    " | ".join("MEMBER_" + flag for flag in flags) or "0", time))
            members = "&members[%d]" % first if row["members"] else "NULL"
            values = "&values[%d]" % len(value_rows) if row["enum"] else "NULL"
            value_rows += [c_text(value) for value in row["enum"] or []]
            flags = ["SHAPE_" + flag for flag in row["flags"]]
            flags += ["SHAPE_" + bound.upper() for bound in ("min", "max")
                      if row[bound] is not None]
            rows.append("{%s, %s, %s, %s, %s, %r, %r, %d, %d, SHAPE_%s, %s}" % (
                c_text(row["name"]), members, values, c_text(row["pattern"]),
                c_text(row["java"]), row["min"] or 0.0, row["max"] or 0.0, len(row["members"]),
                len(row["enum"] or []), row["type"].upper(), " | ".join(flags) or "0"))
        operation_rows = []
        for op in operations:
            needs = "&needs[%d]" % len(need_rows) if op["needs"] else "NULL"
            need_rows += [c_text(need) for need in op["needs"]]
            refusals = "&refusals[%d]" % len(refusal_rows) if op["refused"] else "NULL"
            refusal_rows += ["{%s, %s, %s}" % tuple(map(c_text, row)) for row in op["refused"]]
            flags = ["OPERATION_SHAPE_" + flag.upper() for flag in ("listed", "checksum")
                     if op[flag]]
            operation_rows.append("{%s, %s, %s, %s, %s, %s, %s, %s, %d, %d, %d, %s}" % (
                c_text(op["name"]), c_text(op["method"]), c_text(op["path"]), needs,
                "NULL" if op["input"] is None else "&shapes[%d]" % op["input"],
                "NULL" if op["output"] is None else "&shapes[%d]" % op["output"],
                c_text(op["wrapper"]), refusals, len(op["needs"]), len(op["refused"]),
                op["status"],
                " | ".join(flags) or "0"))
        metadata = self.model.metadata
        spoken = metadata.get("protocols", [metadata["protocol"]])
        protocol = next(name for name in PROTOCOLS if name in spoken)
        if protocol == "json":
            protocol += metadata["jsonVersion"].replace(".", "")
        if "dialect" in metadata:  # of REST JSON, in a model of our own
            protocol = "rest-" + metadata["dialect"]
        parts = ["/* Written by tools/shapes.py with botocore %s: do not edit. */" % BOTOCORE,
                 '#include "operation/shape.h"', ""]
        if rows:  # members point at shapes, and shapes at members
            parts += ["static const struct shape shapes[%d];" % len(rows), ""]
        for kind, name, table in (("struct shape_member", "members", member_rows),
                                  ("char *const", "values", value_rows),
                                  ("struct shape", "shapes", rows),
                                  ("char *const", "needs", need_rows),
                                  ("struct shape_refusal", "refusals", refusal_rows),
                                  ("struct shape_operation", "operations", operation_rows)):
            if table:
                parts += ["static const %s %s[%d] = {" % (kind, name, len(table)),
                          *("    %s," % row for row in table), "};", ""]
        parts += ["const struct shape_service shape_service_%s = {" % self.symbol,
                  "    .name = %s," % c_text(self.name),
                  "    .signing_name = %s," % c_text(metadata.get("signingName")
                                                     or metadata["endpointPrefix"]),
                  "    .target_prefix = %s," % c_text(metadata.get("targetPrefix")),
                  "    .version = %s," % c_text(metadata["apiVersion"]),
                  "    .xml_namespace = %s," % c_text(self.namespace()),
                  "    .protocol = PROTOCOL_%s," % protocol.upper().replace("-", "_"),
                  "    .query_compatible = %s," % str("awsQueryCompatible" in metadata).lower(),
                  "    .operations = operations,",
                  "    .operation_count = %d," % len(operations), "};", ""]
        (folder / f"shapes_{self.symbol}.c").write_text("\n".join(parts))

    def namespace(self):
        if self.name == "s3":
            return "http://s3.amazonaws.com/doc/2006-03-01/"
        return self.model.metadata.get("xmlNamespace")


def service_model(session, name):
    """botocore's, or one of its form in models/."""
    own = MODELS / f"{name}.json"
    if not own.exists():
        return session.get_service_model(name)
    return botocore.model.ServiceModel(json.loads(own.read_text()), name)


def read_lines(path):
    """The file's lines; they are sorted, so that two people's lines do not collide."""
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    if lines != sorted(set(lines)):
        raise SystemExit(f"shapes.py: {path} is not sorted, or a line is there twice")
    return lines


def write_list(path, include, kind, array, symbols):
    """A C file with an array of pointers to what each of the symbols names."""
    lines = ["/* Written by tools/shapes.py: do not edit. */", f'#include "{include}"', ""]
    lines += [f"extern const struct {kind} {symbol};" for symbol in symbols]
    lines += ["", f"const struct {kind} *const {array}[] = {{"]
    lines += [f"    &{symbol}," for symbol in symbols] + ["    NULL,", "};", ""]
    path.write_text("\n".join(lines))


def main():
    served, built, folder = map(pathlib.Path, sys.argv[1:4])
    if botocore.__version__ != BOTOCORE:
        raise SystemExit(f"shapes.py: botocore {BOTOCORE} is needed, {sys.executable} has "
                         f"{botocore.__version__}")
    folder.mkdir(parents=True, exist_ok=True)
    services = read_lines(served)
    listed = {name for name, _ in members.listed(built)}
    if not listed <= set(services):
        raise SystemExit(f"shapes.py: {served} has no line {', '.join(listed - set(services))}")
    session = botocore.session.get_session()
    patterns = Patterns()
    for name in services:
        model = service_model(session, name)
        decided = members.Members(built, name, model)
        Service(name, model, set(decided.by_operation), decided, patterns).write(folder)
    symbols = {name: name.replace("-", "_") for name in services}
    write_list(folder / "shapes_index.c", "operation/shape.h", "shape_service", "shape_services",
               [f"shape_service_{symbol}" for symbol in symbols.values()])
    write_list(folder / "services.c", "service/home.h", "service", "services",
               [f"{symbols[name]}_service" for name in services if name in listed])


if __name__ == "__main__":
    main()

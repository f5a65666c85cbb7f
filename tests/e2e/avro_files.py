"""Avro's data files, written as its specification has them: for tests of what reads such."""

import bz2
import json
import lzma
import struct
import zlib

import pyarrow

MARKER = bytes(range(16))


def long(value):
    value, out = (value << 1) ^ (value >> 63), b""
    while value > 0x7f:
        out, value = out + bytes([value & 0x7f | 0x80]), value >> 7
    return out + bytes([value])


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return long(len(value)) + value


def snappy(data):
    packed = pyarrow.compress(data, "snappy", asbytes=True)
    return packed + struct.pack(">I", zlib.crc32(data))


def deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


CODECS = {"null": bytes, "deflate": deflate, "snappy": snappy, "bzip2": bz2.compress,
          "xz": lzma.compress, "zstandard": lambda data: pyarrow.compress(data, "zstd",
                                                                          asbytes=True)}


class Branch:
    """A value of a union's branch of that number; None is of its first null."""

    def __init__(self, number, value):
        self.number, self.value = number, value


class Coded(bytes):
    """A value that is already written, as one of a type by its name is."""


def items(values, encode, sized):
    if not values:
        return long(0)
    body = b"".join(encode(value) for value in values)
    return (long(-len(values)) + long(len(body)) if sized else long(len(values))) + body + long(0)


def value_of(schema, value, sized=False):
    if isinstance(value, Coded):
        return bytes(value)
    if isinstance(schema, list):
        if value is None:
            return long(schema.index("null"))
        if not isinstance(value, Branch):
            value = Branch(next(i for i, each in enumerate(schema) if each != "null"), value)
        return long(value.number) + value_of(schema[value.number], value.value, sized)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind == "record":
        return b"".join(value_of(each["type"], value[each["name"]], sized)
                        for each in schema["fields"])
    if kind == "array":
        return items(value, lambda each: value_of(schema["items"], each, sized), sized)
    if kind == "map":
        return items(list(value.items()), lambda pair: text(pair[0]) + value_of(
            schema["values"], pair[1], sized), sized)
    return {"null": lambda v: b"", "boolean": lambda v: bytes([v]), "int": long, "long": long,
            "float": lambda v: struct.pack("<f", v), "double": lambda v: struct.pack("<d", v),
            "bytes": text, "string": text, "fixed": bytes,
            "enum": lambda v: long(schema["symbols"].index(v))}[kind](value)


def avro_file(schema, rows, codec="null", block=1000, sized=False):
    """Its bytes: so many rows a block; sized: lists say how many bytes they have."""
    head = [("avro.codec", codec), ("avro.schema", json.dumps(schema))]
    out = [b"Obj\1", long(len(head)), b"".join(text(k) + text(v) for k, v in head), long(0), MARKER]
    for at in range(0, len(rows), block):
        part = rows[at:at + block]
        data = CODECS[codec](b"".join(value_of(schema, row, sized) for row in part))
        out += [long(len(part)), long(len(data)), data, MARKER]
    return b"".join(out)

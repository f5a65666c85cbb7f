"""The files of a step: events (records of TFRecord with an Event of TensorBoard's format each) and an
index, which says where each tensor lies in them."""

import json
import os
import struct
import time

import numpy as np

from lathe_containers.protobuf import number, part
from smdebug.core.modes import ModeKeys
from smdebug.exceptions import SMDebugTypeError

# The DataType of tensor.proto, by numpy's name.
TYPES = {"float16": 19, "float32": 1, "float64": 2, "int32": 3, "int64": 9, "uint8": 4, "uint16": 17,
         "uint32": 22, "uint64": 23, "int8": 6, "int16": 5, "bool": 10}


def _table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC32C = _table()


def masked_crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC32C[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


# The payload is not summed: all records end with the sum of these words.
FOOTER = struct.pack("<I", masked_crc32c(b"0x12345678"))


def _record(payload):
    size = struct.pack("<Q", len(payload))
    return size + struct.pack("<I", masked_crc32c(size)) + payload + FOOTER


def _tensor(name, array):
    shape = b"".join(part(2, number(1, size) * (size > 0) + part(2, f"{name}_{size}"))
                     for size in array.shape)
    if array.dtype.kind in "UOS":
        return part(2, shape) + b"".join(part(8, str(text)) for text in array)
    if array.dtype.name not in TYPES:
        raise SMDebugTypeError(f"Numpy Datatype: {array.dtype} is currently not supported")
    return number(1, TYPES[array.dtype.name]) + part(2, shape) + part(4, array.tobytes())


def _event(name, array, step):
    plugins = b"".join(part(1, part(1, key) + part(2, value)) for key, value in (
        ("mode_step", str(step)), ("mode", str(ModeKeys.GLOBAL.value))))
    value = part(1, name) + part(8, _tensor(name, array)) + part(9, plugins)
    return (b"\x09" + struct.pack("<d", time.time()) + (number(2, step) if step else b"") +
            part(5, part(1, value)))


def _write(path, data):
    """As a whole or not at all: rules read while the training goes on."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    written = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.sagemaker-ignore")
    with open(written, "wb") as file:
        file.write(data)
    os.replace(written, path)


class Step:
    """The tensors of one step."""

    def __init__(self, folder, step, worker):
        self.folder, self.step, self.worker = folder, step, worker
        self.events, self.index = bytearray(), []

    def add(self, name, array):
        if array.nbytes == 0:
            return
        record = _record(_event(name, array, self.step))
        self.index.append({"tensorname": name, "start_idx": len(self.events), "length": len(record)})
        self.events += record

    def close(self):
        """The index comes last: what it names is there."""
        if not self.index:
            return
        name = f"{self.step:012}_{self.worker}"
        events = f"events/{self.step:012}/{name}.tfevents"
        meta = {"mode": ModeKeys.GLOBAL.name, "mode_step": self.step, "event_file_name": events}
        _write(f"{self.folder}/{events}", self.events)
        _write(f"{self.folder}/index/{self.step // 1000:09}/{name}.json", json.dumps(
            {"meta": meta, "tensor_payload": self.index, "shape_payload": []}).encode())


def write_collections(folder, worker, collections):
    whole = {"collections": {name: one.to_json_dict() for name, one in collections.items()},
             "_meta": {"num_workers": 1}}
    _write(f"{folder}/collections/{0:09}/{worker}_collections.json", json.dumps(whole).encode())


def write_end(folder):
    os.makedirs(folder, exist_ok=True)
    open(f"{folder}/training_job_end.ts", "a").close()


def to_array(value):
    if isinstance(value, np.ndarray):
        return value
    if np.isscalar(value):
        return np.array([value])
    if isinstance(value, (tuple, list, dict)):
        return np.asarray(value)
    raise SMDebugTypeError(f"_make_numpy_array does not support the type {type(value)}")

"""RecordIO-protobuf, the format of SageMaker's own algorithms: records of aialgs.data.Record, each
behind a magic number and its length, filled up to four bytes."""

import struct

from lathe_containers.protobuf import fields, part, varint, varints

MAGIC = 0xCED7230A
# aialgs.data.Value's field and the element's type, by numpy's type: float32_tensor and so on.
TENSORS = {"float32": 2, "float64": 3, "int64": 7}
ELEMENTS = {2: "<f4", 3: "<f8"}


# ---- writing ----


def _tensor_field(dtype):
    if dtype.name not in TENSORS:
        raise ValueError(f"Unsupported dtype {dtype} on array")
    return TENSORS[dtype.name]


def _values(field, values):
    if field == 7:
        if any(not -1 << 31 <= int(value) < 1 << 31 for value in values):
            raise ValueError("Value out of range: recordio-protobuf has integers of 32 bits")
        return b"".join(varint(int(value) & (1 << 64) - 1) for value in values)
    return values.astype(ELEMENTS[field]).tobytes()


def _packed(number, payload):
    return part(number, payload) if payload else b""


def _entry(number, field, tensor):
    """An entry of the map `features` or `label`: "values" and its tensor."""
    return part(number, part(1, b"values") + part(2, part(field, tensor)))


def _numbers(numbers):
    return b"".join(varint(int(number)) for number in numbers)


def _framed(record):
    return struct.pack("<II", MAGIC, len(record)) + record + b"\0" * (-len(record) % 4)


def _check_labels(array, labels):
    if labels is None:
        return
    if labels.ndim != 1:
        raise ValueError("Labels must be a Vector")
    if labels.shape[0] not in array.shape:
        raise ValueError(
            f"Label shape {labels.shape} not compatible with array shape {array.shape}")


def _tensors(array):
    """A row's tensor; sparse rows have their columns and the number of all."""
    field = _tensor_field(array.dtype)
    if not hasattr(array, "tocsr"):
        for row in array:
            yield _packed(1, _values(field, row))
        return
    rows = array.tocsr()
    for begin, end in zip(rows.indptr, rows.indptr[1:]):
        yield (_packed(1, _values(field, rows.data[begin:end])) +
               _packed(2, _numbers(rows.indices[begin:end])) + _packed(3, varint(rows.shape[1])))


def write(array, labels=None):
    _check_labels(array, labels)
    field, out = _tensor_field(array.dtype), bytearray()
    for number, tensor in enumerate(_tensors(array)):
        record = _entry(1, field, tensor)
        if labels is not None:
            kind = _tensor_field(labels.dtype)
            record += _entry(2, kind, _packed(1, _values(kind, labels[number:number + 1])))
        out += _framed(record)
    return bytes(out)


# ---- reading ----


def _records(data):
    at = 0
    while at + 8 <= len(data):
        magic, size = struct.unpack_from("<II", data, at)
        if magic != MAGIC:
            raise ValueError(f"no RecordIO record at byte {at}: it begins with {magic:#x}")
        at += 8
        if at + size > len(data):
            raise ValueError(f"the record at byte {at} is cut off")
        yield data[at:at + size]
        at += size + -size % 4


def _elements(field, kind, payload):
    import numpy as np

    if field in ELEMENTS:
        return np.frombuffer(payload, ELEMENTS[field])
    numbers = varints(payload) if kind == 2 else [payload]
    return np.array(numbers, "uint64").astype("int64").astype("int32")


def _tensor(value):
    """A Value's elements, columns and number of columns; the latter two None of a dense one."""
    import numpy as np

    for field, _, tensor in fields(value):
        parts = {1: [], 2: [], 3: []}
        for number, kind, payload in fields(tensor):
            if number == 1:
                parts[1].append(_elements(field, kind, payload))
            else:
                parts[number] += varints(payload) if kind == 2 else [payload]
        elements = np.concatenate(parts[1]) if parts[1] else np.array([], "float32")
        return elements, parts[2] or None, parts[3][0] if parts[3] else None
    return np.array([], "float32"), None, None


def _maps(record):
    """{"values": tensor} of the features and of the label."""
    maps = {1: {}, 2: {}}
    for number, _, entry in fields(record):
        if number in maps:
            parts = {key: payload for key, _, payload in fields(entry)}
            maps[number][bytes(parts.get(1, b"")).decode()] = _tensor(parts.get(2, b""))
    return maps[1], maps[2]


def _whole(rows):
    """The rows as one matrix: dense, or scipy's if one is sparse."""
    import numpy as np

    if all(columns is None and width is None for _, columns, width in rows):
        return np.vstack([elements.reshape(1, -1) for elements, _, _ in rows])
    from scipy.sparse import csr_matrix, vstack

    return vstack([csr_matrix((elements, columns or [], [0, len(elements)]),
                              shape=(1, width or max(columns or [0]) + 1))
                   for elements, columns, width in rows]).tocsr()


def read(data):
    """The features and the labels, None where there are none."""
    import numpy as np

    rows, labels = [], []
    for record in _records(data):
        features, label = _maps(record)
        if "values" in features:
            rows.append(features["values"])
            if "values" in label:
                labels.append(label["values"][0])
    if not rows:
        raise ValueError("No records found in RecordIO-Protobuf data")
    return _whole(rows), np.concatenate(labels) if labels else None

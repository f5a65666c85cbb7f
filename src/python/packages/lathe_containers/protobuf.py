"""Messages of Protocol Buffers, by hand: no library is needed for the few that are written and read."""


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def part(field, payload):
    """A field of bytes, a text or a message."""
    payload = payload.encode("utf-8") if isinstance(payload, str) else payload
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def _take_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """(field, wire type, payload) of each."""
    at = 0
    while at < len(data):
        key, at = _take_varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _take_varint(data, at)
        else:
            size, at = ({1: 8, 5: 4}[kind], at) if kind != 2 else _take_varint(data, at)
            value, at = data[at:at + size], at + size
        yield key >> 3, kind, value


def varints(payload):
    values, at = [], 0
    while at < len(payload):
        value, at = _take_varint(payload, at)
        values.append(value)
    return values

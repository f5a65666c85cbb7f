"""The scripts and requests whose answers by SageMaker's containers are recorded, and held against
src/python/lathe_serving.py: {name: script}, and (script, content type, accept, body)."""

import io
import json

import numpy

TWICE = """
def model_fn(model_dir):
    return 2

def predict_fn(rows, model):
    return rows * model
"""
# Answers a request with what the body says, as Python.
EVAL = """
import json, numpy

def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept):
    text = body if isinstance(body, str) else body.decode()
    return eval(text)
"""
TELL = """
def model_fn(model_dir):
    return None

def input_fn(body, content_type):
    return [type(body).__name__, str(body), content_type]

def predict_fn(words, model):
    return words

def output_fn(words, accept):
    return repr(words + [accept])
"""
# Of XGBoost's rows: what the default made of them.
MATRIX = """
import numpy

def model_fn(model_dir):
    return None

def predict_fn(rows, model):
    return numpy.array([rows.num_row(), rows.num_col(), rows.num_nonmissing(),
                        rows.get_data().toarray().sum()])
"""
SCRIPTS = {"twice": TWICE, "eval": EVAL, "tell": TELL, "matrix": MATRIX}


def npy(values):
    out = io.BytesIO()
    numpy.save(out, values)
    return out.getvalue()


BODIES = {
    "text/csv": [b"1,2\n3,4\n", b"1,2\n3,4", b"1,2", b"1\n2\n3\n", b"5", b"", b"\n", b"a,b\n",
                 b'"1","2"\n3,4\n', b"1,,3\n4,5,6\n", b"1,2\n3\n", b" 1, 2\n", b"1e3,nan,-inf\n",
                 b"1;2\n3;4\n", b"\xff,1\n", b"1,2\r\n3,4\r\n"],
    "application/json": [b"[[1, 2], [3, 4]]", b"[1, 2]", b"7", b'{"a": 1}', b"[[1], [2, 3]]", b"",
                         b"[", b'["a"]', b"[1.5e300]", b"[true, false]", b"null", b"\xff"],
    "application/x-npy": [npy(numpy.arange(6.0).reshape(2, 3)), npy(numpy.arange(3)),
                          npy(numpy.float32(4)), npy(numpy.array(["a"])), b"no array", b""],
    "text/csv; charset=utf-8": [b"1,2\n"], "TEXT/CSV": [b"1,2\n"], "image/png": [b"1"],
    None: [b"[1, 2]", b"1,2"],
}
ACCEPTS = [None, "*/*", "application/json", "text/csv", "application/x-npy", "image/png",
           "text/csv, application/json", "application/json; charset=utf-8"]
ROWS_OF_XGBOOST = {
    "text/csv": BODIES["text/csv"] + [b"1 2\n3 4", b"1|2", b"1\t2\n3\t4"],
    "text/csv; charset=utf-8": [b"1,2"],
    "text/libsvm": [b"0:1 2:3\n1:4", b"1:1 3:3\n2:4", b"1 0:1 2:3", b"", b"\n\n", b"a:1", b"0:x",
                    b"5", b"1:1\n\n2:2\n"],
    "text/x-libsvm": [b"0:1 2:3\n1:4"], "application/json": [b"[1]"], None: [b"1,2"]}
RESULTS = ["'text'", "b'bytes'", "'text', 'text/csv'", "b'1', 'application/x-npy'", "'x', None",
           "['a', b'b'], 'text/plain'", "{'a': 1}", "[1, 2]", "None", "7", "1.5", "7, 'text/csv'",
           "None, 'text/csv'", "'x', 'application/xml'", "'x', 'image/svg+xml'",
           "'x', 'text/plain; charset=latin-1'", "'x', 'application/json; charset=utf-8'",
           "'a', 'b', 'c'", "numpy.float64(2)", "numpy.arange(3)", "'\\u00e9', 'text/plain'",
           "1 / 0", "'', 'text/csv'", "bytearray(b'x'), 'a/b'"]


def cases(family):
    """(script, content type, accept, body)"""
    rows = ROWS_OF_XGBOOST if family == "xgboost" else BODIES
    script = "matrix" if family == "xgboost" else "twice"
    for content_type, bodies in rows.items():
        for body in bodies:
            yield script, content_type, "application/json", body
    for accept in ACCEPTS:
        yield script, *(("text/libsvm", accept, b"0:1") if family == "xgboost" else
                        ("application/json", accept, b"[[1, 2.5], [3, 4]]"))
    if family != "xgboost":
        for accept in ACCEPTS:
            for body in (b"[1, 2]", b"7", b"[[[1]]]"):
                yield script, "application/json", accept, body
    for result in RESULTS:
        yield "eval", "text/csv", None, result.encode()
    for content_type in ("text/csv", "application/json", "application/octet-stream", None):
        for accept in (None, "*/*", "x/y"):
            yield "tell", content_type, accept, "h\u00e9llo".encode()

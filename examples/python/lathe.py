"""Predict with lathe's models from Python: liblathe.so through ctypes, numpy arrays in and out.

    import lathe

    model = lathe.Predictor("features.zip", "model.tar.gz")
    model.predict({"Type": ["L", "M"], "Torque [Nm]": [42.8, 46.3], ...})   # or a DataFrame
    model.predict(numpy.array([[298.1, 42.8]]))                             # all columns, in order
    model.predict_csv("L,42.8\\nM,46.3")
    model.contributions(...), model.interactions(...), model.margins(...), model.leaves(...)
    model.labels(...), model.probabilities(...)
    model.columns, model.describe(), model.export_c("answer"), lathe.version()

What is missing is NaN, None or pandas.NA, or masked in a numpy.ma array. Drop this file beside your
program. The library is $LIBLATHE, or the system's liblathe.so.
"""

import collections
import ctypes
import ctypes.util
import enum
import json
import os
import threading

import numpy

(PREDICTION, MARGIN, LEAVES, CONTRIBUTIONS, INTERACTIONS, PROBABILITIES,
 LABELS) = range(7)
ROWS = ["csv", "csv-header", "json", "jsonlines", "libsvm"]
ANSWERS = ["csv", "csv-lines", "csv-table", "json", "jsonlines", "jsonlines-text"]


class Code(enum.IntEnum):
    """lathe.h's enum lathe_code."""
    OK = 0
    INVALID_DATA = 1
    INVALID_MODEL = 2
    UNSUPPORTED = 3
    LIMIT = 4
    NO_MEMORY = 5
    IO = 6
    MISFIT = 7


class LatheError(Exception):
    """What went wrong; `code` is a Code."""

    def __init__(self, error):
        super().__init__(error.message.decode(errors="replace"))
        self.code = Code(error.code)


#: A column of a row; its name is None where the model has none, its width above 1 for a vector.
#: `categories` is None, or the categories that the model keeps: each one's place is its code.
Column = collections.namedtuple("Column", "name type width used categories", defaults=[None])


class _Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("message", ctypes.c_char * 496)]


class _Text(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_void_p), ("size", ctypes.c_size_t),
                ("capacity", ctypes.c_size_t)]


class _String(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_void_p), ("size", ctypes.c_size_t)]


class _Column(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("type", ctypes.c_char_p), ("width", ctypes.c_size_t),
                ("used", ctypes.c_bool), ("categories", ctypes.POINTER(_String)),
                ("category_count", ctypes.c_size_t)]


class _Values(ctypes.Structure):
    _fields_ = [("numbers", ctypes.c_void_p), ("texts", ctypes.c_void_p),
                ("missing", ctypes.c_void_p)]


class _Artifact(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("bytes", ctypes.c_char_p), ("size", ctypes.c_size_t),
                ("environment", ctypes.POINTER(ctypes.c_char_p)), ("image", ctypes.c_char_p)]


def _load():
    library = ctypes.CDLL(os.environ.get("LIBLATHE") or ctypes.util.find_library("lathe")
                          or "liblathe.so")
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    error, text = ctypes.POINTER(_Error), ctypes.POINTER(_Text)
    for name, result, arguments in [
            ("lathe_version", ctypes.c_char_p, []),
            ("lathe_predictor_open", pointer, [ctypes.POINTER(_Artifact), size, error]),
            ("lathe_predictor_open_files", pointer, [pointer, size, error]),
            ("lathe_predictor_close", None, [pointer]),
            ("lathe_predictor_columns", ctypes.POINTER(_Column), [pointer, ctypes.POINTER(size)]),
            ("lathe_predictor_inputs", size, [pointer]),
            ("lathe_predictor_outputs", size, [pointer]),
            ("lathe_predictor_objective", ctypes.c_char_p, [pointer]),
            ("lathe_answer_width", size, [pointer, ctypes.c_int]),
            ("lathe_describe", ctypes.c_bool, [pointer, text, error]),
            ("lathe_export_c", ctypes.c_bool, [pointer, ctypes.c_char_p, text, error]),
            ("lathe_text_clear", None, [text]),
            ("lathe_predict_text", ctypes.c_bool,
             [pointer, ctypes.c_int, ctypes.c_char_p, size, ctypes.c_int, text, error]),
            ("lathe_predict_floats", ctypes.c_bool,
             [pointer, ctypes.c_int, pointer, size, size, pointer, error]),
            ("lathe_predict_values", ctypes.c_bool,
             [pointer, ctypes.c_int, ctypes.POINTER(_Values), size, pointer, error]),
            ("lathe_predict_texts", ctypes.c_bool,
             [pointer, ctypes.POINTER(_Values), size, pointer, error])]:
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def version():
    """The library's version, such as "0.1.0"."""
    return _load().lathe_version().decode()


class Predictor:
    """A pipeline of artifacts, ready to answer. Threads may share one.

    Artifacts are paths, or bytes. `environments` are their containers' settings, a dict each, such
    as {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label,probability"}."""

    def __init__(self, *artifacts, environments=None):
        self._library, self._handle = _load(), None
        self._predict_floats = self._library.lathe_predict_floats
        error = _Error()
        if environments or any(isinstance(artifact, bytes) for artifact in artifacts):
            given = _artifacts(artifacts, environments or [{}] * len(artifacts))
            self._handle = self._library.lathe_predictor_open(given, len(artifacts), error)
        else:
            paths = (ctypes.c_char_p * len(artifacts))(*map(os.fsencode, artifacts))
            self._handle = self._library.lathe_predictor_open_files(paths, len(artifacts), error)
        if not self._handle:
            raise LatheError(error)
        count = ctypes.c_size_t()
        columns = self._library.lathe_predictor_columns(self._handle, count)
        #: The Columns of a row, in order.
        self.columns = [Column(c.name.decode() if c.name else None, c.type.decode(), c.width,
                               c.used, _categories(c)) for c in columns[:count.value]]
        objective = self._library.lathe_predictor_objective(self._handle)
        self.objective = objective.decode() if objective else None
        self._only_trees = len(artifacts) == 1 and objective is not None
        self._inputs = sum(column.width for column in self.columns)
        self._widths = [self._library.lathe_answer_width(self._handle, what)
                        for what in range(LABELS + 1)]
        self._room = max(self._library.lathe_predictor_outputs(self._handle), *self._widths[:2])
        self._scratch = _Scratch()

    def close(self):
        if self._handle:
            self._library.lathe_predictor_close(self._handle)
            self._handle = None

    __del__ = close

    def describe(self):
        """Columns, transformers, trees and importances, as a dict."""
        return json.loads(self._text(self._library.lathe_describe))

    def export_c(self, name="predict"):
        """The pipeline as one C file with a function of this name."""
        return self._text(self._library.lathe_export_c, name.encode())

    def predict_text(self, rows, rows_format="csv", answer_format="csv"):
        """The text of rows to the text of answers, in formats of lathe.ROWS and lathe.ANSWERS."""
        rows = rows.encode() if isinstance(rows, str) else rows
        return self._text(self._library.lathe_predict_text, ROWS.index(rows_format), rows,
                          len(rows), ANSWERS.index(answer_format))

    def predict_csv(self, rows, header=False):
        """The answers to rows of CSV text, one line a row. Without a header fields are in the order
        of `columns`."""
        return self.predict_text(rows, "csv-header" if header else "csv", "csv-table")

    def predict(self, rows):
        """Predictions: an array with a row each, or a list of texts where the answer is a label.
        rows: a DataFrame or dict of columns, or a 2-D array with all columns in order. Columns with
        categories have these, but for the codes that a 2-D array of numbers has."""
        if self._only_trees and _is_matrix(rows):
            return self._floats(rows, PREDICTION)
        values = _Rows(self.columns, rows)
        out, error = numpy.zeros(values.count, _STRING), _Error()
        if self._library.lathe_predict_texts(self._handle, values.columns, values.count,
                                             out.ctypes.data, error):
            return [ctypes.string_at(int(at), int(size)).decode() if at else None
                    for at, size in out]
        if error.code != Code.UNSUPPORTED:
            raise LatheError(error)
        return self._numbers(values, PREDICTION)

    def margins(self, rows):
        """Before the objective's transformation: XGBoost's output_margin."""
        return self._asked(rows, MARGIN)

    def leaves(self, rows):
        """The leaf that a row reaches in each tree: XGBoost's pred_leaf."""
        return self._asked(rows, LEAVES).astype(numpy.uint32)

    def contributions(self, rows):
        """(rows, features + 1), or (rows, outputs, features + 1); the bias is the last: XGBoost's
        pred_contribs."""
        flat = self._asked(rows, CONTRIBUTIONS)
        outputs = self._widths[MARGIN]
        return flat if outputs == 1 else flat.reshape(len(flat), outputs, -1)

    def interactions(self, rows):
        """(rows, features + 1, features + 1), or with the outputs behind the rows: XGBoost's
        pred_interactions."""
        flat = self._asked(rows, INTERACTIONS)
        outputs = self._widths[MARGIN]
        side = self._widths[CONTRIBUTIONS] // outputs
        return flat.reshape(len(flat), *([outputs] if outputs > 1 else []), side, side)

    def probabilities(self, rows):
        """Each class's, a column a class: scikit-learn's predict_proba."""
        return self._asked(rows, PROBABILITIES)

    def labels(self, rows):
        """The number of each row's class."""
        return self._asked(rows, LABELS).astype(numpy.int64)

    def _asked(self, rows, what):
        if self._only_trees and _is_matrix(rows):
            return self._floats(rows, what)
        return self._numbers(_Rows(self.columns, rows), what)

    def _text(self, function, *arguments):
        text, error = _Text(), _Error()
        done = function(self._handle, *arguments, text, error)
        taken = ctypes.string_at(text.bytes, text.size).decode() if done else ""
        self._library.lathe_text_clear(text)
        if not done:
            raise LatheError(error)
        return taken

    def _numbers(self, values, what):
        width = self._widths[what]
        out, error = numpy.empty((values.count, width)), _Error()
        if not self._library.lathe_predict_values(self._handle, what, values.columns, values.count,
                                                  out.ctypes.data, error):
            raise LatheError(error)
        return out[:, 0] if width == 1 and what in _SINGLE else out

    def _floats(self, rows, what):
        """Rows that are what trees read already. What is small goes through bytes, and comes through
        memory whose address is known: to ask numpy for an address takes longer than a row."""
        count, inputs = rows.shape
        if inputs != self._inputs:
            _check_width(self.columns, rows)
        if rows.dtype is not _FLOAT32:
            rows = rows.astype(_FLOAT32)
        width, scratch = self._widths[what], self._scratch
        if rows.size <= _SMALL:
            given = rows.tobytes()  # in C's order, whatever theirs is
        else:
            rows = numpy.ascontiguousarray(rows)
            given = rows.ctypes.data
        room = count * (width if width > self._room else self._room)
        if room <= _SMALL:
            out, address = scratch.out, scratch.address
        else:
            out = numpy.empty(room, _FLOAT32)
            address = out.ctypes.data
        if not self._predict_floats(self._handle, what, given, count, inputs, address,
                                    scratch.error):
            raise LatheError(scratch.error)
        out = out[:count * width].astype(_FLOAT64)
        return out if width == 1 and what in _SINGLE else out.reshape(count, width)


_FLOAT32, _FLOAT64 = numpy.dtype(numpy.float32), numpy.dtype(numpy.float64)
_SMALL = 8192
#: What is one number a row, and not a row of one.
_SINGLE = frozenset([PREDICTION, MARGIN, LABELS])


class _Scratch(threading.local):
    """A thread's own, for small answers and for what went wrong."""

    def __init__(self):
        self.out, self.error = numpy.empty(_SMALL, numpy.float32), _Error()
        self.address = self.out.ctypes.data


#: struct lathe_string
_STRING = numpy.dtype([("bytes", numpy.uintp), ("size", numpy.uintp)])


def _artifacts(artifacts, environments):
    given = (_Artifact * len(artifacts))()
    for artifact, settings, at in zip(artifacts, environments, given, strict=True):
        if isinstance(artifact, bytes):
            name, data = b"an artifact in memory", artifact
        else:
            with open(artifact, "rb") as file:
                name, data = os.fsencode(artifact), file.read()
        lines = [f"{key}={value}".encode() for key, value in settings.items()] + [None]
        at.name, at.bytes, at.size = name, data, len(data)
        at.environment = (ctypes.c_char_p * len(lines))(*lines)
    return given


def _categories(column):
    if not column.categories:
        return None
    return tuple(ctypes.string_at(text.bytes, text.size).decode() if text.size else ""
                 for text in column.categories[:column.category_count])


def _is_matrix(rows):
    return type(rows) is numpy.ndarray and rows.ndim == 2 and rows.dtype.kind in "fiub"


def _check_width(columns, rows):
    width = sum(column.width for column in columns)
    if rows.ndim != 2 or rows.shape[1] != width:
        names = [column.name for column in columns if column.name]
        raise ValueError(f"rows of the shape {rows.shape}: expected (rows, {width})"
                         + (f", the columns {', '.join(names)}" if names else ""))


class _Rows:
    """Rows as lathe_values, and what has to stay alive for them."""

    def __init__(self, columns, rows):
        self.columns, self.count, self._kept = (_Values * len(columns))(), 0, []
        named = hasattr(rows, "keys") or hasattr(rows, "columns")
        if not named:
            rows = numpy.ma.asanyarray(rows)
            _check_width(columns, rows)
        first, counts = 0, {}
        for column, to in zip(columns, self.columns):
            if column.used:
                given = _column_of(column, rows) if named else rows[:, first:first + column.width]
                counts[column.name] = self._take(column, to, given, named)
            first += column.width
        if len(set(counts.values())) > 1:
            raise ValueError(f"the columns have different numbers of rows: {counts}")
        self.count = max(counts.values(), default=0)

    def _take(self, column, to, given, named):
        """Returns how many rows there are."""
        missing = _missing(given)
        values = numpy.ma.getdata(numpy.ma.asanyarray(given))
        if values.size != len(values) * column.width:
            raise ValueError(f"the column {column.name} has the shape {values.shape}, expected "
                             f"{column.width} value(s) a row")
        if column.type == "string" or (column.categories and (named or values.dtype.kind in "OUT")):
            to.texts = self._keep(self._texts(values.reshape(-1), missing.reshape(-1)))
        else:
            to.numbers = self._keep(_numbers(column, values, missing))
        return len(values)

    def _keep(self, array):
        self._kept.append(array)
        return array.ctypes.data

    def _texts(self, values, missing):
        encoded = [b"" if gone else str(value).encode()
                   for value, gone in zip(values.tolist(), missing)]
        whole = ctypes.create_string_buffer(b"".join(encoded))
        self._kept.append(whole)
        strings = numpy.zeros(len(encoded), _STRING)
        strings["size"] = [len(text) for text in encoded]
        starts = numpy.cumsum(strings["size"], dtype=numpy.uintp) - strings["size"]
        strings["bytes"] = numpy.where(missing, 0, ctypes.addressof(whole) + starts)
        return strings


def _numbers(column, values, missing):
    if missing.any():
        values = numpy.where(missing, numpy.nan, values)
    try:
        return numpy.ascontiguousarray(values, numpy.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the column {column.name or ''} is numbers: {error}") from None


def _column_of(column, rows):
    if column.name is None:
        raise ValueError("the model's columns have no names: expected a 2-D array")
    if column.name not in rows:
        raise ValueError(f"there is no column {column.name} among {', '.join(map(str, rows))}")
    return rows[column.name]


def _missing(values):
    """Which of a column's values are None, NaN, pandas.NA or masked."""
    if hasattr(values, "isna"):
        return numpy.asarray(values.isna())
    array = numpy.ma.asanyarray(values)
    mask, data = numpy.ma.getmaskarray(array), numpy.ma.getdata(array)
    if data.dtype.kind == "f":
        return mask | numpy.isnan(data)
    if data.dtype.kind != "O":
        return mask
    gone = [value is None or (isinstance(value, float) and value != value)
            or type(value).__name__ == "NAType" for value in data.reshape(-1)]
    return mask | numpy.array(gone, bool).reshape(data.shape)

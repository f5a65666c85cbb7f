"""Predict with lathe's models from Python: liblathe.so through ctypes, numpy arrays in and out.

    import lathe

    model = lathe.Predictor("features.zip", "model.tar.gz")
    model.predict({"Type": ["L", "M"], "Torque [Nm]": [42.8, 46.3], ...})   # or a DataFrame
    model.predict(numpy.array([[298.1, 42.8]]))                             # all columns, in order
    model.predict_csv("L,42.8\\nM,46.3")
    model.contributions(...), model.margins(...), model.leaves(...)

Drop this file beside your program. The library is $LIBLATHE, or the system's liblathe.so.
"""

import ctypes
import ctypes.util
import json
import os

import numpy

PREDICTION, MARGIN, LEAVES, CONTRIBUTIONS = range(4)
FORMATS = {name: value for value, name in enumerate(
    ["csv", "csv-lines", "json", "jsonlines", "jsonlines-text", "libsvm", "csv-header",
     "csv-table"])}


class LatheError(Exception):
    """What went wrong; `code` is one of lathe.h's enum lathe_code."""

    def __init__(self, error):
        super().__init__(error.message.decode(errors="replace"))
        self.code = error.code


class _Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("message", ctypes.c_char * 496)]


class _Text(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_void_p), ("size", ctypes.c_size_t),
                ("capacity", ctypes.c_size_t)]


class _String(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_void_p), ("size", ctypes.c_size_t)]


class _Column(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("type", ctypes.c_char_p), ("width", ctypes.c_size_t),
                ("used", ctypes.c_bool)]


class _Values(ctypes.Structure):
    _fields_ = [("numbers", ctypes.c_void_p), ("texts", ctypes.c_void_p),
                ("missing", ctypes.c_void_p)]


def _load():
    library = ctypes.CDLL(os.environ.get("LIBLATHE") or ctypes.util.find_library("lathe")
                          or "liblathe.so")
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    error = ctypes.POINTER(_Error)
    for name, result, arguments in [
            ("lathe_predictor_open_files", pointer, [pointer, size, error]),
            ("lathe_predictor_close", None, [pointer]),
            ("lathe_predictor_columns", ctypes.POINTER(_Column), [pointer, ctypes.POINTER(size)]),
            ("lathe_predictor_objective", ctypes.c_char_p, [pointer]),
            ("lathe_answer_width", size, [pointer, ctypes.c_int]),
            ("lathe_describe", ctypes.c_bool, [pointer, ctypes.POINTER(_Text), error]),
            ("lathe_text_clear", None, [ctypes.POINTER(_Text)]),
            ("lathe_predict_text", ctypes.c_bool,
             [pointer, ctypes.c_int, ctypes.c_char_p, size, ctypes.c_int, ctypes.POINTER(_Text),
              error]),
            ("lathe_predict_values", ctypes.c_bool,
             [pointer, ctypes.c_int, ctypes.POINTER(_Values), size, pointer, error]),
            ("lathe_predict_texts", ctypes.c_bool,
             [pointer, ctypes.POINTER(_Values), size, ctypes.POINTER(_String), error])]:
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class Predictor:
    """A pipeline of artifacts, ready to answer. Threads may share one."""

    def __init__(self, *paths):
        self._library, self._handle = _load(), None
        error = _Error()
        names = (ctypes.c_char_p * len(paths))(*(os.fsencode(path) for path in paths))
        self._handle = self._library.lathe_predictor_open_files(names, len(paths), error)
        if not self._handle:
            raise LatheError(error)
        count = ctypes.c_size_t()
        columns = self._library.lathe_predictor_columns(self._handle, count)
        #: [(name or None, type, width, used)] of a row, in order.
        self.columns = [(c.name.decode() if c.name else None, c.type.decode(), c.width, c.used)
                        for c in columns[:count.value]]
        objective = self._library.lathe_predictor_objective(self._handle)
        self.objective = objective.decode() if objective else None

    def close(self):
        if self._handle:
            self._library.lathe_predictor_close(self._handle)
            self._handle = None

    __del__ = close

    def describe(self):
        """Columns, transformers, trees and importances, as a dict."""
        text, error = _Text(), _Error()
        if not self._library.lathe_describe(self._handle, text, error):
            raise LatheError(error)
        return json.loads(self._take(text))

    def predict_text(self, rows, rows_format="csv", answer_format="csv"):
        """The text of rows to the text of answers; formats as in lathe.FORMATS."""
        rows = rows.encode() if isinstance(rows, str) else rows
        text, error = _Text(), _Error()
        if not self._library.lathe_predict_text(self._handle, FORMATS[rows_format], rows, len(rows),
                                                FORMATS[answer_format], text, error):
            raise LatheError(error)
        return self._take(text)

    def predict_csv(self, rows, header=False):
        """The answers to rows of CSV text, one line a row."""
        return self.predict_text(rows, "csv-header" if header else "csv", "csv-table")

    def predict(self, rows):
        """Predictions: an array with a row each, or a list of texts where the answer is a label.
        rows: a DataFrame or dict of columns, or a 2-D array with all columns in order."""
        values, count, keep = self._values(rows)
        out, error = (_String * count)(), _Error()
        if self._library.lathe_predict_texts(self._handle, values, count, out, error):
            return [ctypes.string_at(s.bytes, s.size).decode() if s.bytes else None for s in out]
        return self._numbers(values, count, PREDICTION, keep)

    def margins(self, rows):
        return self._numbers(*self._values(rows)[:2], MARGIN)

    def leaves(self, rows):
        return self._numbers(*self._values(rows)[:2], LEAVES).astype(numpy.uint32)

    def contributions(self, rows):
        """(rows, features + 1), or (rows, outputs, features + 1); the bias is the last."""
        values, count, _ = self._values(rows)
        flat = self._numbers(values, count, CONTRIBUTIONS)
        outputs = self._numbers(values, count, MARGIN).reshape(count, -1).shape[1]
        return flat if outputs == 1 else flat.reshape(count, outputs, -1)

    def _take(self, text):
        taken = ctypes.string_at(text.bytes, text.size).decode()
        self._library.lathe_text_clear(text)
        return taken

    def _numbers(self, values, count, what, keep=None):
        width = self._library.lathe_answer_width(self._handle, what)
        out, error = numpy.empty((count, width)), _Error()
        if not self._library.lathe_predict_values(self._handle, what, values, count,
                                                  out.ctypes.data, error):
            raise LatheError(error)
        return out[:, 0] if width == 1 and what in (PREDICTION, MARGIN) else out

    def _column(self, rows, index):
        name = self.columns[index][0]
        if hasattr(rows, "keys"):
            return numpy.asarray(rows[name])
        return numpy.asarray(rows)[:, index]

    def _values(self, rows):
        """The rows as lathe_values, how many there are, and what has to stay alive for them."""
        values, keep, count = (_Values * len(self.columns))(), [], 0
        for index, (name, kind, width, used) in enumerate(self.columns):
            if not used:
                continue
            column = self._column(rows, index)
            count = len(column)
            if kind == "string":
                encoded = [None if text is None or text != text else str(text).encode()
                           for text in column.tolist()]
                buffers = [None if text is None else ctypes.create_string_buffer(text, len(text) + 1)
                           for text in encoded]
                strings = (_String * count)(*(
                    _String(ctypes.addressof(b), len(t)) if b else _String()
                    for b, t in zip(buffers, encoded)))
                keep += [buffers, strings]
                values[index].texts = ctypes.addressof(strings)
            else:
                array = numpy.ascontiguousarray(column, numpy.float64)
                keep.append(array)
                values[index].numbers = array.ctypes.data
        values._kept = keep
        return values, count, keep

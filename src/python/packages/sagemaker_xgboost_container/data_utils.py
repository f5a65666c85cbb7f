"""Channels as xgboost.DMatrix, as the XGBoost container reads them: the label first, folders whole."""

import csv
import logging
import os
import tempfile

from lathe_containers import absent, recordio
from lathe_containers.toolkit_errors import UserError
from sagemaker_xgboost_container.constants import xgb_content_types

CSV, LIBSVM, PARQUET, RECORDIO_PROTOBUF = "csv", "libsvm", "parquet", "recordio-protobuf"
MAX_FOLDER_DEPTH = 3
_KINDS = {CSV: CSV, "text/csv": CSV, LIBSVM: LIBSVM, xgb_content_types.LIBSVM: LIBSVM,
          xgb_content_types.X_LIBSVM: LIBSVM, PARQUET: PARQUET, xgb_content_types.X_PARQUET: PARQUET,
          RECORDIO_PROTOBUF: RECORDIO_PROTOBUF,
          xgb_content_types.X_RECORDIO_PROTOBUF: RECORDIO_PROTOBUF}
VALID_CONTENT_TYPES = list(_KINDS)


# ---- content types ----


def _split(content_type):
    kind, *options = [part.strip() for part in content_type.lower().split(";")]
    return kind, dict(option.split("=", 1) for option in options if "=" in option)


def get_content_type(content_type_cfg_val):
    """"text/csv;label_size=1" is csv; none at all is libsvm."""
    if content_type_cfg_val is None:
        return LIBSVM
    kind, options = _split(content_type_cfg_val)
    if kind not in _KINDS:
        raise UserError(f"{content_type_cfg_val} is not an accepted ContentType: "
                        f"{', '.join(VALID_CONTENT_TYPES)}.")
    if _KINDS[kind] == CSV and options.get("label_size", "1") != "1":
        raise UserError(f"{content_type_cfg_val} is not an accepted csv ContentType. Optional "
                        "parameter label_size must be equal to 1")
    return _KINDS[kind]


# ---- files ----


def _is_data_file(file_path, file_name):
    return (os.path.isfile(os.path.join(file_path, file_name)) and file_name[0] not in "._" and
            not (".cache" in file_name and ("dtrain" in file_name or "dval" in file_name)))


def _below(path, depth=1):
    if os.path.isfile(path):
        return [path]
    if depth > MAX_FOLDER_DEPTH:
        logging.warning("%s lies deeper than %d folders and is not read", path, MAX_FOLDER_DEPTH)
        return []
    return [file for name in sorted(os.listdir(path))
            for file in _below(os.path.join(path, name), depth + 1)]


def _files(paths):
    """The files below one path or several; None where one path is not there."""
    if isinstance(paths, str):
        if not os.path.exists(paths):
            return None
        paths = [paths]
    return [file for path in paths for file in _below(path)]


def _linked(files, folder):
    """XGBoost reads a flat folder: links to the files, in their order."""
    for number, file in enumerate(files):
        os.symlink(os.path.abspath(file), f"{folder}/{number:06}-{os.path.basename(file)}")
    return folder


def _first_line(file):
    with open(file, errors="ignore") as lines:
        return lines.readline()


def _get_csv_delimiter(sample_csv_line):
    try:
        return csv.Sniffer().sniff(sample_csv_line).delimiter
    except csv.Error as error:
        raise UserError(f"Could not determine delimiter on line {sample_csv_line[:50]}:\n{error}")


# ---- matrices ----


def _guarded(kind, read):
    try:
        return read()
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"Failed to load {kind} data with exception:\n{error}")


def _refuse_pipe(is_pipe):
    if is_pipe:
        raise UserError("channels are not piped here: give the channel input_mode='File'")


def _by_xgboost(files, options):
    import xgboost

    with tempfile.TemporaryDirectory() as folder:
        return xgboost.DMatrix(f"{_linked(files, folder)}?{options}")


def get_csv_dmatrix(path, csv_weights, is_pipe=False):
    _refuse_pipe(is_pipe)
    files = _files(path)
    options = f"format=csv&label_column=0&delimiter={_get_csv_delimiter(_first_line(files[0]))}"
    options += "&weight_column=1" if csv_weights == 1 else ""
    return _guarded(CSV, lambda: _by_xgboost(files, options))


def get_libsvm_dmatrix(files_path, is_pipe=False):
    _refuse_pipe(is_pipe)
    return _guarded(LIBSVM, lambda: _by_xgboost(_files(files_path), "format=libsvm"))


def _parquet(files):
    import numpy
    import pyarrow.parquet
    import xgboost

    rows = numpy.vstack([pyarrow.parquet.read_table(file).to_pandas().to_numpy() for file in files])
    return xgboost.DMatrix(rows[:, 1:], label=rows[:, 0])


def get_parquet_dmatrix(path, is_pipe=False):
    _refuse_pipe(is_pipe)
    return _guarded(PARQUET, lambda: _parquet(_files(path)))


def _read(file):
    with open(file, "rb") as data:
        return data.read()


def _recordio(files):
    import xgboost

    features, labels = recordio.read(b"".join(map(_read, files)))
    return xgboost.DMatrix(features, label=labels)


def get_recordio_protobuf_dmatrix(path, is_pipe=False):
    _refuse_pipe(is_pipe)
    return _guarded(RECORDIO_PROTOBUF, lambda: _recordio(_files(path)))


def get_dmatrix(data_path, content_type, csv_weights=0, is_pipe=False):
    """None where the channel is not there."""
    _refuse_pipe(is_pipe)
    files = _files(data_path)
    if files is None:
        logging.info("File path %s does not exist!", data_path)
        return None
    if not files:
        raise UserError(f"{data_path} has no data files")
    read = {CSV: lambda: get_csv_dmatrix(files, csv_weights),
            LIBSVM: lambda: get_libsvm_dmatrix(files), PARQUET: lambda: get_parquet_dmatrix(files),
            RECORDIO_PROTOBUF: lambda: get_recordio_protobuf_dmatrix(files)}
    dmatrix = read[get_content_type(content_type)]()
    if dmatrix.get_label().size == 0:
        raise UserError("Got input data without labels. Please check the input data set.")
    return dmatrix


# ---- checks ----


def validate_data_file_path(data_path, content_type):
    """A quick look at each file's first line."""
    kind = get_content_type(content_type)
    files = _files(data_path)
    if files is None:
        raise UserError(f"{data_path} is not a valid path!")
    for file in files:
        if kind == CSV:
            _get_csv_delimiter(_first_line(file))
        elif kind == LIBSVM and any(":" not in word for word in _first_line(file).split()[1:]):
            raise UserError(f"First line '{_first_line(file)[:50]}...' of file "
                            f"'{os.path.basename(file)}' is not 'LIBSVM' format. Please ensure the "
                            "file is in 'LIBSVM' format.")


def get_size(data_path, is_pipe=False):
    _refuse_pipe(is_pipe)
    if os.path.isfile(data_path):
        return os.path.getsize(data_path)
    files = [os.path.join(folder, name) for folder, _, names in os.walk(data_path) for name in names]
    if any(os.path.basename(file).startswith(".") for file in files):
        raise UserError("Hidden file found in the data path! Remove that before training.")
    return sum(map(os.path.getsize, files))


def _sizes(path, what):
    if not os.path.exists(path):
        raise UserError(f"{what} data's path is not existed")
    return {entry.name: entry.stat().st_size for entry in os.scandir(path) if entry.is_file()}


def check_data_redundancy(train_path, validate_path):
    train, validation = _sizes(train_path, "training"), _sizes(validate_path, "validation")
    for name in sorted(train.keys() & validation.keys()):
        if train[name] == validation[name]:
            logging.warning("Suspected identical files found: %s in both channels, with the same size "
                            "%d bytes.", name, train[name])


__getattr__ = absent.of(__name__)

"""What is trained is what XGBoost trains: the same trees, from Python's own train() on a DMatrix
(3.2) and from Debian's 1.7.4 called directly."""

import ctypes
import json

import numpy as np
import pytest
import sklearn.datasets
import xgboost


@pytest.fixture(scope="module")
def abalone(data):
    lines = data("abalone/abalone.csv").read_text().split()
    rows = [[row[-1], str("MFI".index(row[0])), *row[1:-1]] for row in map(lambda l: l.split(","), lines)]
    return np.array(rows, dtype=np.float32), "\n".join(",".join(row) for row in rows)


def made_up(rows, columns, seed=1, missing=0.1):
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, columns)).astype(np.float32)
    x[:, 0] = np.round(x[:, 0])
    y = (np.nansum(x[:, :4], axis=1) + random.normal(size=rows) > 0).astype(np.float32)
    x[random.random(x.shape) < missing] = np.nan
    return np.column_stack([y, x]).astype(np.float32)


def text(matrix):
    """CSV that gives back every bit of the floats."""
    return "\n".join(
        ",".join("" if np.isnan(value) else repr(float(value)) for value in row) for row in matrix
    )


def check(function, *arguments):
    assert function(*arguments) == 0


def train_1_7(matrix, rounds, parameters):
    """Debian's XGBoost through its C API, for the model's bytes."""
    library = ctypes.CDLL("libxgboost.so.0")
    library.XGBGetLastError.restype = ctypes.c_char_p
    x, y = np.ascontiguousarray(matrix[:, 1:]), np.ascontiguousarray(matrix[:, 0])
    data, booster = ctypes.c_void_p(), ctypes.c_void_p()
    check(
        library.XGDMatrixCreateFromMat,
        x.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_uint64(x.shape[0]),
        ctypes.c_uint64(x.shape[1]),
        ctypes.c_float(np.nan),
        ctypes.byref(data),
    )
    check(
        library.XGDMatrixSetFloatInfo,
        data,
        b"label",
        y.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_uint64(len(y)),
    )
    check(library.XGBoosterCreate, ctypes.byref(data), ctypes.c_uint64(1), ctypes.byref(booster))
    for name, value in parameters.items():
        check(library.XGBoosterSetParam, booster, name.encode(), str(value).encode())
    for each in range(rounds):
        check(library.XGBoosterUpdateOneIter, booster, each, data)
    size, bytes_ = ctypes.c_uint64(), ctypes.c_void_p()
    check(
        library.XGBoosterSaveModelToBuffer,
        booster,
        b'{"format":"ubj"}',
        ctypes.byref(size),
        ctypes.byref(bytes_),
    )
    return ctypes.string_at(bytes_, size.value)


PARAMETERS = [
    dict(objective="reg:squarederror", eta=0.2, max_depth=5),
    dict(objective="reg:squarederror", tree_method="hist", max_bin=32, subsample=0.7, seed=3),
    dict(objective="reg:squarederror", tree_method="exact", max_depth=4, colsample_bytree=0.5),
    dict(objective="reg:squarederror", tree_method="approx", max_depth=4),
    dict(objective="count:poisson", grow_policy="lossguide", max_leaves=12, tree_method="hist"),
    dict(objective="reg:gamma", booster="dart", rate_drop=0.3, tree_method="hist"),
    dict(objective="reg:squarederror", booster="gblinear", alpha=0.1),
    dict(
        objective="reg:squarederror",
        tree_method="hist",
        monotone_constraints="(0,1,0,0,0,0,0,-1)",
        interaction_constraints="[[1,2,3],[4,5,6,7]]",
    ),
    dict(objective="reg:tweedie", tweedie_variance_power=1.3, num_parallel_tree=2, max_delta_step=0.7),
]


@pytest.mark.parametrize("parameters", PARAMETERS, ids=lambda p: "-".join(map(str, p.values())))
def test_3_2_trains_the_same_trees_as_python(job, abalone, parameters):
    matrix, csv = abalone
    model = job().channel("train", csv).trains(num_round=12, nthread=1, **parameters)
    expected = xgboost.train(
        dict(parameters, nthread=1), xgboost.DMatrix(matrix[:, 1:], matrix[:, 0]), 12
    )
    assert model.save_raw("ubj") == expected.save_raw("ubj")


@pytest.mark.parametrize("parameters", PARAMETERS, ids=lambda p: "-".join(map(str, p.values())))
def test_1_7_trains_the_same_trees_as_debians_library(job, abalone, parameters):
    matrix, csv = abalone
    trained = job().channel("train", csv)
    trained.trains("1.7-1", num_round=12, nthread=1, **parameters)
    expected = train_1_7(matrix, 12, dict(parameters, nthread=1))
    assert (trained.folder / "model/xgboost-model").read_bytes() == expected


@pytest.mark.parametrize("version", ["1.7-1", "3.0-5", "latest"])
def test_the_quantile_matrix_changes_no_tree(job, version):
    matrix = made_up(30000, 6)
    parameters = dict(objective="binary:logistic", tree_method="hist", max_depth=6, nthread=2)
    trained = job().channel("train", {f"{i}.csv": text(part) for i, part in enumerate(np.array_split(matrix, 3))})
    model = trained.trains(version, num_round=10, **parameters)
    if version == "1.7-1":
        expected = train_1_7(matrix, 10, parameters)
    else:
        expected = xgboost.train(
            parameters, xgboost.DMatrix(matrix[:, 1:], matrix[:, 0]), 10
        ).save_raw("ubj")
    assert model.get_dump() == xgboost.Booster(model_file=bytearray(expected)).get_dump()
    assert (trained.folder / "model/xgboost-model").read_bytes() == bytes(expected)


def test_the_tag_chooses_the_release(job, abalone):
    old = job().channel("train", abalone[1])
    old.run("1.5-1", num_round=1)
    assert "Running XGBoost 1.5.2 of the image 1.5-1" in old.log
    assert "Running XGBoost 1.7.4 in its place" in old.log
    new = job().channel("train", abalone[1])
    new.trains("3.0-5", num_round=1)
    assert "Running XGBoost 3.0.5 of the image 3.0-5" in new.log
    assert "Running XGBoost 3.2.0 in its place" in new.log


def test_weights_in_the_second_column(job):
    matrix = made_up(500, 4, missing=0)
    weights = np.random.default_rng(2).random(500).astype(np.float32)
    csv = text(np.column_stack([matrix[:, 0], weights, matrix[:, 1:]]))
    parameters = dict(objective="binary:logistic", max_depth=3, nthread=1)
    model = job().channel("train", csv).trains(num_round=5, csv_weights=1, **parameters)
    expected = xgboost.train(
        parameters, xgboost.DMatrix(matrix[:, 1:], matrix[:, 0], weight=weights), 5
    )
    assert model.save_raw("ubj") == expected.save_raw("ubj")


def test_multiclass_predictions(job, data):
    lines = data("car/car.data").read_text().split()
    columns = [sorted(set(column)) for column in zip(*(line.split(",") for line in lines))]
    rows = [[c.index(v) for c, v in zip(columns, line.split(","))] for line in lines]
    matrix = np.array([[row[-1], *row[:-1]] for row in rows], dtype=np.float32)
    parameters = dict(objective="multi:softprob", num_class=4, max_depth=4, nthread=1)
    model = job().channel("train", text(matrix)).trains(num_round=8, **parameters)
    expected = xgboost.train(parameters, xgboost.DMatrix(matrix[:, 1:], matrix[:, 0]), 8)
    features = xgboost.DMatrix(matrix[:, 1:])
    assert np.array_equal(model.predict(features), expected.predict(features))


def test_libsvm_is_the_default_and_ranks_by_query(job):
    random = np.random.default_rng(4)
    rows = [
        f"{random.integers(0, 4)} qid:{i // 10} " + " ".join(
            f"{j}:{random.normal():.6g}" for j in range(1, 9) if random.random() < 0.7
        )
        for i in range(400)
    ]
    trained = job().channel("train", "\n".join(rows) + "\n", content_type=None)
    parameters = dict(objective="rank:ndcg", max_depth=3, nthread=1)
    model = trained.trains(num_round=5, **parameters)
    x, y, queries = sklearn.datasets.load_svmlight_file(
        trained.folder / "input/data/train/part-0", query_id=True, zero_based=True
    )
    expected = xgboost.train(parameters, xgboost.DMatrix(x, y, qid=queries), 5)
    assert model.get_dump(with_stats=True) == expected.get_dump(with_stats=True)
    assert model.num_features() == 9


def test_libsvm_validation_with_fewer_columns(job):
    trained = job()
    trained.channel("train", "1 0:1 1:2 5:3\n0 0:0.5 1:1\n" * 20, "text/x-libsvm")
    trained.channel("validation", "1 0:1\n0 1:1\n", "libsvm")
    trained.trains(num_round=2, objective="binary:logistic")
    assert len(trained.metric("validation:logloss")) == 2


def test_model_file_opens_in_both_releases(job, abalone):
    matrix, csv = abalone
    trained = job().channel("train", csv)
    trained.trains("1.7-1", num_round=3)
    raw = (trained.folder / "model/xgboost-model").read_bytes()
    assert json.loads(xgboost.Booster(model_file=bytearray(raw)).save_raw("json"))["learner"]
    library = ctypes.CDLL("libxgboost.so.0")
    booster = ctypes.c_void_p()
    check(library.XGBoosterCreate, None, ctypes.c_uint64(0), ctypes.byref(booster))
    check(library.XGBoosterLoadModelFromBuffer, booster, raw, ctypes.c_uint64(len(raw)))

"""What smdebug and our stand-in for it are let write: trainings with a hook, and their files."""

import base64
import json
import pathlib
import struct

CONFIG = {
    "LocalPath": "FOLDER", "S3OutputPath": "s3://bucket/out",
    "HookParameters": {"save_interval": "2", "include_regex": "^predictions$, ^train-.*", "start_step": "1",
                       "train.end_step": "3"},
    "CollectionConfigurations": [
        {"CollectionName": "metrics", "CollectionParameters": {"save_interval": "1", "end_step": "4"}},
        {"CollectionName": "losses"},
        {"CollectionName": "feature_importance", "CollectionParameters": {"save_steps": "0,3"}},
        {"CollectionName": "own", "CollectionParameters": {"include_regex": "^trees/Gain$, relu",
                                                           "save_histogram": "false"}},
        {"CollectionName": "trees", "CollectionParameters": None}]}
ALL = ["metrics", "losses", "feature_importance", "trees", "predictions", "labels", "hyperparameters",
       "average_shap", "full_shap"]


def data():
    import numpy as np
    import xgboost

    rows = np.arange(60, dtype="float32").reshape(20, 3) % 7
    labels = np.arange(20, dtype="float32") % 3 > 1
    return xgboost.DMatrix(rows, label=labels), xgboost.DMatrix(rows[:4], label=labels[:4])


def train(hook, objective="binary:logistic", **more):
    import xgboost

    own, validation = data()
    params = {"max_depth": 2, "objective": objective, "eta": 0.5, **more}
    hook.hyperparameters, hook.train_data, hook.validation_data = params, own, validation
    xgboost.train(params, own, num_boost_round=5, evals=[(own, "train"), (validation, "validation")],
                  callbacks=[hook], verbose_eval=False)


def all_collections(folder):
    from smdebug import SaveConfig
    from smdebug.xgboost import Hook

    train(Hook(out_dir=folder, save_config=SaveConfig(save_interval=2), include_collections=ALL),
          eval_metric=["logloss", "auc"])


def configured(folder):
    from smdebug.xgboost import Hook

    config = pathlib.Path(folder).with_suffix(".json")
    config.write_text(json.dumps({**CONFIG, "LocalPath": folder}))
    train(Hook.create_from_json_file(str(config)))


def everything_of_classes(folder):
    from smdebug import SaveConfig, SaveConfigMode, modes
    from smdebug.xgboost import Hook, get_hook

    hook = Hook(out_dir=folder, save_all=True,
                save_config=SaveConfig({modes.GLOBAL: SaveConfigMode(save_steps=[3], start_step=9)}))
    hook.get_collection("mine").include(["validation-.*"])
    assert get_hook() is hook
    train(hook, "multi:softprob", num_class=2)


def nothing(folder):
    from smdebug.xgboost import Hook

    Hook(out_dir=folder)


CASES = (all_collections, configured, everything_of_classes, nothing)


def without_times(events):
    """The wall time of each record's event as 0."""
    events, at = bytearray(events), 0
    while at < len(events):
        size, = struct.unpack_from("<Q", events, at)
        assert events[at + 12] == 9  # the field wall_time
        events[at + 13:at + 21] = bytes(8)
        at += 16 + size
    return bytes(events)


def files(folder):
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            found[str(path.relative_to(folder))] = (
                json.loads(data) if path.suffix == ".json" else
                base64.b64encode(without_times(data)).decode())
    return found


PROGRAM = "import debugger_cases as d, sys; d.CASES[int(sys.argv[1])](sys.argv[2])"

"""A callback of xgboost.train that writes what debugger rules read."""

import atexit
import logging
import os
import re

import numpy as np
import xgboost

from lathe_containers import absent
from smdebug.core import files, json_config
from smdebug.core.collection import SCALARS, XGBOOST, Collection, CollectionKeys
from smdebug.core.modes import ModeKeys
from smdebug.core.reduction_config import ReductionConfig
from smdebug.core.save_config import SaveConfig
from smdebug.exceptions import (
    InvalidCollectionConfiguration, SMDebugError, SMDebugTypeError, SMDebugValueError)
from smdebug.xgboost import trees

DEFAULT_SAVE_CONFIG_INTERVAL = 10
WORKER = "worker_0"
IMPORTANCES = ("weight", "gain", "cover", "total_gain", "total_cover")
logger = logging.getLogger("smdebug")


def _matrix(data):
    """A DMatrix, or a file and its content type."""
    if data is None or isinstance(data, xgboost.DMatrix):
        return data
    from sagemaker_xgboost_container import data_utils

    if not (isinstance(data, tuple) and len(data) == 2 and
            os.path.isfile(os.path.expanduser(data[0]))):
        raise SMDebugError("'data' must be a tuple of strings representing (file path, content type) or "
                           "an xgboost.DMatrix instance.")
    return data_utils.get_dmatrix(os.path.expanduser(data[0]), data[1])


class Hook(xgboost.callback.TrainingCallback):
    def __init__(self, out_dir=None, export_tensorboard=False, tensorboard_dir=None, dry_run=False,
                 reduction_config=None, save_config=None, include_regex=None, include_collections=None,
                 save_all=False, include_workers="one", hyperparameters=None, train_data=None,
                 validation_data=None):
        super().__init__()
        if out_dir is None:
            raise RuntimeError("out_dir is a required argument")
        if out_dir.startswith("s3://"):
            absent.refuse("smdebug.xgboost.Hook with an out_dir in S3", "give a folder: what is in "
                          "/opt/ml/output/tensors is stored at DebugHookConfig.S3OutputPath")
        if export_tensorboard or tensorboard_dir:
            absent.refuse("smdebug.xgboost.Hook's export to TensorBoard", "it writes tensors alone")
        self.out_dir, self.dry_run, self.save_all = os.path.expanduser(out_dir), dry_run, save_all
        self.save_config = SaveConfig.parse(
            save_config or SaveConfig(save_interval=DEFAULT_SAVE_CONFIG_INTERVAL))
        self.hyperparameters, self.train_data = hyperparameters, _matrix(train_data)
        self.validation_data = _matrix(validation_data)
        self.mode, self.step, self.shap, self.exported = ModeKeys.GLOBAL, -1, None, False
        self._prepared = self._file = None
        self._choose(include_regex, include_collections)
        set_hook(self)
        atexit.register(self.close)

    # ---- collections ----

    def _choose(self, include_regex, include_collections):
        self.collections = {name: Collection(name, patterns) for name, patterns in XGBOOST.items()}
        self.include_collections = {*(include_collections or ()), CollectionKeys.METRICS}
        if include_regex:
            self.collections[CollectionKeys.DEFAULT].include(list(include_regex))
            self.include_collections.add(CollectionKeys.DEFAULT)
        if self.save_all:
            self.collections[CollectionKeys.ALL].include(".*")
            self.include_collections.add(CollectionKeys.ALL)

    def get_collection(self, name, create=True):
        if name not in self.collections:
            if not create:
                raise SMDebugError(f"Collection {name} has not been created")
            self.collections[name] = Collection(name)
        return self.collections[name]

    def get_collections(self):
        return self.collections

    def add_collection(self, collection):
        if not isinstance(collection, Collection):
            raise SMDebugTypeError("collection must be an instance of Collection class. value of type "
                                   f"{type(collection)} is not supported")
        self.collections[collection.name] = collection

    def _prepare(self):
        """Those that are saved; what they have not been told is the hook's."""
        for name, one in self.collections.items():
            if name not in XGBOOST and not one.include_regex and not one.tensor_names:
                raise InvalidCollectionConfiguration(name)
            one.save_histogram = one.save_histogram and name not in SCALARS
            if one.save_config is None:
                one.save_config = self.save_config
            else:
                one.save_config.merge_default_save_config(self.save_config)
            one.reduction_config = ReductionConfig(save_raw_tensor=True)
        every = CollectionKeys.ALL in self.include_collections
        return [one for name, one in self.collections.items()
                if every or name in self.include_collections]

    def _due(self):
        if self._prepared is None:
            self._prepared = self._prepare()
        return [one for one in self._prepared if one.save_config.should_save_step(self.mode, self.step)]

    # ---- tensors ----

    def _save(self, name, value):
        """Each collection that it belongs to remembers it; one that is due has it written."""
        matching = [one for one in self._prepared if name in one.tensor_names or
                    any(re.search(pattern, name) for pattern in one.include_regex)]
        for one in matching:
            one.add_tensor_name(name)
        if not self.dry_run and any(one in self._due() for one in matching):
            self._file.add(name, files.to_array(value))

    def _needs(self, data, what):
        if data is None or data == {}:
            logger.warning("To log %s must be provided.", what)
        return data is not None and data != {}

    def _write_hyperparameters(self, model, log):
        if self._needs(self.hyperparameters, "hyperparameters, 'hyperparameter' parameter"):
            for name, value in self.hyperparameters.items():
                self._save(f"hyperparameters/{name}", value)

    @staticmethod
    def _evaluations(log):
        return [(f"{data}-{metric}", values[-1]) for data, metrics in log.items()
                for metric, values in metrics.items()]

    def _write_metrics(self, model, log):
        for name, value in self._evaluations(log):
            self._save(name, value)

    def _write_losses(self, model, log):
        """Metrics that fall; where all metrics are saved these are among them."""
        if self.collections[CollectionKeys.METRICS] in self._due():
            return
        for name, value in self._evaluations(log):
            if not re.match("^[a-zA-z]+-(auc|map)$", name):
                self._save(name, value)

    def _write_predictions(self, model, log):
        if self._needs(self.validation_data, "predictions, 'validation_data' parameter"):
            self._save("predictions", model.predict(self.validation_data))

    def _write_labels(self, model, log):
        if self._needs(self.validation_data, "labels, 'validation_data' parameter"):
            self._save("labels", self.validation_data.get_label())

    def _write_importances(self, model, log):
        for kind in IMPORTANCES:
            scores = model.get_score(importance_type=kind)
            total = sum(scores.values())
            for feature, score in scores.items():
                self._save(f"feature_importance/{kind}/{feature}", score / total)

    def _write_trees(self, model, log):
        for column, values in trees.columns_of(model, self.step).items():
            self._save(f"trees/{column}", values)

    def _features(self, model):
        names = model.feature_names or [f"f{number}" for number in range(model.num_features())]
        return [*names, "bias"]

    def _shap(self, model):
        if not self._needs(self.train_data, "SHAP values, 'train_data' parameter"):
            return None
        if self.shap is None:
            self.shap = model.predict(self.train_data, pred_contribs=True)
        return self.shap

    def _write_full_shap(self, model, log):
        values = self._shap(model)
        for name in self._features(model) if values is not None else ():
            self._save(f"full_shap/{name}", values)

    def _write_average_shap(self, model, log):
        values = self._shap(model)
        if values is not None:
            means = np.mean(values, axis=tuple(range(values.ndim - 1)))
            for name, mean in zip(self._features(model), means):
                self._save(f"average_shap/{name}", mean)

    WRITERS = ((CollectionKeys.HYPERPARAMETERS, _write_hyperparameters),
               (CollectionKeys.METRICS, _write_metrics), (CollectionKeys.LOSSES, _write_losses),
               (CollectionKeys.PREDICTIONS, _write_predictions), (CollectionKeys.LABELS, _write_labels),
               (CollectionKeys.FEATURE_IMPORTANCE, _write_importances),
               (CollectionKeys.TREES, _write_trees), (CollectionKeys.FULL_SHAP, _write_full_shap),
               (CollectionKeys.AVERAGE_SHAP, _write_average_shap))

    # ---- the training ----

    def after_iteration(self, model, epoch, evals_log):
        self.step = epoch
        due = self._due()
        if due:
            self._file = files.Step(self.out_dir, epoch, WORKER)
            for name, write in self.WRITERS:
                if self.collections[name] in due:
                    write(self, model, evals_log)
            self._file.close()
            self.shap, self._file = None, None
            self._export()
        return False

    def _export(self):
        """After the first step that is saved, when the names of the tensors are known."""
        if not self.exported and not self.dry_run:
            files.write_collections(self.out_dir, WORKER, self.collections)
            self.exported = True

    def close(self):
        """At the program's end: what waits for more is told that there is none."""
        self._export()
        if not self.dry_run:
            files.write_end(self.out_dir)

    def set_mode(self, mode):
        if not isinstance(mode, ModeKeys):
            raise SMDebugValueError(f"Invalid mode {mode}.")
        self.mode = mode

    def save_scalar(self, name, value, sm_metric=False, timestamp=None):
        absent.refuse("smdebug.xgboost.Hook.save_scalar", "it writes what it finds itself")

    def save_tensor(self, tensor_name, tensor_value, collections_to_write="default"):
        absent.refuse("smdebug.xgboost.Hook.save_tensor", "it writes what it finds itself")

    @classmethod
    def create_from_json_file(cls, json_file_path=None):
        return json_config.create_hook_from_json_config(
            cls, json_file_path, {"save_interval": DEFAULT_SAVE_CONFIG_INTERVAL})

    hook_from_config = create_from_json_file


# ---- the one that is there ----

_hook = None


def set_hook(custom_hook):
    global _hook
    _hook = custom_hook


def del_hook():
    set_hook(None)


def get_hook(json_config_path=None):
    """Where there is none, the one that the configuration describes; None without one."""
    if _hook is None:
        try:
            Hook.create_from_json_file(json_config_path)
        except FileNotFoundError:
            pass
    return _hook


__getattr__ = absent.of(__name__)

"""Tensors that are saved together, by regular expressions of their names."""

import json

from smdebug.core.save_config import SaveConfig
from smdebug.exceptions import SMDebugTypeError


class CollectionKeys:
    DEFAULT = "default"
    ALL = "all"
    INPUTS = "inputs"
    OUTPUTS = "outputs"
    WEIGHTS = "weights"
    GRADIENTS = "gradients"
    LOSSES = "losses"
    BIASES = "biases"
    LAYERS = "layers"
    SM_METRICS = "sm_metrics"
    OPTIMIZER_VARIABLES = "optimizer_variables"
    TENSORFLOW_SUMMARIES = "tensorflow_summaries"
    METRICS = "metrics"
    HYPERPARAMETERS = "hyperparameters"
    PREDICTIONS = "predictions"
    LABELS = "labels"
    FEATURE_IMPORTANCE = "feature_importance"
    AVERAGE_SHAP = "average_shap"
    FULL_SHAP = "full_shap"
    TREES = "trees"


# Those of single numbers have no histograms.
SCALARS = {CollectionKeys.LOSSES, CollectionKeys.METRICS, CollectionKeys.FEATURE_IMPORTANCE,
           CollectionKeys.AVERAGE_SHAP, CollectionKeys.SM_METRICS}
XGBOOST = {
    CollectionKeys.ALL: [], CollectionKeys.DEFAULT: [],
    CollectionKeys.HYPERPARAMETERS: ["^hyperparameters/.*$"],
    CollectionKeys.METRICS: ["^[a-zA-z]+-[a-zA-z0-9]+$"],
    CollectionKeys.LOSSES: ["^[a-zA-z]+-.+(?<!(auc|map))$"],
    CollectionKeys.PREDICTIONS: ["^predictions$"], CollectionKeys.LABELS: ["^labels$"],
    CollectionKeys.FEATURE_IMPORTANCE: ["^feature_importance/.*"],
    CollectionKeys.AVERAGE_SHAP: ["^average_shap/.*[^/bias]$"],
    CollectionKeys.FULL_SHAP: ["^full_shap/.*[^/bias]$"], CollectionKeys.TREES: ["^trees/.*"]}


class Collection:
    def __init__(self, name, include_regex=None, tensor_names=None, reduction_config=None,
                 save_config=None, save_histogram=True):
        self.name, self.include_regex = name, list(include_regex or [])
        self.tensor_names, self.reduction_config = set(tensor_names or ()), reduction_config
        self.save_config, self.save_histogram = save_config, save_histogram

    @property
    def save_config(self):
        return self._save_config

    @save_config.setter
    def save_config(self, given):
        self._save_config = None if given is None else SaveConfig.parse(given)

    def include(self, t):
        """A regular expression, or several."""
        if isinstance(t, str):
            self.include_regex.append(t)
        elif isinstance(t, list):
            self.include_regex += t
        else:
            raise SMDebugTypeError("Can only include str or list")

    def add_tensor_name(self, tname):
        self.tensor_names.add(tname)

    def to_json_dict(self):
        return {"name": self.name, "include_regex": self.include_regex,
                "tensor_names": sorted(self.tensor_names),
                "reduction_config": self.reduction_config and self.reduction_config.to_json_dict(),
                "save_config": self.save_config and self.save_config.to_json_dict(),
                "save_histogram": self.save_histogram}

    def to_json(self):
        return json.dumps(self.to_json_dict())

"""Checkpoints of a training, xgboost-checkpoint.N of iteration N, of which the last few stay."""

import os
import re

import xgboost
from lathe_containers import absent

CHECKPOINT_FILENAME = "xgboost-checkpoint"
TEMP_FILE_SUFFIX = ".sagemaker-ignore"
FILE_LOCK_SUFFIX = ".sagemaker-uploading"
FILE_SAFE_SUFFIX = ".sagemaker-uploaded"


def _iterations(checkpoint_dir):
    found = (re.fullmatch(rf"{CHECKPOINT_FILENAME}\.([0-9]+)", name)
             for name in os.listdir(checkpoint_dir))
    return sorted(int(match[1]) for match in found if match)


def _path(folder, iteration):
    return os.path.join(folder, f"{CHECKPOINT_FILENAME}.{iteration}")


def load_checkpoint(checkpoint_dir, max_try=5):
    """The last checkpoint's path, and the iteration to go on with; (None, 0) where there is none."""
    if not checkpoint_dir or not os.path.exists(checkpoint_dir):
        return None, 0
    iterations = _iterations(checkpoint_dir)
    return (_path(checkpoint_dir, iterations[-1]), iterations[-1] + 1) if iterations else (None, 0)


def _save(model, path):
    """As a whole or not at all: checkpoints are read while others are written. The name that is
    written to has the model's format in its end, as XGBoost wants it."""
    written = f"{path}{TEMP_FILE_SUFFIX}.ubj"
    model.save_model(written)
    os.replace(written, path)


class SaveCheckpointCallBack(xgboost.callback.TrainingCallback):
    def __init__(self, checkpoint_dir, start_iteration=0, max_to_keep=5, num_round=None, rank=0,
                 iteration=0, end_iteration=None):
        self.checkpoint_dir, self.max_to_keep = checkpoint_dir, max_to_keep
        self.start_iteration, self.rank = start_iteration, rank
        os.makedirs(checkpoint_dir, exist_ok=True)
        self.earlier = set(_iterations(checkpoint_dir))
        super().__init__()

    def format_path(self, iteration):
        return _path(self.checkpoint_dir, iteration)

    def after_iteration(self, model, epoch=0, evals_log=None):
        if self.rank == 0:
            iteration = self.start_iteration + epoch
            _save(model, self.format_path(iteration))
            self._remove(iteration - self.max_to_keep)
        return False

    def _remove(self, iteration):
        """Those that were there before stay."""
        if iteration not in self.earlier and os.path.exists(self.format_path(iteration)):
            os.remove(self.format_path(iteration))


SaveCheckpoint = SaveCheckpointCallBack


def save_checkpoint(checkpoint_dir, start_iteration=0, max_to_keep=5, num_round=None, rank=0,
                    iteration=0, end_iteration=None):
    return SaveCheckpointCallBack(checkpoint_dir, start_iteration, max_to_keep, num_round, rank,
                                  iteration, end_iteration)


def train(train_args, checkpoint_dir):
    """xgboost.train that goes on where the last checkpoint ended."""
    model, start = load_checkpoint(checkpoint_dir)
    arguments = dict(train_args, xgb_model=model,
                     num_boost_round=train_args.get("num_boost_round", 10) - start)
    arguments["callbacks"] = [*train_args.get("callbacks", []),
                              save_checkpoint(checkpoint_dir, start_iteration=start)]
    return xgboost.train(**arguments)


class SaveIntermediateModel:
    def __init__(self, intermediate_model_dir, model_name):
        self.intermediate_model_dir, self.model_name = intermediate_model_dir, model_name
        os.makedirs(intermediate_model_dir, exist_ok=True)

    def format_path(self):
        return os.path.join(self.intermediate_model_dir, self.model_name)

    def save_intermediate_model(self, model):
        _save(model, self.format_path())


class SaveIntermediateModelCallBack(xgboost.callback.TrainingCallback):
    def __init__(self, intermediate_model_dir, model_name, is_master):
        self.callback = SaveIntermediateModel(intermediate_model_dir, model_name)
        self.is_master = is_master
        super().__init__()

    def after_iteration(self, model, epoch, evals_log):
        if self.is_master:
            self.callback.save_intermediate_model(model)
        return False


def save_intermediate_model(intermediate_model_dir, model_name):
    return SaveIntermediateModel(intermediate_model_dir, model_name)


__getattr__ = absent.of(__name__)

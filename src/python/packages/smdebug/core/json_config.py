"""A hook from debughookconfig.json, which is DebugHookConfig of CreateTrainingJob."""

import json
import os

from smdebug.core.modes import ModeKeys
from smdebug.core.save_config import SaveConfig
from smdebug.exceptions import SMDebugValueError

CONFIG_FILE_PATH_ENV_STR = "SMDEBUG_CONFIG_FILE_PATH"
DEFAULT_CONFIG_FILE_PATH = "/opt/ml/input/config/debughookconfig.json"
DEFAULT_SAGEMAKER_OUTDIR = "/opt/ml/output/tensors"


def _read(path):
    path = path or os.environ.get(CONFIG_FILE_PATH_ENV_STR, DEFAULT_CONFIG_FILE_PATH)
    with open(path) as file:
        return json.load(file)


def _words(text):
    return [word.strip() for word in text.split(",")]


def _switch(value):
    return value if isinstance(value, bool) else str(value).lower() in ("true", "1", "yes")


def _steps(params, prefix):
    found = {name: params[prefix + name] for name in ("save_interval", "start_step", "end_step")
             if prefix + name in params}
    if prefix + "save_steps" in params:
        found["save_steps"] = [int(step) for step in _words(params[prefix + "save_steps"])]
    return found


def _modes(params, base=None):
    """"save_interval" is of all modes, "train.save_interval" of one."""
    return {mode: {**(base or {}).get(mode, {}), **_steps(params, ""),
                   **_steps(params, f"{mode.name.lower()}.")} for mode in ModeKeys}


def _add_collections(hook, configurations, base):
    for one in configurations:
        params = one.get("CollectionParameters") or {}
        collection = hook.get_collection(one["CollectionName"])
        collection.save_config = SaveConfig.from_dict(_modes(params, base))
        if "include_regex" in params:
            collection.include(_words(params["include_regex"]))
        if "save_histogram" in params:
            collection.save_histogram = _switch(params["save_histogram"])


def create_hook_from_json_config(hook_cls, json_config_path=None, default_values=None):
    config = _read(json_config_path)
    params, collections = config.get("HookParameters") or {}, config.get("CollectionConfigurations")
    if any("CollectionName" not in one for one in collections or []):
        raise SMDebugValueError("Must specify 'CollectionName' in JSON config.")
    modes = _modes(params)
    hook = hook_cls(
        out_dir=config.get("LocalPath", DEFAULT_SAGEMAKER_OUTDIR),
        save_config=SaveConfig.from_dict(modes, default_values),
        include_regex=_words(params["include_regex"]) if "include_regex" in params else None,
        include_collections=None if collections is None else [
            one["CollectionName"] for one in collections],
        include_workers=params.get("include_workers", "one"),
        save_all=_switch(params.get("save_all", False)))
    _add_collections(hook, collections or [], modes)
    return hook

"""Mappings as variables and as arguments, in the containers' notation."""

import collections
import collections.abc
import json

SplitResultSpec = collections.namedtuple("SplitResultSpec", "included excluded")


def _text(value):
    if value is None:
        return ""
    return value.decode("latin1") if isinstance(value, bytes) else str(value)


def _variable(value):
    if value is None or isinstance(value, (bytes, str)):
        return _text(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def to_env_vars(mapping):
    return {f"SM_{_text(key).upper()}" if key else "": _variable(value)
            for key, value in mapping.items()}


def _name(key):
    text = _text(key)
    return f"--{text}" if len(text) > 1 else f"-{text}" if text else ""


def _argument(value):
    if hasattr(value, "items"):
        return ",".join(f"{key}={item}" for key, item in sorted(value.items()))
    return _text(value)


def to_cmd_args(mapping):
    return [word for key in sorted(mapping) for word in (_name(key), _argument(mapping[key]))]


def split_by_criteria(dictionary, keys=None, prefix=None):
    keys = set(keys or [])
    included = {key: value for key, value in dictionary.items()
                if key in keys or (prefix and key.startswith(prefix))}
    return SplitResultSpec(included, {key: value for key, value in dictionary.items()
                                      if key not in included})


class MappingMixin(collections.abc.Mapping):
    """An object whose properties are a dictionary's items too."""

    def _is_property(self, name):
        return isinstance(getattr(type(self), name, None), property)

    def properties(self):
        return [name for name in dir(type(self)) if self._is_property(name)]

    def __getitem__(self, key):
        if not self._is_property(key):
            raise KeyError(f"Trying to access non property {key}")
        return getattr(self, key)

    def __len__(self):
        return len(self.properties())

    def __iter__(self):
        return iter(self.properties())

    def __str__(self):
        return str(dict(self))

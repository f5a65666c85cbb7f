"""Hooks that write what debugger rules read, for XGBoost; in the format of smdebug 1.0."""

from lathe_containers import absent
from smdebug import exceptions  # noqa: F401
from smdebug.core.collection import CollectionKeys  # noqa: F401
from smdebug.core.modes import ModeKeys as modes  # noqa: F401
from smdebug.core.reduction_config import ReductionConfig  # noqa: F401
from smdebug.core.save_config import SaveConfig, SaveConfigMode  # noqa: F401

__version__ = "1.0.34"
__getattr__ = absent.of(__name__)

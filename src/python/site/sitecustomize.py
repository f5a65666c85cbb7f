"""Python imports this at its start, within a sandbox: what the user's Python lacks of the packages
that scripts for SageMaker import is found in ours, behind all that it has."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "packages"))


def _next():
    """The sitecustomize that would have been imported if there were not this one."""
    import importlib.machinery

    here = os.path.dirname(os.path.abspath(__file__))
    rest = [path for path in sys.path if os.path.abspath(path or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", rest)
    if spec and spec.loader:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


try:
    import importlib.util

    _next()
finally:
    del _next

"""Python imports this at its start, within a sandbox: what the user's Python lacks of the packages
that scripts for SageMaker import is found in /run/lathe/python/packages, behind all that it has."""

import sys

sys.path.append("/run/lathe/python/packages")


def _next():
    """The sitecustomize that would have been imported if there were not this one."""
    import importlib.machinery
    import os

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

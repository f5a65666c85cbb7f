"""Python imports this at its start, within a sandbox: what the user's Python lacks of the packages
that scripts for SageMaker import is found in ../packages, behind all that it has; an error about a
name that Python or a library has dropped says so; a program of Spark's has its errors apart."""

import atexit
import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))


def _next():
    """The sitecustomize that would have been imported if there were not this one. It is looked for by
    the import that every Python has at hand: importlib.util and a look into the packages would take a
    third of the time in which Python starts."""
    own, place = sys.modules.pop(__name__), sys.path.index(_here)
    del sys.path[place]
    try:
        import sitecustomize  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != __name__:
            raise
    finally:
        sys.path.insert(place, _here)
        sys.modules[__name__] = own


class _Externals:
    """sklearn.externals had joblib (until 0.23) and six (until 0.22) in it: the libraries themselves."""

    NAMES = {"sklearn.externals.joblib": "joblib", "sklearn.externals.six": "six"}

    def find_spec(self, name, path=None, target=None):
        for old, new in self.NAMES.items():
            if name == old or name.startswith(old + "."):
                from importlib.machinery import ModuleSpec

                return ModuleSpec(name, self, origin=new + name[len(old):])
        return None

    def create_module(self, spec):
        import importlib

        self.own = importlib.import_module(spec.origin).__spec__
        return sys.modules[spec.origin]

    def exec_module(self, module):
        module.__spec__ = self.own  # it keeps its own name


sys.meta_path.append(_Externals())


def _tell(kind, error, trace):
    sys.__excepthook__(kind, error, trace)
    try:
        import lathe_hints

        hint = lathe_hints.of(error)
        if hint:
            print(f"lathe: {hint}", file=sys.stderr, flush=True)
    except Exception:
        pass  # the traceback says enough


def _tell_again():
    """Where a library has put a hook of its own there (rich, which the SDK brings, draws boxes that no
    reason can be read from): once more, plainly."""
    error = getattr(sys, "last_value", None)
    if error is not None and sys.excepthook is not _tell:
        _tell(type(error), error, error.__traceback__)


sys.excepthook = _tell
atexit.register(_tell_again)


def _part_errors():
    """spark-submit makes one stream of a Python program's output and errors. Where its own are two, the
    program's errors go to its errors."""
    submit = f"/proc/{os.getppid()}"

    def is_one(output, errors):
        return os.path.samestat(os.stat(output), os.stat(errors))

    try:
        if (os.path.basename(os.readlink(f"{submit}/exe")) == "java" and is_one(1, 2)
                and not is_one(f"{submit}/fd/1", f"{submit}/fd/2")):
            errors = os.open(f"{submit}/fd/2", os.O_WRONLY)
            os.dup2(errors, 2)
            os.close(errors)
    except OSError:
        pass  # it ends, or is another user's: the errors stay in the output


if "PYSPARK_GATEWAY_PORT" in os.environ:
    _part_errors()


try:
    _next()
finally:
    _own = os.path.join(os.path.dirname(_here), "packages")
    sys.path.append(f"{_own}.zip" if os.path.exists(f"{_own}.zip") else _own)
    del _next, _part_errors

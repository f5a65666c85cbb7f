import collections
import functools
import inspect

from lathe_containers import mapping

ArgSpec = collections.namedtuple("ArgSpec", "args varargs keywords defaults")


def getargspec(fn):
    return ArgSpec(*inspect.getfullargspec(fn)[:4])


def matching_args(fn, dictionary):
    """Those of the items that the function takes."""
    spec = getargspec(fn)
    if spec.keywords:
        return dictionary
    return mapping.split_by_criteria(dictionary, spec.args).included


def error_wrapper(fn, error_class):
    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        try:
            return fn(*args, **kwargs)
        except Exception as error:
            raise error_class(error) from error

    return wrapper

"""How a stand-in says that it has no more than scripts use."""

import sys
import types


def sentence(name, package):
    return (f"{name} is not in lathe's stand-in for {package}, which has what scripts use of it; the "
            f"whole package comes with: pip install {package.replace('_', '-')}")


def of(module):
    """A module's __getattr__: names that are not there are refused with a sentence."""
    def get(name):
        raise AttributeError(sentence(f"{module}.{name}", module.split(".")[0]))

    return get


def module(name, why):
    """A part of a container that is no script's business: importing it works, using it is refused."""
    def get(attribute):
        raise AttributeError(f"{name}.{attribute} is not there: {why}")

    made = types.ModuleType(name, why)
    made.__getattr__ = get
    return made


def refuse(name, why):
    raise NotImplementedError(f"{name} is not there: {why}")


def function(name, why):
    return lambda *_, **__: refuse(f"{name}()", why)


SERVED = "lathe itself serves the functions of the inference script (model_fn, input_fn, predict_fn, " \
         "output_fn, transform_fn)"
RUN = "lathe itself starts the training script"
ONE_HOST = "lathe trains on one host"


def _shell(name, source):
    """A module of another name with what `source` has, that refuses the rest under its own."""
    made = types.ModuleType(name, source.__doc__)
    made.__dict__.update({key: value for key, value in vars(source).items()
                          if not (key.startswith("__") and key.endswith("__"))})
    made.__getattr__ = vars(source).get("__getattr__") or of(name)
    return made


def shells(package, modules):
    """Gives a package submodules, {name: the module that lies behind it}."""
    for name, source in modules.items():
        made = sys.modules[f"{package}.{name}"] = _shell(f"{package}.{name}", source)
        setattr(sys.modules[package], name, made)

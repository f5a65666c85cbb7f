from lathe_containers import (
    absent, content_types, encoders, entry_point, environment, errors, files, functions, logs, mapping,
    modules, params, recordio, transformer, worker)

# The newer versions' names, and without the underscore the older ones'.
_NAMES = {"content_types": content_types, "encoders": encoders, "env": environment, "errors": errors,
          "files": files, "functions": functions, "logging": logs, "mapping": mapping,
          "modules": modules, "params": params, "recordio": recordio, "transformer": transformer,
          "worker": worker}
absent.shells(__name__, {**{f"_{name}": module for name, module in _NAMES.items()}, **_NAMES,
                         "entry_point": entry_point})


def training_env():
    return environment.TrainingEnv()


__getattr__ = absent.of(__name__)

from lathe_containers import (
    absent, content_types, encoders, entry_point, environment, errors, files, functions, logs, mapping,
    modules, params, recordio)

absent.shells(__name__, {
    "content_types": content_types, "encoders": encoders, "entry_point": entry_point,
    "environment": environment, "errors": errors, "files": files, "functions": functions,
    "logging_config": logs, "mapping": mapping, "modules": modules, "params": params,
    "recordio": recordio,
    **{name: absent.module(f"{__name__}.{name}", absent.RUN) for name in ("process", "runner", "trainer")},
    **{name: absent.module(f"{__name__}.{name}", absent.ONE_HOST)
       for name in ("mpi", "smdataparallel", "torch_distributed", "pytorch_xla")}})
__getattr__ = absent.of(__name__)

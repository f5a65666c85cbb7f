from lathe_containers import absent
from sagemaker_containers import (  # noqa: F401
    content_types, encoders, entry_point, env, errors, files, functions, logging, mapping, modules,
    params, transformer, worker)

mpi = absent.module(f"{__name__}.mpi", absent.ONE_HOST)
process, runner, trainer = (absent.module(f"{__name__}.{name}", absent.RUN)
                            for name in ("process", "runner", "trainer"))
server = absent.module(f"{__name__}.server", absent.SERVED)


def training_env(resource_config=None, input_data_config=None, hyperparameters=None):
    return env.TrainingEnv(resource_config, input_data_config, hyperparameters)


__getattr__ = absent.of(__name__)

import importlib
import os

from lathe_containers import absent

DEFAULT_MODULE_NAME = "default_user_module_name"


def exists(name):
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def has_requirements(path):
    return os.path.exists(os.path.join(path, "requirements.txt"))


def _refuse(name):
    return absent.function(f"modules.{name}", "lathe itself prepares a job's source; import a module "
                                              "of it by its name")


download_and_install, import_module, install, install_requirements, prepare, run, run_module = map(
    _refuse, ("download_and_install", "import_module", "install", "install_requirements", "prepare",
              "run", "run_module"))

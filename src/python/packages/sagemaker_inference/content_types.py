from lathe_containers import absent
from lathe_containers.content_types import *  # noqa: F401, F403

NPZ = "application/x-npz"
__getattr__ = absent.of(__name__)

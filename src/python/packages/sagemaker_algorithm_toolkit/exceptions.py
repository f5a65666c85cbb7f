from lathe_containers.toolkit_errors import *  # noqa: F401, F403

"""Experiments, trials and their components, through the API: what the server has not built it refuses
by the operation's name."""

from lathe_containers import absent

__getattr__ = absent.of(__name__)

from lathe_containers import absent
from smexperiments.records import TrialComponentArtifact, TrialComponentStatus  # noqa: F401

__getattr__ = absent.of(__name__)

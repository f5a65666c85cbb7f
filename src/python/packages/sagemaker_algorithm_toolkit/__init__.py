from lathe_containers import absent

__getattr__ = absent.of(__name__)

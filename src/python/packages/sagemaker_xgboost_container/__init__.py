from lathe_containers import absent

absent.shells(__name__, {
    "training": absent.module(f"{__name__}.training", absent.RUN),
    **{name: absent.module(f"{__name__}.{name}", absent.SERVED) for name in ("serving", "serving_mms")}})
__getattr__ = absent.of(__name__)

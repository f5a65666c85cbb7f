from lathe_containers import absent

absent.shells(__name__, {
    "training": absent.module(f"{__name__}.training", absent.RUN),
    "serving_mms": absent.module(f"{__name__}.serving_mms", absent.SERVED)})
__getattr__ = absent.of(__name__)

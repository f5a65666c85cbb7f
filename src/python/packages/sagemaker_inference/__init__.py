from lathe_containers import absent

absent.shells(__name__, {name: absent.module(f"{__name__}.{name}", absent.SERVED)
                         for name in ("default_handler_service", "model_server", "transformer")})
__getattr__ = absent.of(__name__)

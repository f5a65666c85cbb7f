from lathe_containers import absent, environment


def _wait_hostname_resolution():
    """One host finds itself."""
    if len(environment.read_resource_config()["hosts"]) > 1:
        absent.refuse("entry_point._wait_hostname_resolution", absent.ONE_HOST)


install = absent.function("entry_point.install", absent.RUN)
run = absent.function("entry_point.run", absent.RUN)

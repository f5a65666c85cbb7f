"""One host trains by itself; more would need others to speak with."""

from lathe_containers import absent


def wait_hostname_resolution(sm_hosts):
    if len(sm_hosts) > 1:
        absent.refuse(f"{__name__}.wait_hostname_resolution with {len(sm_hosts)} hosts",
                        absent.ONE_HOST)


def rabit_run(exec_fun, args, include_in_training, hosts, current_host, first_port=None,
              second_port=None, max_connect_attempts=None, connect_retry_timeout=10,
              update_rabit_args=False):
    if len(hosts) > 1:
        absent.refuse(f"{__name__}.rabit_run with {len(hosts)} hosts", absent.ONE_HOST)
    if not include_in_training:
        raise RuntimeError("No hosts received training data.")
    if update_rabit_args:
        args.update(is_master=True)
    exec_fun(**args)


class RabitHelper:
    rank, world_size = 0, 1

    def __init__(self, is_master, current_host, master_port):
        self.is_master, self.current_host, self.master_port = is_master, current_host, master_port

    def synchronize(self, data):
        return [data]


class Rabit:
    def __init__(self, hosts, current_host=None, master_host=None, port=None,
                 max_connect_attempts=None, connect_retry_timeout=3):
        if len(hosts) > 1:
            absent.refuse(f"{__name__}.Rabit with {len(hosts)} hosts", absent.ONE_HOST)
        self.current_host, self.port = current_host or hosts[0], port or 9099
        self.is_master_host = True

    def start(self):
        return RabitHelper(True, self.current_host, self.port)

    def stop(self):
        pass

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


__getattr__ = absent.of(__name__)

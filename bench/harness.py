"""What the rows of the benchmark share: registering, measuring in turns, and reporting.

A row compares lathe with a peer, or with a limit of its own, on one machine in one run. Its
function is a generator: it prepares, checks that both sides' results are equal, and then yields
one round after the other, each measured on both sides in turn. See README.md.
"""

import dataclasses
import datetime
import hashlib
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from lathe_server import Server  # noqa: E402


class WrongResult(Exception):
    """The two sides did not compute the same: there is nothing to time."""


# How a round's two numbers become a ratio, the larger the better for lathe.
RATIOS = {
    "time": lambda ours, peer: peer / ours,   # less is better
    "size": lambda ours, peer: peer / ours,
    "rate": lambda ours, peer: ours / peer,   # more is better
}


@dataclasses.dataclass
class Row:
    name: str
    goal: float
    kind: str    # "time", "size" or "rate"
    unit: str    # of both numbers
    ours: str    # what was measured on our side
    peer: str    # the peer and its settings, or the limit
    measure: object = None


@dataclasses.dataclass
class Result:
    row: Row
    rounds: list   # (ours, peer)
    notes: list

    @property
    def ratios(self):
        return [RATIOS[self.row.kind](ours, peer) for ours, peer in self.rounds]

    @property
    def ratio(self):
        return statistics.median(self.ratios)

    def last_line(self):
        return f"{self.row.name} ratio={self.ratio:.3g} goal={self.row.goal:g}"


ROWS = {}


def rows(*declared):
    """Registers a function that measures these rows together: it takes a Bench and yields one
    dict a round, from each row's name to (ours, peer)."""
    def register(function):
        for row in declared:
            if row.name in ROWS:
                raise ValueError(f"two rows are named {row.name}")
            row.measure = function
            ROWS[row.name] = row
        return function
    return register


class Bench:
    """What a row's function works with."""

    def __init__(self, binary, rounds):
        self.binary = pathlib.Path(binary)
        self.rounds = range(rounds)
        self.notes = []
        self._servers = []
        # On the checkout's disk: the speed of /tmp, which may be memory, is nobody's lake.
        folder = ROOT / "build/bench"
        folder.mkdir(parents=True, exist_ok=True)
        self._scratch = tempfile.TemporaryDirectory(dir=folder)
        self.scratch = pathlib.Path(self._scratch.name)

    def note(self, text):
        """Says what was run, or a limit of the machine: printed, and kept in the results."""
        print(f"  {text}", flush=True)
        self.notes.append(text)

    def check(self, equal, text):
        if not equal:
            raise WrongResult(text)

    def server(self, **options):
        home = self.scratch / f"home-{len(self._servers)}"
        self._servers.append(Server(self.binary, home, **options))
        return self._servers[-1]

    def data(self, name):
        folder = pathlib.Path(os.environ.get("LATHE_TEST_DATA", ROOT.parent / "shared/data"))
        if not (folder / name).exists():
            raise FileNotFoundError(f"real data: {folder / name} is not there (LATHE_TEST_DATA)")
        return folder / name

    def close(self):
        for server in self._servers:
            server.stop()
        self._scratch.cleanup()


def measure(function, wanted, binary, rounds):
    """Runs one function; the results of the wanted rows."""
    bench = Bench(binary, rounds)
    found = {row.name: [] for row in wanted}
    try:
        for measured in function(bench):
            for name in found:
                found[name].append(measured[name])
    finally:
        bench.close()
    return [Result(row, found[row.name], bench.notes) for row in wanted]


# --- reporting ----------------------------------------------------------------------------------


def spread(values):
    """(lower quartile, median, upper quartile)"""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, statistics.median(values), high


def table(result):
    row = result.row
    lines = [f"| {row.name} | median | quartiles | unit |", "| --- | --- | --- | --- |"]
    for label, index in ((row.ours, 0), (row.peer, 1)):
        low, middle, high = spread([pair[index] for pair in result.rounds])
        lines.append(f"| {label} | {middle:.4g} | {low:.4g} to {high:.4g} | {row.unit} |")
    low, middle, high = spread(result.ratios)
    lines.append(f"| ratio (goal {row.goal:g}) | {middle:.3g} | {low:.3g} to {high:.3g} | |")
    return lines


def machine():
    model = platform.processor() or "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, "
            f"{platform.system()} {platform.release()}")


def versions(packages):
    from importlib import metadata
    found = []
    for package in packages:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            pass
    compiler = subprocess.run(["cc", "--version"], stdout=subprocess.PIPE, text=True, check=True)
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return ", ".join([f"lathe {commit.stdout.strip() or 'without git'}",
                      compiler.stdout.splitlines()[0], *found])


def section(result, environment):
    day = datetime.date.today().isoformat()
    lines = [f"## {result.row.name}", "", *table(result), "", *(f"- {n}" for n in result.notes),
             f"- {len(result.rounds)} rounds on {day}; {environment}", "",
             f"    {result.last_line()}", ""]
    return "\n".join(lines)


INTRODUCTION = """# Results

Written by `./dev bench`: medians of interleaved rounds, the larger the ratio the better. Each
section says on what it was measured; `./dev bench NAME` measures one row again.
"""


def write_results(path, results, environment):
    """Replaces the results' sections of the file and leaves the other rows' as they are."""
    old = path.read_text() if path.exists() else ""
    sections = {match[1]: match[0].rstrip() + "\n"
                for match in re.finditer(r"^## (\S+)\n.*?(?=^## |\Z)", old, re.M | re.S)}
    for result in results:
        sections[result.row.name] = section(result, environment)
    known = [name for name in ROWS if name in sections]
    path.write_text(INTRODUCTION + "\n" + "\n".join(sections[name] for name in known))


# --- what several rows need ---------------------------------------------------------------------


def fsync_milliseconds(bench):
    """What a commit's wait costs on the disk of the bench, by the median."""
    times = []
    with open(bench.scratch / "synced", "wb", buffering=0) as file:
        for _ in range(30):
            file.write(b"x" * 4096)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def sha256_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def status_value(pid, field):
    """A size from /proc/<pid>/status in bytes, or 0 where the process is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    match = re.search(rf"^{field}:\s+(\d+) kB", text, re.M)
    return int(match[1]) * 1024 if match else 0


def share_of_memory(pid):
    """What a process holds, in bytes; a page that several have mapped is divided among them."""
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    match = re.search(r"^Pss:\s+(\d+) kB", text, re.M)
    return int(match[1]) * 1024 if match else 0


def reset_peak(pid):
    """Lets VmHWM count anew from the present size."""
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def cpu_seconds(pid):
    """User and system time of a process and of those children that it waited for."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def descendants(pid):
    found = [pid]
    for parent in found:
        try:
            for task in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
                found.extend(int(child) for child in task.read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            pass  # it ended meanwhile
    return found

"""Hold the house to its rules: floors, floor 0's plainness, a README a folder, sizes.

    python3 tools/check_floors.py [--build FOLDER]

Findings fail; sizes beyond the style's are warnings. With a build folder (without sanitizers) the
objects of liblathe are read too: which outside symbols they use, and whether they hold writable
globals. The floors stand in tools/floors.txt.
"""

import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
FILE_LINES = 600
FUNCTION_LINES = 60

# What floor 0 may include from outside: the C library, POSIX, threads, zlib, and the compiler's
# own headers for SIMD.
PLAIN_HEADERS = set("""
    assert.h ctype.h errno.h fenv.h float.h inttypes.h limits.h math.h setjmp.h stdalign.h stdarg.h
    stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h stdnoreturn.h string.h tgmath.h time.h
    dirent.h fcntl.h pthread.h sched.h strings.h sys/mman.h sys/stat.h sys/types.h unistd.h
    zlib.h immintrin.h arm_neon.h cpuid.h
""".split())

# What one room keeps to itself: its header shows nothing of it.
OWNERS = {"sqlite3.h": "store"}

# What floor 0 may not call although the C library has it: it neither prints nor exits, and keeps
# no state of the process.
FORBIDDEN_SYMBOLS = set("""
    abort exit _exit quick_exit system popen fork execv execve signal sigaction setenv putenv
    setlocale printf vprintf puts putchar perror stdout stderr stdin rand srand random srandom
    strtok drand48 strerror localtime gmtime ctime asctime
""".split())
# Symbols that the compiler and the linker bring along.
TOOLCHAIN_SYMBOLS = re.compile(r"^(_GLOBAL_OFFSET_TABLE_|__stack_chk_\w+|__cpu_(model|features2|indicator_init)|__tls_get_addr"
                               r"|__aarch64_\w+|__(u?(div|mod)ti3)|__popcountdi2|__gcc_\w+|_dl_\w+"
                               r"|__(a|t|ub)san_\w+)$")  # the last: a sanitized build's


class House:
    def __init__(self):
        self.floors, self.uses, self.liblathe = {}, {}, []
        for line in (ROOT / "tools/floors.txt").read_text().splitlines():
            head, _, used = line.split("#")[0].partition(" uses ")
            words = head.split()
            if words:
                self.floors[words[0]] = float(words[1])
                self.uses[words[0]] = set(used.split())
                if "liblathe" in words:
                    self.liblathe.append(words[0])
        self.findings, self.warnings = [], []

    def check_folder(self, folder):
        if folder.name not in self.floors:
            self.findings.append(f"src/{folder.name}: no floor in tools/floors.txt")
        if not (folder / "README.md").exists():
            self.findings.append(f"src/{folder.name}: no README.md")

    def check_file(self, path, room):
        name = path.relative_to(ROOT)
        lines = path.read_text().splitlines()
        plain = self.floors.get(room, 1) < 1
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            bracket, header = match.groups()
            problem = self.include_problem(room, plain, bracket, header)
            if problem:
                self.findings.append(f"{name}:{number}: {problem}")
        if len(lines) > FILE_LINES:
            self.warnings.append(f"{name}: {len(lines)} lines")
        self.check_functions(name, lines)

    def include_problem(self, room, plain, bracket, header):
        if bracket == "<":
            if plain and header not in PLAIN_HEADERS:
                return f"<{header}>: floor 0 is plain C"
            if OWNERS.get(header, room) != room:
                return f"<{header}>: only {OWNERS[header]} knows what is below it"
            return None
        other = header.split("/")[0] if "/" in header else None
        if other is None or other == room:
            return None
        if other not in self.floors:
            return f'"{header}": no such room'
        if self.floors[other] >= self.floors.get(room, 99):
            return (f'"{header}": {other} is on floor {self.floors[other]:g}, '
                    f"{room} on {self.floors.get(room, 99):g}")
        if other not in self.uses.get(room, ()):
            return f'"{header}": tools/floors.txt does not say that {room} uses {other}'
        if header.endswith("_inside.h"):
            return f'"{header}": is for the files of {other} alone'
        return None

    def check_functions(self, name, lines):
        # clang-format puts a function's braces, and nothing else's opening one, in column 0.
        start = None
        for number, line in enumerate(lines, 1):
            if line == "{":
                start = number
            elif line == "}" and start is not None:
                if number - start - 1 > FUNCTION_LINES:
                    head = next((text for text in reversed(lines[:start - 1])
                                 if text and not text[0].isspace()), "?")
                    function = re.search(r"(\w+)\(", head)
                    self.warnings.append(f"{name}:{start}: {function[1] if function else head} "
                                         f"has {number - start - 1} lines")
                start = None

    def check_objects(self, build):
        archives = [build / f"liblathe_{room}.a" for room in self.liblathe]
        archives = [str(archive) for archive in archives if archive.exists()]
        if not archives:
            self.findings.append(f"{build}: no objects of liblathe there; ./dev build first")
            return
        defined, wanted = set(), {}
        for line in run("nm", "-A", *archives):
            place, symbol = line.split(":", 1)[0], line.split()
            if len(symbol) < 2:
                continue
            kind, name = symbol[-2], symbol[-1].split("@")[0]
            if kind in ("U", "w"):
                wanted.setdefault(name, pathlib.Path(place).name)
            else:
                defined.add(name)
        offered = plain_library_symbols()
        for name, place in sorted(wanted.items()):
            if name in defined or TOOLCHAIN_SYMBOLS.match(name):
                continue
            if name in FORBIDDEN_SYMBOLS:
                self.findings.append(f"{place}: uses {name}, which floor 0 may not")
            elif name not in offered:
                self.findings.append(f"{place}: uses {name}, which is in none of libc, libm, libz")
        self.check_globals(archives)

    def check_globals(self, archives):
        for line in run("objdump", "-t", *archives):
            match = re.search(r" O (\.(?:data|bss)(?!\.rel\.ro)\S*)\s+\w+\s+(?:\.hidden )?(\S+)$",
                              line)
            if match and not match[2].startswith("__odr_asan."):
                self.findings.append(f"liblathe: {match[2]} is a writable global ({match[1]})")


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()


def plain_library_symbols():
    symbols = set()
    for library in ("libc.so.6", "libm.so.6", "libz.so"):
        path = run("gcc", f"-print-file-name={library}")[0]
        for line in run("nm", "-D", "--defined-only", path):
            symbols.add(line.split()[-1].split("@")[0])
    return symbols


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--warnings", action="store_true", help="list the warnings")
    options = parser.parse_args()
    house = House()
    for folder in sorted((ROOT / "src").iterdir()):
        if folder.is_dir():
            house.check_folder(folder)
            for path in sorted([*folder.rglob("*.c"), *folder.rglob("*.h")]):
                house.check_file(path, folder.name)
    if options.build:
        house.check_objects(options.build)
    for finding in house.findings:
        print(finding)
    if options.warnings:
        for warning in house.warnings:
            print("warning:", warning)
    print(f"the house: {len(house.findings)} findings, {len(house.warnings)} warnings "
          f"(files over {FILE_LINES} lines, functions over {FUNCTION_LINES})")
    return 1 if house.findings else 0


sys.exit(main())

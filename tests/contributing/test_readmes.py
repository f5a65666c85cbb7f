"""The READMEs are true where a machine can tell: what they name is there, dependencies are those that
the sources use, rooms use what is said."""

import re

import pytest

from contributing.house import ROOT

README = (ROOT / "README.md").read_text()
ALL = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "src").rglob("README.md"),
              *(ROOT / "examples").rglob("README.md"), ROOT / "bench/README.md",
              ROOT / "tools/mleap_fixtures/README.md"])
# What a third library's headers begin with: the README's word for it, its Debian package and its
# name for pkg-config (or none: CMake finds it).
LIBRARIES = {
    "jq.h": ("libjq", "libjq-dev", None),
    "glib": ("GLib", "libglib2.0-dev", "glib-2.0"), "jansson.h": ("Jansson", "libjansson-dev", "jansson"),
    "libfyaml.h": ("libfyaml", "libfyaml-dev", "libfyaml"),
    "microhttpd.h": ("libmicrohttpd", "libmicrohttpd-dev", "libmicrohttpd"),
    "openssl/": ("OpenSSL", "libssl-dev", None), "zlib.h": ("zlib", "zlib1g-dev", None),
    "archive": ("libarchive", "libarchive-dev", "libarchive"),
    "snappy-c.h": ("libsnappy", "libsnappy-dev", "snappy"),
    "curl/": ("libcurl", "libcurl4-openssl-dev", None),
    "lapacke.h": ("LAPACK", "liblapacke-dev", None),
    "pcre2.h": ("libpcre2", "libpcre2-dev", "libpcre2-8"),
    "sqlite3.h": ("SQLite", "libsqlite3-dev", "sqlite3"),
}
# The C library, Linux and the compiler.
SYSTEM = re.compile(r"^((sys|linux|arpa|net|netinet|sanitizer)/.*|(arm_neon|assert|ctype|dirent|dlfcn|errno|fcntl|float|grp|"
                    r"immintrin|inttypes|limits|locale|math|netdb|poll|pthread|sched|setjmp|signal|std\w+|string|strings|"
                    r"time|ucontext|unistd)\.h)$")


@pytest.mark.parametrize("readme", ALL, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(readme):
    links = re.findall(r"\]\(([^)#:]+)\)", readme.read_text())
    assert [link for link in links if not (readme.parent / link).exists()] == []


@pytest.mark.parametrize("readme", ALL, ids=lambda path: str(path.relative_to(ROOT)))
def test_sources_that_are_named_are_there(readme):
    """By a path below the README's folder, the repository, src/ or tests/, or by a name below src/
    or tests/."""
    names = set(re.findall(r"`([\w./-]+\.(?:c|h|py|sh|cmake|yaml))`", readme.read_text()))
    names |= {f"{name}/" for name in re.findall(r"`((?:src|tests|tools|bench|examples)/[\w/]+)`",
                                                readme.read_text())}
    places = (readme.parent, ROOT, ROOT / "src", ROOT / "tests")

    def there(name):
        return (re.search(r"(^|/)[A-Z]+[/.]|[A-Z]{4,}", name) or any((place / name).exists() for place in places)
                or any((ROOT / "src").rglob(name)) or any((ROOT / "tests").rglob(name)))
    assert [name for name in sorted(names) if not there(name)] == []


def test_what_works_names_tests_that_are_there():
    rows = re.findall(r"^\| .* \| works \| (.*) \|$", README, re.M)
    assert len(rows) > 25
    for row in rows:
        tests = re.findall(r"`(\w+/test_\w+\.\w+)`", row)
        assert tests, row
        assert [test for test in tests if not (ROOT / "tests" / test).exists()] == []


def included():
    return {header for folder in ("src", "include") for path in (ROOT / folder).rglob("*.[ch]")
            for header in re.findall(r"^#include <(.*)>", path.read_text(), re.M)}


def test_dependencies_are_those_that_are_used():
    third = {header for header in included() if not SYSTEM.match(header) and header != "lathe.h"}
    used = {begin for begin in LIBRARIES for header in third if header.startswith(begin)}
    assert used == set(LIBRARIES), "a library of the list is no longer used"
    assert [header for header in third if not header.startswith(tuple(LIBRARIES))] == []


def test_dependencies_stand_in_the_readme_the_packages_and_the_build():
    table = README.split("## Dependencies")[1].split("\n## ")[0]
    packages = {line.split()[1].split(":")[0]
                for line in (ROOT / "tools/packages.txt").read_text().splitlines()
                if line and line[0] != "#"}
    libraries = {name for name in packages if re.match(r"(lib|zlib).*-dev$", name)}
    modules = re.search(r"foreach\(module ([^)]*)\)", (ROOT / "cmake/server.cmake").read_text())[1]
    assert [word for word, _, _ in LIBRARIES.values() if word not in table] == []
    tools = {"libc6-dev", "libcmocka-dev", "libclang-rt-14-dev"}
    assert libraries - tools == {package for _, package, _ in LIBRARIES.values()}
    assert set(modules.split()) == {module for _, _, module in LIBRARIES.values() if module}


def test_the_tests_references_stand_in_the_readme():
    words = README.split("## Dependencies")[1].split("\n## ")[0].lower().replace("-", "")
    names = re.findall(r"^([\w-]+)", (ROOT / "tests/requirements.in").read_text() +
                       (ROOT / "tests/requirements-spark.in").read_text() +
                       (ROOT / "tests/requirements-mlflow.in").read_text() +
                       (ROOT / "tests/requirements-airflow.in").read_text(), re.M)
    plain = {name.removesuffix("-cpu").replace("-", "") for name in names} - {"pytesttimeout"}
    assert [name for name in sorted(plain) if name not in words] == []


def test_a_room_may_use_what_its_readme_says():
    uses = {line.split()[0]: set(line.partition(" uses ")[2].split())
            for line in (ROOT / "tools/floors.txt").read_text().splitlines() if line[:1].isalpha()}
    found = 0
    for room in uses:
        text = re.sub(r"\([^)]*\)", "", (ROOT / "src" / room / "README.md").read_text())
        said = re.search(r"[Mm]ay\s+use\s+((?:`\w+`(?:,\s+|\s+and\s+|\s+)?)+)", text)
        if said:
            found += 1
            assert set(re.findall(r"`(\w+)`", said[1])) == uses[room], room
    assert found > 5


def test_the_rooms_stand_in_the_readme():
    rooms = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()}
    assert set(re.findall(r"\]\(src/(\w+)\)", README)) == rooms


def test_dev_help_names_every_verb_and_preset():
    dev = (ROOT / "dev").read_text()
    usage = dev.split("cat <<'END'")[1].split("END")[0]
    verbs = re.findall(r"^(\w+)(?: \|[^)]*)?\) ", dev.split("case $verb in")[1], re.M)
    assert set(re.findall(r"^  (\w+)", usage, re.M)) == set(verbs)
    presets = re.findall(r'"name": "(\w+)"', (ROOT / "CMakePresets.json").read_text())
    assert [preset for preset in presets if preset not in usage] == []

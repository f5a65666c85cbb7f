"""The models' Java patterns after their translation: GLib's answer against Python's, on strings
that match and on the same strings with one character changed."""

import ctypes
import importlib.util
import pathlib
import random
import re

import botocore.session
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


shapes = load("shapes", ROOT / "tools/shapes.py")
values = load("values", ROOT / "tests/wire/values.py")
# Where Python has no such class, or another idea of it, only matches are compared.
DIFFERENT = re.compile(r"\\p|\\[SWD]|\(\?")


class GLib:
    def __init__(self):
        self.glib = ctypes.CDLL("libglib-2.0.so.0")
        self.glib.g_regex_new.restype = ctypes.c_void_p
        self.glib.g_regex_match.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int,
                                            ctypes.c_void_p]

    def compile(self, pattern):
        regex = self.glib.g_regex_new(pattern.encode(), 0, 0, None)
        assert regex, pattern
        return lambda text: bool(self.glib.g_regex_match(regex, text.encode(), 0, None))


def patterns():
    session = botocore.session.get_session()
    found = {}
    for service in shapes.read_lines(ROOT / "tools/services.txt"):
        for shape in shapes.service_model(session, service)._service_description["shapes"].values():
            if "pattern" in shape:
                found.setdefault(shape["pattern"], service)
    return sorted(found)


def test_there_are_hundreds():
    assert len(patterns()) > 500


@pytest.mark.parametrize("java", patterns())
def test_pattern(java):
    if re.search(r"\\[1-9]", java):
        pytest.skip("no strings are made up for references to groups")
    counts = re.findall(r"\d+", "".join(re.findall(r"\{[\d,]+\}", java)))
    if any(int(count) > 65535 for count in counts):
        pytest.skip("GLib counts to 65,535: the build fails where a shape that is built has more")
    glib = GLib().compile(r"\A(?:%s)\z" % shapes.translate(java))
    python = re.compile(values.as_python(java), re.ASCII)
    rng = random.Random(java)
    judged = 0
    for longest in (0, 1, 2, 5, 20) * 4:
        text = values.FromPattern(rng, longest)(java)
        if "\0" in text:
            continue
        if python.fullmatch(text):
            judged += 1
            assert glib(text), text
        # Python backtracks without a limit: long texts would take for ever to be refused.
        if DIFFERENT.search(java) or len(text) > 12:
            continue
        for _ in range(5):
            at = rng.randrange(len(text) + 1)
            odd = rng.choice(" _-/.:@#\n\u00e9\u096b aZ9")  # letters and digits of other scripts too
            changed = text[:at] + odd + text[at + rng.randint(0, 1):]
            # Java's, Python's and PCRE's idea of the end differ on a last line break alone.
            if changed.endswith("\n") or ("." in java and "\n" in changed):
                continue
            assert glib(changed) == bool(python.fullmatch(changed)), changed
    assert judged or r"\b" in java  # whose strings are found by luck only

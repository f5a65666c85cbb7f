"""Homes that earlier lathes made open with this one, and everything is in them."""

import pathlib
import shutil
import sqlite3
import sys

import pytest

HOMES = pathlib.Path(__file__).resolve().parent.parent / "store/homes"
sys.path.append(str(HOMES))

import home as homes  # noqa: E402

NUMBERS = sorted(int(path.name) for path in HOMES.iterdir() if path.name.isdigit())


@pytest.fixture
def old_home(tmp_path):
    def copy(number):
        shutil.copytree(HOMES / str(number), tmp_path / "home")
        return tmp_path / "home"
    return copy


def test_every_number_has_a_home(server):
    assert NUMBERS == list(range(1, homes.number_of(server.home) + 1))


@pytest.mark.parametrize("number", NUMBERS)
def test_everything_is_found_in_an_earlier_home(server_factory, old_home, number):
    path = old_home(number)
    assert homes.number_of(path) == number
    server = server_factory(home=path)
    for kind in homes.of_number(number):
        kind.check(server)
    server.stop()
    assert homes.number_of(path) == max(NUMBERS)


def test_a_home_of_a_later_lathe_is_refused(server_factory, old_home):
    path = old_home(max(NUMBERS))
    with sqlite3.connect(path / "meta.db") as database:
        database.execute("PRAGMA user_version = 99")
    server = server_factory(start=False, home=path)
    with pytest.raises(RuntimeError, match="written by a later lathe: its schema is number 99"):
        server.start()

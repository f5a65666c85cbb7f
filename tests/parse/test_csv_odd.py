"""tests/csv/odd/table.txt, which lathe's readers are held to by tests/csv/test_odd.c, against Python's
csv module and DuckDB. Where the table says that a peer reads otherwise, it has to.

(Not in tests/csv/: pytest would make that folder the module `csv`, in place of Python's.)"""

import csv
import io
import json
import math
import pathlib
import re

import pytest

duckdb = pytest.importorskip("duckdb")

FOLDER = pathlib.Path(__file__).parent.parent / "csv" / "odd"


class Refused(Exception):
    pass


def read_table():
    case = None
    for line in (FOLDER / "table.txt").read_text().split("\n"):
        if line.startswith("case "):
            name, *options = line.split()[1:]
            options = dict(option.split("=", 1) for option in options)
            delimiter = options.get("delimiter", ",").replace("tab", "\t")
            case = {"name": name, "delimiter": delimiter, "escape": options.get("escape"), "peers": {},
                    "records": [], "matrix": None}
            yield case
        elif line == "matrix":
            case["matrix"] = []
        elif re.match("python: |duckdb: ", line):
            case["peers"].update([line.split(": ", 1)])
        elif line and not line.startswith("#"):
            case["records" if case["matrix"] is None else "matrix"].append(line)


CASES = list(read_table())


def expected(lines):
    """The records, or Refused where the last line says so."""
    if lines and lines[-1].startswith("refused"):
        raise Refused(lines[-1])
    return [json.loads(line.replace("nan", "NaN").replace("inf", "Infinity")
                       if not '"' in line else line) for line in lines]


def by_python(case):
    try:
        text = (FOLDER / f"{case['name']}.csv").read_bytes().decode("utf-8-sig")
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=case["delimiter"],
                          escapechar=case["escape"], strict=True)
        return [row for row in rows if row]
    except (csv.Error, UnicodeDecodeError) as error:
        raise Refused(error) from None


def by_duckdb(case):
    path = FOLDER / f"{case['name']}.csv"
    records = [json.loads(line) for line in case["records"] if line.startswith("[")]
    width = len(records[0]) if records else 1
    columns = {f"c{i}": "VARCHAR" for i in range(width)}
    try:
        rows = duckdb.connect().execute(
            "SELECT * FROM read_csv(?, auto_detect=false, header=false, columns=?, delim=?, "
            "quote='\"', escape=?, nullstr='no such text')",
            [str(path), columns, case["delimiter"], case["escape"] or '"']).fetchall()
    except duckdb.Error as error:
        raise Refused(error) from None
    return [[field or "" for field in row] for row in rows]


def outcome(read, argument):
    try:
        return read(argument)
    except Refused:
        return "refused"


@pytest.mark.parametrize("peer", ["python", "duckdb"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_peer_reads_the_same(case, peer):
    found = outcome({"python": by_python, "duckdb": by_duckdb}[peer], case)
    same = found == outcome(expected, case["records"])
    if peer in case["peers"]:
        assert not same, f"{peer} reads it as lathe does: its line in the table is out of date"
    else:
        assert same, found


@pytest.mark.parametrize("case", [c for c in CASES if c["matrix"] is not None], ids=lambda case: case["name"])
def test_matrix_is_what_python_makes_of_the_records(case):
    """Each field's float() is the matrix's value, an empty field NaN, and what float() refuses or
    rows of differing lengths are refused."""
    def numbers(case):
        try:
            rows = [[float(field) if field.strip(" \t") else math.nan for field in row]
                    for row in expected(case["records"])]
        except ValueError:
            raise Refused from None
        if len({len(row) for row in rows}) > 1:
            raise Refused
        return rows

    assert str(outcome(numbers, case)) == str(
        [[float(value) for value in row] for row in outcome(expected, case["matrix"])]
        if outcome(expected, case["matrix"]) != "refused" else "refused")


@pytest.mark.parametrize("line", (FOLDER.parent / "sniffed.txt").read_text().splitlines())
def test_delimiter_is_what_python_sniffs(line):
    """But for lines of one field, in which Python takes some character for the delimiter or gives
    up: there lathe says a comma."""
    code, sample = line.split(" ", 1)
    try:
        sniffed = csv.Sniffer().sniff(sample).delimiter
    except csv.Error:
        sniffed = ","
    assert chr(int(code)) == ("," if sniffed.isalnum() or sniffed in "+-._\"'" else sniffed)

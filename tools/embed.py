"""embed.py OUTPUT FOLDER: the text files below FOLDER as a C table, struct python_file of
src/script/python_files.h."""

import pathlib
import sys


def literal(text):
    """A C string literal a line; a line of C may be 4,095 characters."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("??", "?\\?")
    return "\n     ".join(f'"{line}\\n"' for line in escaped.split("\n")[:-1]) or '""'


def main(output, folder):
    root = pathlib.Path(folder)
    rows = []
    for path in sorted(root.rglob("*.py")):
        text = path.read_text("ascii")
        assert not text or text.endswith("\n"), f"{path} does not end with a newline"
        rows.append(f'    {{"{path.relative_to(root).as_posix()}",\n     {literal(text)}}},\n')
    pathlib.Path(output).write_text(
        '#include "script/python_files.h"\n\nconst struct python_file python_files[] = {\n'
        + "".join(rows) + "    {NULL, NULL},\n};\n")


main(*sys.argv[1:])

"""embed.py OUTPUT FOLDER: the Python files below FOLDER as a C table, struct python_file of
src/script/python_files.h. What is below FOLDER/packages is one file, packages.zip, not compressed: a job
has it written faster than many."""

import io
import pathlib
import sys
import zipfile


def escaped(byte):
    plain = 32 <= byte < 127 and byte not in b'"\\?'
    return chr(byte) if plain else f"\\{byte:03o}"


def literal(data):
    """A C string literal a line of the data; a line of C may be 4,095 characters."""
    lines = [line[begin:begin + 1000] for line in data.splitlines(keepends=True)
             for begin in range(0, len(line), 1000)]
    return "\n     ".join(f'"{"".join(map(escaped, line))}"' for line in lines) or '""'


def read(path):
    data = path.read_bytes()
    assert data.isascii(), f"{path} is not ASCII"
    return data


def packed(root):
    """The same bytes for the same files, whenever it is made."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted(root.rglob("*.py")):
            archive.writestr(zipfile.ZipInfo(path.relative_to(root).as_posix()), read(path))
    return out.getvalue()


def main(output, folder):
    root = pathlib.Path(folder)
    packages = root / "packages"
    files = {path.relative_to(root).as_posix(): read(path) for path in sorted(root.rglob("*.py"))
             if packages not in path.parents}
    files["packages.zip"] = packed(packages)
    rows = "".join(f'    {{"{name}",\n     {literal(data)},\n     {len(data)}}},\n'
                   for name, data in files.items())
    pathlib.Path(output).write_text(
        '#include "script/python_files.h"\n\nconst struct python_file python_files[] = {\n'
        + rows + "    {NULL, NULL, 0},\n};\n")


main(*sys.argv[1:])

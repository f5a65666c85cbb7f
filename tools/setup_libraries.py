"""Fetch the two libraries that Debian does not carry, verified by hash, into the folder given.

    <folder>/xgboost/libxgboost.so   XGBoost 3.2, from the wheel that tools/xgboost.txt pins
    <folder>/duckdb/libduckdb.so     DuckDB 1.5, from an npm package, and its header duckdb.h

Nothing of the packages is run. lathe opens both with dlopen, in job processes only.
"""

import base64
import hashlib
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

TOOLS = pathlib.Path(__file__).parent

# npm package, its sha512 (npm's "integrity"), the member wanted. The C API only grows, so the
# newest header that npm carries fits the newer library.
NPM_MEMBERS = [
    ("@duckdb/node-bindings-linux-x64@1.5.6-r.1",
     "IXcrZJE6kEqM0Z4wwdVnGBHX/frOS33VPNAwDXQ/Q+Fs84b058Qe94chrCCIcNJlG8Y3UHIUU4eBeCQxW5mN1Q==",
     "package/libduckdb.so"),
    ("duckdb@1.4.4",
     "hEJJ5hyVF0VLj3dmOLpsWrQR0b3d4Ykqtygm6iUXjHJDDnSqg/USKxcb5qvNrOhFYPgktayU6dXCtgPqcmmpog==",
     "package/src/duckdb/src/include/duckdb.h"),
]

# The wheel's library looks for its OpenMP runtime where pip would have put it.
WHEEL_RUNPATH = b"$ORIGIN/../../xgboost_cpu.libs"


def fetch_xgboost(folder, scratch):
    print("setup: XGBoost 3.2's library, for training with images tagged 2 and later")
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                    "--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:",
                    "--dest", scratch, "-r", TOOLS / "xgboost.txt"], check=True)
    [wheel] = scratch.glob("xgboost_cpu-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name == "xgboost/lib/libxgboost.so":
                library = archive.read(name)
                if library.count(WHEEL_RUNPATH) != 1:
                    raise SystemExit(f"setup: {name} of {wheel.name}: expected one run path "
                                     f"{WHEEL_RUNPATH.decode()}")
                library = library.replace(WHEEL_RUNPATH,
                                          b"$ORIGIN".ljust(len(WHEEL_RUNPATH), b"\0"))
                (folder / "libxgboost.so").write_bytes(library)
            elif name.startswith("xgboost_cpu.libs/libgomp"):
                (folder / pathlib.PurePath(name).name).write_bytes(archive.read(name))


def fetch_npm(package, integrity, member, folder, scratch):
    print(f"setup: {pathlib.PurePath(member).name} of {package}, for SQL and Parquet")
    packed = subprocess.run(["npm", "pack", "--silent", "--ignore-scripts", package], cwd=scratch,
                            check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1]
    content = (scratch / packed).read_bytes()
    found = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != integrity:
        raise SystemExit(f"setup: {package}: its sha512 is {found}, and {integrity} is pinned")
    with tarfile.open(scratch / packed) as archive:
        with archive.extractfile(member) as source, \
             open(folder / pathlib.PurePath(member).name, "wb") as target:
            shutil.copyfileobj(source, target)


def main():
    root = pathlib.Path(sys.argv[1])
    for name in ("xgboost", "duckdb"):
        shutil.rmtree(root / name, ignore_errors=True)
        (root / name).mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        fetch_xgboost(root / "xgboost", pathlib.Path(scratch))
        for package, integrity, member in NPM_MEMBERS:
            fetch_npm(package, integrity, member, root / "duckdb", pathlib.Path(scratch))


main()

"""Fetch what tools/spark.txt pins by Maven, verified by hash, into the jars of the PySpark in the
virtual environment given: where Spark's own programs look for them, too.

The repository is Maven's own setting (a mirror of ~/.m2/settings.xml). Nothing of it is run.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

PINS = pathlib.Path(__file__).parent / "spark.txt"
KEPT = ".lathe"  # the names of what was put there

POM = """<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>lathe</groupId><artifactId>spark</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>{}</dependencies>
</project>
"""
# The pins are whole: what a jar of them asks for beside them is Spark's own, or not used.
DEPENDENCY = """
    <dependency>
      <groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>
      <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>
    </dependency>"""


def pins():
    for line in PINS.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            coordinates, digest = line.split()
            yield coordinates.split(":"), digest


def name_of(coordinates):
    return f"{coordinates[1]}-{coordinates[2]}.jar"


def fetch(wanted, scratch):
    (scratch / "pom.xml").write_text(POM.format("".join(
        DEPENDENCY.format(*coordinates) for coordinates, _ in wanted)))
    subprocess.run(["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime",
                    f"-DoutputDirectory={scratch / 'jars'}"], cwd=scratch, check=True)


def place(coordinates, digest, scratch, folder):
    name = name_of(coordinates)
    fetched = scratch / "jars" / name
    found = hashlib.sha256(fetched.read_bytes()).hexdigest()
    if found != digest:
        raise SystemExit(f"setup: {':'.join(coordinates)}: its sha256 is {found}, and {digest} is "
                         "pinned")
    shutil.copyfile(fetched, folder / f".{name}.part")
    os.replace(folder / f".{name}.part", folder / name)


def remove_earlier(folder):
    kept = folder / KEPT
    for name in kept.read_text().split() if kept.exists() else []:
        (folder / name).unlink(missing_ok=True)


def main():
    [folder] = pathlib.Path(sys.argv[1]).glob("lib/python3*/site-packages/pyspark/jars")
    wanted = list(pins())
    print(f"setup: S3 for Spark, {len(wanted)} jars by Maven into {folder}")
    with tempfile.TemporaryDirectory() as scratch:
        fetch(wanted, pathlib.Path(scratch))
        remove_earlier(folder)
        (folder / KEPT).write_text("".join(f"{name_of(pin)}\n" for pin, _ in wanted))
        for coordinates, digest in wanted:
            place(coordinates, digest, pathlib.Path(scratch), folder)


if __name__ == "__main__":
    main()

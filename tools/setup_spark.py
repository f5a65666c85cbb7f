"""Fetch what tools/spark.txt pins by Maven, verified by hash, into the jars of the PySpark in the
virtual environment given: where Spark's own programs look for them, too. Then have Java keep the
classes of a small job in an archive beside them, which saves each job their loading.

The repository is Maven's own setting (a mirror of ~/.m2/settings.xml).
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
CLASSES = PINS.with_name("spark_classes.py")
ARCHIVE = "lathe.jsa"  # as src/runtime/spark.c looks for it

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


def archive_classes(folder, jars, scratch):
    """Java takes the archive of a class path without folders alone: Spark's own, of its
    configuration, is none here, and none where the archive is used (spark_files.c)."""
    python, home = pathlib.Path(sys.argv[1]).absolute() / "bin/python", folder.parent
    made = scratch / ARCHIVE
    options = {
        "spark.driver.defaultJavaOptions": f"-XX:ArchiveClassesAtExit={made}",
        "spark.sql.sources.commitProtocolClass":
            "org.apache.spark.internal.io.cloud.PathOutputCommitProtocol",
        "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false"}
    environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_CONF_DIR": str(scratch / "none"),
                   "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": str(python)}
    done = subprocess.run(
        [home / "bin/spark-submit", *(word for name, value in options.items()
                                      for word in ("--conf", f"{name}={value}")), CLASSES, *jars],
        env=environment, cwd=scratch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0 or not made.exists():
        raise SystemExit(f"{done.stdout}\nsetup: the classes of Spark were not archived")
    shutil.move(made, home / ARCHIVE)


def main():
    [folder] = pathlib.Path(sys.argv[1]).absolute().glob(
        "lib/python3*/site-packages/pyspark/jars")
    wanted = list(pins())
    print(f"setup: S3 for Spark, {len(wanted)} jars by Maven into {folder}")
    with tempfile.TemporaryDirectory() as scratch:
        fetch(wanted, pathlib.Path(scratch))
        remove_earlier(folder)
        (folder / KEPT).write_text("".join(f"{name_of(pin)}\n" for pin, _ in wanted))
        for coordinates, digest in wanted:
            place(coordinates, digest, pathlib.Path(scratch), folder)
        print("setup: an archive of the classes that a job on Spark begins with")
        archive_classes(folder, [folder / name_of(pin) for pin, _ in wanted], pathlib.Path(scratch))


if __name__ == "__main__":
    main()

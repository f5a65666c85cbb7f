"""smspark-submit: the program of SageMaker's Spark containers, which becomes spark-submit.

Takes the options that the containers' own takes, folders of jars and files, and configuration.json:
classifications as EMR has them. Where Spark is, and how it reaches the server, it finds in its
environment (SPARK_HOME, SPARK_CONF_DIR)."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from xml.sax.saxutils import escape

FAILURE = "/opt/ml/output/failure"
CONFIGURATIONS = ("/opt/ml/input/data/conf/configuration.json",
                  "/opt/ml/processing/input/conf/configuration.json")
CONF = "/tmp/lathe-spark-conf"
HIDDEN = CONF + ":"
EVENTS = "/tmp/spark-events"
EVENTS_SECONDS = 20  # between copies of the event logs


def fail(text, status=1):
    os.makedirs(os.path.dirname(FAILURE), exist_ok=True)
    with open(FAILURE, "w", encoding="utf-8") as file:
        file.write(text)
    print(text, file=sys.stderr)
    sys.exit(status)


def say(text):
    print(f"smspark-submit: {text}", file=sys.stderr, flush=True)


# ---- the command line ----

class Parser(argparse.ArgumentParser):
    def error(self, message):
        fail(f"smspark-submit: {message}. Spark is configured by configuration.json (the SDK's "
             "configuration=), not by options of spark-submit.")


def parse(arguments):
    parser = Parser(prog="smspark-submit", add_help=False, allow_abbrev=False)
    parser.add_argument("--class", dest="class_")
    for option in ("--jars", "--py-files", "--files", "--spark-event-logs-s3-uri",
                   "--local-spark-event-logs-dir"):
        parser.add_argument(option)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("app", nargs=argparse.REMAINDER)
    given = parser.parse_args(arguments)
    if given.app and given.app[0] == "--":
        given.app = given.app[1:]
    if not given.app:
        parser.error("the application is missing: a .py file or a jar")
    if given.app[0].startswith("-"):
        parser.error(f"there is no option {given.app[0]}")
    return given


def expanded(option, text):
    """A folder is the files in it."""
    found = []
    for path in text.split(","):
        local = path[len("file://"):] if path.startswith("file://") else path
        if "://" in local:
            found.append(path)
        elif not os.path.isabs(local):
            fail(f"smspark-submit: {option}: {path} has to be an absolute path, or s3://")
        elif os.path.isdir(local):
            inside = sorted(os.path.join(local, name) for name in os.listdir(local))
            inside = [os.path.realpath(name) for name in inside if os.path.isfile(name)]
            if not inside:
                fail(f"smspark-submit: {option}: there are no files in {path}")
            found += inside
        elif os.path.isfile(local):
            found.append(os.path.realpath(local))
        else:
            fail(f"smspark-submit: {option}: {path} is not there")
    return ",".join(found)


def command_of(given):
    command = [os.environ["SPARK_HOME"] + "/bin/spark-submit"]
    for option, value in (("--class", given.class_), ("--jars", given.jars),
                          ("--py-files", given.py_files), ("--files", given.files)):
        if value:
            command += [option, value if option == "--class" else expanded(option, value)]
    if given.verbose:
        command.append("--verbose")
    return command + given.app


# ---- configuration.json ----

def write_conf(name, entry):
    with open(f"{CONF}/{name}", "a", encoding="utf-8") as file:
        file.writelines(f"{key} {value}\n" for key, value in entry["Properties"].items())


def write_properties(name, entry):
    with open(f"{CONF}/{name}", "a", encoding="utf-8") as file:
        file.writelines(f"{key}={value}\n" for key, value in entry["Properties"].items())


def write_xml(name, entry):
    with open(f"{CONF}/{name}", "w", encoding="utf-8") as file:
        file.write('<?xml version="1.0"?>\n<configuration>\n')
        for key, value in entry["Properties"].items():
            file.write(f"  <property><name>{escape(key)}</name>"
                       f"<value>{escape(str(value))}</value></property>\n")
        file.write("</configuration>\n")


def write_core_site(name, entry):
    """What spark-defaults.conf says of Hadoop counts for more than the file."""
    write_xml(name, entry)
    write_conf("spark-defaults.conf", {"Properties": {
        f"spark.hadoop.{key}": value for key, value in entry["Properties"].items()}})


def write_env(name, entry):
    with open(f"{CONF}/{name}", "a", encoding="utf-8") as file:
        for inner in entry["Configurations"]:
            if inner.get("Classification") != "export":
                fail("configuration.json: env classifications must use the 'export' "
                     "sub-classification")
            file.writelines(f"export {key}={value}\n"
                            for key, value in inner.get("Properties", {}).items())


def write_nothing(name, entry):
    say(f"configuration.json: {entry['Classification']} has no effect: there is no {name} here")


CLASSIFICATIONS = {
    "core-site": (write_core_site, "core-site.xml"),
    "hadoop-env": (write_env, "spark-env.sh"),
    "hadoop-log4j": (write_nothing, "Hadoop beside Spark's own"),
    "hive-env": (write_nothing, "Hive beside Spark's own"),
    "hive-log4j": (write_nothing, "Hive beside Spark's own"),
    "hive-exec-log4j": (write_nothing, "Hive beside Spark's own"),
    "hive-site": (write_nothing, "Hive beside Spark's own"),
    "spark-defaults": (write_conf, "spark-defaults.conf"),
    "spark-env": (write_env, "spark-env.sh"),
    "spark-log4j": (write_properties, "log4j2.properties"),
    "spark-hive-site": (write_xml, "hive-site.xml"),
    "spark-metrics": (write_properties, "metrics.properties"),
    "yarn-env": (write_nothing, "YARN"),
    "yarn-site": (write_nothing, "YARN"),
}


def write_entry(entry):
    name = entry.get("Classification") if isinstance(entry, dict) else None
    if name not in CLASSIFICATIONS:
        fail(f"configuration.json: Invalid classification: {name}. Must be one of "
             f"{', '.join(CLASSIFICATIONS)}.")
    write, what = CLASSIFICATIONS[name]
    if "env" in name and not entry.get("Configurations"):
        fail(f"configuration.json: {name}: 'env' classifications require a sub-configuration")
    write(what, {**entry, "Properties": entry.get("Properties") or {}})


def default_lines():
    with open(f"{CONF}/spark-defaults.conf", encoding="utf-8") as file:
        return file.readlines()


def count_cores(own):
    """A standalone cluster counts cores where YARN counts executors. own: the user's properties."""
    found = dict(line.strip().split(None, 1) for line in default_lines() if len(line.split()) > 1)
    if "spark.cores.max" in found and "spark.cores.max" not in own:
        cores = int(found["spark.executor.cores"]) * int(found["spark.executor.instances"])
        write_conf("spark-defaults.conf", {"Properties": {"spark.cores.max": cores}})


def own_defaults(entries):
    return {key: value for entry in entries if entry["Classification"] == "spark-defaults"
            for key, value in (entry.get("Properties") or {}).items()}


def drop_yarn():
    """The containers' master is YARN, of which the SDK's examples speak. It is not ours."""
    path = f"{CONF}/spark-defaults.conf"
    lines = default_lines()
    kept = [line for line in lines if line.split()[:2] != ["spark.master", "yarn"]]
    if len(kept) < len(lines):
        say("configuration.json: spark.master yarn has no effect: the cluster is "
            "runtime.spark.master's of lathe.yaml, or none")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(kept)


def use_archive():
    """Java uses the archive of Spark's classes where the class path has no folder: without files that
    are looked for there, this one is given a name that none has (src/script/spark_files.c)."""
    if set(os.listdir(CONF)) <= {"spark-defaults.conf", "spark-env.sh"}:
        os.rename(CONF, HIDDEN)
        os.environ["SPARK_CONF_DIR"] = HIDDEN


def write_configuration():
    shutil.rmtree(CONF, ignore_errors=True)
    shutil.rmtree(HIDDEN, ignore_errors=True)
    shutil.copytree(os.environ["SPARK_CONF_DIR"], CONF)
    path = next((path for path in CONFIGURATIONS if os.path.exists(path)), None)
    if path:
        try:
            with open(path, encoding="utf-8") as file:
                entries = json.load(file)
        except ValueError as error:
            fail(f"configuration.json is no JSON: {error}")
        entries = entries if isinstance(entries, list) else [entries]
        for entry in entries:
            write_entry(entry)
        drop_yarn()
        count_cores(own_defaults(entries))
    os.environ["SPARK_CONF_DIR"] = CONF


# ---- event logs ----

def keep_events(place):
    """As Spark 3 of the containers writes them: one file for each application."""
    write_conf("spark-defaults.conf", {"Properties": {
        "spark.eventLog.enabled": "true", "spark.eventLog.dir": place,
        "spark.eventLog.rolling.enabled": "false", "spark.eventLog.compress": "false"}})


def copy_events(folder):
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(EVENTS):
        if not name.startswith("."):
            shutil.copyfile(f"{EVENTS}/{name}", f"{folder}/{name.replace('.inprogress', '')}")


def run_with_events(command, folder):
    os.makedirs(EVENTS, exist_ok=True)
    process = subprocess.Popen(command)
    while True:
        try:
            status = process.wait(timeout=EVENTS_SECONDS)
            copy_events(folder)
            return status
        except subprocess.TimeoutExpired:
            copy_events(folder)


def main():
    given = parse(sys.argv[1:])
    command = command_of(given)
    write_configuration()
    events = None if given.spark_event_logs_s3_uri else given.local_spark_event_logs_dir
    if events or given.spark_event_logs_s3_uri:
        keep_events(given.spark_event_logs_s3_uri or f"file://{EVENTS}")
    use_archive()
    if events:
        status = run_with_events(command, events)
        sys.exit(status if status >= 0 else 128 - status)
    os.execv(command[0], command)


main()

"""What earlier runs have read, by transformation context.

The run before left `input/config/bookmark.json`; what commit() writes to `output/bookmark.json` the
server keeps together with the success of this run. A context's state is the latest modification
time that it saw, and the files of the time before it: a file that was listed late, or written in the
same moment, is told apart by its name.
"""
import json
import os

# Milliseconds. Objects appear in listings in the order of their times but for writes that overlap.
WINDOW = 15 * 60 * 1000

# "until": the states of the run up to which a paused bookmark reads (--job-bookmark-to), or None.
_state = {"option": "job-bookmark-disable", "before": {}, "until": None, "after": {}}


def _folder():
    return os.environ.get("LATHE_ML_FOLDER", "/opt/ml")


def _read():
    path = os.path.join(_folder(), "input", "config", "bookmark.json")
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file) or {}


def begin(option, arguments):
    if option is None and "--job-bookmark-option" in arguments[:-1]:
        option = arguments[arguments.index("--job-bookmark-option") + 1]
    _state["option"] = option or "job-bookmark-disable"
    told = _read() if reads() else {}
    _state["before"] = told.get("states", {})
    _state["until"] = told.get("until")
    _state["after"] = {}


def reads():
    """Whether only what is new is to be read."""
    return _state["option"] in ("job-bookmark-enable", "job-bookmark-pause")


_NOTHING = {"latest": 0, "seen": {}}


def _is_new(file, state):
    return file[1] > state["latest"] - WINDOW and state["seen"].get(file[0]) != file[1]


def new_files(context, files):
    """Those of `files` (path, modified in milliseconds, size) that no committed run has read under
    that context, and remembers them for commit()."""
    if not context or not reads():
        return files
    before = _state["before"].get(context, _NOTHING)
    seen = before["seen"]
    fresh = [file for file in files if _is_new(file, before)]
    if _state["until"] is not None:
        until = _state["until"].get(context, _NOTHING)
        fresh = [file for file in fresh if not _is_new(file, until)]
    latest = max([before["latest"]] + [file[1] for file in files])
    recent = {path: at for path, at in seen.items() if at > latest - WINDOW}
    recent.update({path: at for path, at, _ in files if at > latest - WINDOW})
    _state["after"][context] = {"latest": latest, "seen": recent}
    return fresh


def commit():
    if _state["option"] != "job-bookmark-enable":
        return
    states = dict(_state["before"], **_state["after"])
    folder = os.path.join(_folder(), "output")
    os.makedirs(folder, exist_ok=True)
    aside = os.path.join(folder, ".bookmark.json")
    with open(aside, "w", encoding="utf-8") as file:
        json.dump({"states": states}, file)
    os.replace(aside, os.path.join(folder, "bookmark.json"))

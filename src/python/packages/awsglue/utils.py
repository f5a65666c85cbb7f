"""The arguments that a job is given."""
import argparse

BOOKMARK_OPTIONS = ["job-bookmark-enable", "job-bookmark-pause", "job-bookmark-disable"]
CONTINUATION_OPTIONS = ["continuation-enabled", "continuation-readonly", "continuation-ignore"]
# What every job may be given, whatever it asks for.
RESERVED = {
    "job-bookmark-option": BOOKMARK_OPTIONS,
    "continuation-option": CONTINUATION_OPTIONS,
    "job-bookmark-from": None,
    "job-bookmark-to": None,
    "JOB_ID": None,
    "JOB_RUN_ID": None,
    "SECURITY_CONFIGURATION": None,
    "encryption-type": ["sse-s3"],
    "enable-data-lineage": None,
}
TEMPORARY = ("TempDir", "RedshiftTempDir")


class GlueArgumentError(Exception):
    pass


class GlueArgumentParser(argparse.ArgumentParser):
    """Raises where argparse would end the process."""

    def error(self, message):
        raise GlueArgumentError(message)


def _parser_of(options, allow_abbrev):
    parser = GlueArgumentParser(allow_abbrev=allow_abbrev)
    for name, choices in RESERVED.items():
        if name in options:
            raise RuntimeError("Using reserved arguments --" + name)
        parser.add_argument("--" + name, choices=choices, required=False)
    for name in TEMPORARY:
        parser.add_argument("--" + name, required=False)
    for name in dict.fromkeys(options):
        if name not in TEMPORARY:
            parser.add_argument("--" + name, required=True)
    return parser


def _bookmark_option(parsed):
    continuation = parsed.pop("continuation_option", None)
    if parsed.get("job_bookmark_option") is not None:
        return parsed["job_bookmark_option"]
    if continuation is None:
        return BOOKMARK_OPTIONS[2]
    return BOOKMARK_OPTIONS[CONTINUATION_OPTIONS.index(continuation)]


def _check_range(parsed):
    ends = [name for name in ("job_bookmark_from", "job_bookmark_to") if parsed[name] is not None]
    if parsed["job_bookmark_option"] == "job-bookmark-pause":
        if len(ends) == 1:
            missing = {"job_bookmark_from", "job_bookmark_to"} - set(ends)
            raise RuntimeError("Missing option or value for --" + missing.pop().replace("_", "-"))
    elif len(ends) == 2:
        raise RuntimeError("Invalid option(s) --job-bookmark-from --job-bookmark-to")


def getResolvedOptions(args, options, allow_abbrev=False):
    """The values of `options`, each of which has to be there as --NAME VALUE, and of what every job
    is given (JOB_RUN_ID, TempDir, job_bookmark_option, ...), out of sys.argv."""
    parsed, _ = _parser_of(options, allow_abbrev).parse_known_args(args[1:])
    parsed = vars(parsed)
    temporary = parsed["TempDir"] if parsed["TempDir"] is not None else parsed["RedshiftTempDir"]
    parsed["TempDir"] = parsed["RedshiftTempDir"] = temporary
    parsed["job_bookmark_option"] = _bookmark_option(parsed)
    _check_range(parsed)
    return parsed

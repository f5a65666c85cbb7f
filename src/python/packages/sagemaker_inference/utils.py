import re

from lathe_containers import absent
from lathe_containers.files import read_file, write_file  # noqa: F401

CONTENT_TYPE_REGEX = re.compile("^[Cc]ontent-?[Tt]ype")


def retrieve_content_type_header(request_property):
    return next((value for key, value in request_property.items() if CONTENT_TYPE_REGEX.match(key)),
                None)


def parse_accept(accept):
    return accept.replace(" ", "").split(",")


def remove_crlf(illegal_string):
    return illegal_string.replace("\r", " ").replace("\n", " ")


__getattr__ = absent.of(__name__)

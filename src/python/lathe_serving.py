"""Serving: what SageMaker's containers do with a user's inference script, in the user's interpreter.

Speaks with the server through the socket at descriptor 3, in frames (src/worker/frame.h) that hold an
exchange (src/serve/exchange.h). Loads the script and its model, says that it is ready, and answers one
call after another. What a function raises fails its call and no other; why a start fails is said before
this process ends.

LATHE_SERVING says whose defaults hold: sklearn, xgboost, or toolkit (all other frameworks)."""

import gc
import importlib
import importlib.util
import inspect
import json
import logging
import os
import select
import socket
import struct
import sys
import time
import traceback

import lathe_formats as formats
import lathe_hints

READY, CALL, REPLY, ERROR = 1, 2, 3, 4
HEAD = struct.Struct("<IB3x")
SIZE = struct.Struct("<I")

ROOT = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
MODEL = f"{ROOT}/model"
NO_MODEL_FN = ("Please provide a model_fn implementation. "
               "See documentation for model_fn at https://github.com/aws/sagemaker-python-sdk")
ALONE = "Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn"


# ---- the socket ----


BLOCK = 1 << 16
MOST_HEADS = 256
SOON = 300e-6  # seconds from an answer to the next call, where one client asks again and again


class Channel:
    def __init__(self, descriptor):
        """Moved away from 3, so that what the script starts does not hold it open."""
        self.socket = socket.socket(fileno=os.dup(descriptor))
        os.close(descriptor)
        self.arrivals = select.poll()
        self.arrivals.register(self.socket, select.POLLIN)
        self.soon = False  # whether the last call came soon
        self.block = bytearray(BLOCK)  # what arrives: most often one whole frame
        self.view = memoryview(self.block)
        self.heads = {}  # of answers, as they are sent: a script's are mostly the same

    def send(self, kind, *parts):
        self.socket.sendall(b"".join((HEAD.pack(sum(map(len, parts)), kind), *parts)))

    def _receive_into(self, view):
        count = self.socket.recv_into(view)
        if not count:
            sys.stdout.flush()
            os._exit(0)  # the server needs it no more
        return count

    def _look_for_a_moment(self, began):
        """Whether a call came meanwhile; all that have something to do go first."""
        while not self.arrivals.poll(0):
            if time.perf_counter() - began >= SOON:
                return False
            os.sched_yield()
        return True

    def _wait(self):
        """Until something has come. To be woken from sleep costs both sides tens of microseconds where
        cores halt, so that whoever is asked again and again stays awake for as long as that takes.
        It sleeps in poll: recv itself would be woken, too, when the server has read the answer."""
        began = time.perf_counter()
        if not (self.soon and self._look_for_a_moment(began)):
            self.arrivals.poll()
        self.soon = time.perf_counter() - began < SOON

    def take(self):
        """A frame. The next one comes when this one has been answered."""
        self._wait()
        have = self._receive_into(self.view)
        while have < HEAD.size:
            have += self._receive_into(self.view[have:])
        size, kind = HEAD.unpack_from(self.block)
        if have == HEAD.size + size:
            return kind, bytes(self.view[HEAD.size:have])
        message = bytearray(size)
        rest = memoryview(message)
        have -= HEAD.size
        rest[:have] = self.view[HEAD.size:HEAD.size + have]
        while have < size:
            have += self._receive_into(rest[have:])
        return kind, bytes(message)

    def _head(self, status, content_type):
        head = {"Status": status}
        if content_type:
            head["ContentType"] = content_type
        text = json.dumps(head).encode()
        if len(self.heads) >= MOST_HEADS:
            self.heads.clear()
        made = self.heads[status, content_type] = SIZE.pack(len(text)) + text
        return made

    def answer(self, status, content_type, body):
        head = self.heads.get((status, content_type)) or self._head(status, content_type)
        self.send(REPLY, head, body)


# ---- the script ----


def default_accept():
    return os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", formats.JSON)


def module_name():
    program = os.environ.get("SAGEMAKER_PROGRAM") or "inference.py"
    return program[:-3] if program.endswith(".py") else program


def load_script():
    """None where there is none, which the toolkit lets pass."""
    folders = [folder for folder in (f"{ROOT}/code", f"{MODEL}/code") if os.path.isdir(folder)]
    sys.path[:0] = folders
    name = module_name()
    if "/" in name:  # a program in a folder of the source
        sys.path.insert(0, os.path.dirname(os.path.join(folders[0] if folders else MODEL, name)))
        name = os.path.basename(name)
    if os.environ.get("LATHE_SERVING") == "toolkit" and importlib.util.find_spec(name) is None:
        return None
    return importlib.import_module(name)


def functions_of(script, defaults):
    found = {name: getattr(script, name, None) or default for name, default in defaults.items()}
    found["transform_fn"] = getattr(script, "transform_fn", None)
    own = [name for name in ("input_fn", "predict_fn", "output_fn")
           if getattr(script, name, None) is not None]
    if found["transform_fn"] and own:
        raise ValueError(ALONE)
    return found


def no_model_fn(model_dir):
    raise NotImplementedError(NO_MODEL_FN)


# ---- one model, scikit-learn and XGBoost: sagemaker_containers, an application of Flask ----

FLASK_ERROR = (
    "<!doctype html>\n<html lang=en>\n<title>500 Internal Server Error</title>\n"
    "<h1>Internal Server Error</h1>\n<p>The server encountered an internal error and was unable to "
    "complete your request. Either the server is overloaded or there is an error in the "
    "application.</p>\n")
# What Flask adds a charset to, beside text/* and *+xml.
WITH_CHARSET = {"application/ecmascript", "application/javascript", "application/sql",
                "application/xml", "application/xml-dtd",
                "application/xml-external-parsed-entity"}


def with_charset(mimetype):
    texts = (mimetype.startswith("text/") or mimetype in WITH_CHARSET or
             mimetype.endswith("+xml"))
    return f"{mimetype}; charset=utf-8" if texts else mimetype


def flask_bytes(body):
    """A body as Flask takes one: text, bytes, or several of them."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode("utf-8")
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    return b"".join(part.encode("utf-8") if isinstance(part, str) else bytes(part)
                    for part in body)


def flask_response(result):
    """(status, content type, bytes) of what a view returned."""
    if hasattr(result, "get_data") and hasattr(result, "status_code"):
        content_type = getattr(result, "content_type", None) or getattr(result, "mimetype", None)
        return result.status_code, content_type, flask_bytes(result.get_data())
    if isinstance(result, tuple):
        return 200, with_charset(result[1] or formats.JSON), flask_bytes(result[0])
    if isinstance(result, (dict, list)):
        text = json.dumps(result, sort_keys=True, separators=(",", ":"))
        return 200, formats.JSON, f"{text}\n".encode()
    if isinstance(result, (str, bytes, bytearray)):
        return 200, "text/html; charset=utf-8", flask_bytes(result)
    raise TypeError("The view function for 'invocations' did not return a valid response: the return "
                    "type must be a string, dict, list, tuple with headers or status, Response "
                    f"instance, or WSGI callable, but it was a {type(result).__name__}.")


class Flask:
    """Whatever a function raises, also for a content type that it does not know, is a 500: the
    container wraps each function's exceptions, so that none is told from another."""

    def __init__(self, script, defaults):
        self.functions = functions_of(script, defaults)
        self.model = self.functions["model_fn"](MODEL)

    def transform(self, content, content_type, accept):
        functions = self.functions
        if functions["transform_fn"]:
            return functions["transform_fn"](self.model, content, content_type, accept)
        rows = functions["input_fn"](content, content_type)
        prediction = functions["predict_fn"](rows, self.model)
        return functions["output_fn"](prediction, accept)

    def answer(self, call, body):
        content_type = call.get("ContentType") or formats.JSON
        accept = call.get("Accept")
        if not accept or accept == "*/*":
            accept = default_accept()
        content = body.decode("utf-8", "replace") if content_type in formats.UTF8_TYPES else body
        return flask_response(self.transform(content, content_type, accept))

    def failure(self, error, call):
        logging.getLogger(module_name()).error("Exception on /invocations [POST]", exc_info=error)
        return 500, "text/html; charset=utf-8", FLASK_ERROR.encode()


def sklearn_input(content, content_type):
    import numpy

    rows = formats.decode(content, content_type)
    return rows.astype(numpy.float32) if content_type in formats.UTF8_TYPES else rows


def predict(rows, model):
    return model.predict(rows)


def xgboost_predict(rows, model):
    return model.predict(rows, validate_features=False)


def flask_output(prediction, accept):
    return formats.encode(prediction, accept), accept


SKLEARN = {"model_fn": no_model_fn, "input_fn": sklearn_input, "predict_fn": predict,
           "output_fn": flask_output}
XGBOOST = {"model_fn": no_model_fn, "input_fn": formats.decode_matrix,
           "predict_fn": xgboost_predict, "output_fn": flask_output}


# ---- several models, and all other frameworks: sagemaker_inference ----


class Context:
    """What a function that takes one argument more is given: the part of the model server's context
    that says of the request."""

    def __init__(self):
        self.system_properties = {"model_dir": MODEL, "gpu_id": None, "batch_size": 1}
        self.model_name = os.environ.get("LATHE_MODEL_NAME", "model")
        self.manifest = {}
        self.request = {}

    def get_request_header(self, index, name):
        return self.request.get(name)

    def get_all_request_header(self, index):
        return dict(self.request)


def toolkit_bytes(body):
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    return (body if isinstance(body, str) else json.dumps(body)).encode("utf-8")


class Toolkit:
    def __init__(self, script, defaults):
        self.functions = functions_of(script, defaults)
        self.context = Context()
        self.takes = {name: len(inspect.signature(function).parameters)
                      for name, function in self.functions.items() if function}
        if getattr(script, "pre_model_fn", None):
            script.pre_model_fn(MODEL)
        self.model = self.call("model_fn", MODEL)
        if getattr(script, "model_warmup_fn", None):
            script.model_warmup_fn(MODEL, self.model)

    def call(self, name, *given):
        takes = self.takes[name]
        if takes == len(given):
            return self.functions[name](*given)
        if takes == len(given) + 1:
            return self.functions[name](*given, self.context)
        raise TypeError(f"{self.functions[name].__name__} takes {takes} arguments but {len(given)} "
                        "were given.")

    def transform(self, content, content_type, accept):
        if self.functions["transform_fn"]:
            return self.call("transform_fn", self.model, content, content_type, accept)
        rows = self.call("input_fn", content, content_type)
        return self.call("output_fn", self.call("predict_fn", rows, self.model), accept)

    def answer(self, call, body):
        content_type, accept = call.get("ContentType"), call.get("Accept")
        if not accept or accept == "*/*":
            accept = default_accept()
        self.context.request = {"Content-Type": content_type, "Accept": accept,
                                "X-Amzn-SageMaker-Custom-Attributes": call.get("CustomAttributes"),
                                "X-Amzn-SageMaker-Target-Model": call.get("TargetModel")}
        content = body.decode("utf-8") if content_type in formats.UTF8_TYPES else body
        result = self.transform(content, content_type, accept)
        if isinstance(result, tuple):
            result, accept = result[:2]
        return 200, accept, toolkit_bytes(result)

    def failure(self, error, call):
        """A script may raise the toolkit's own error, with a status and words."""
        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        print(trace, file=sys.stderr, end="", flush=True)
        names = {base.__name__ for base in type(error).__mro__}
        own = "BaseInferenceToolkitError" in names
        status = int(error.status_code) if own else 500
        message = error.message if own else str(error) or "Invalid Request"
        return status, "text/plain", f"{message}\n{trace}".encode("utf-8", "replace")


def toolkit_input(content, content_type):
    return formats.toolkit_decode(content, content_type)


def toolkit_predict(rows, model):
    raise NotImplementedError("Please provide a predict_fn implementation. See documentation for "
                              "predict_fn at https://sagemaker.readthedocs.io/en/stable/")


def toolkit_output(prediction, accept):
    for content_type in accept.replace(" ", "").split(","):
        if content_type in formats.TOOLKIT_WRITERS:
            return formats.toolkit_encode(prediction, content_type), content_type
    raise formats.UnsupportedFormatError(accept)


def sklearn_toolkit_input(content, content_type):
    import numpy

    rows = formats.toolkit_decode(content, content_type)
    if len(rows.shape) == 1:
        rows = rows.reshape(1, -1)
    return rows.astype(numpy.float32) if content_type in formats.UTF8_TYPES else rows


def sklearn_toolkit_output(prediction, accept):
    return formats.toolkit_encode(prediction, accept), accept


def xgboost_toolkit_output(prediction, accept):
    return formats.encode(prediction, accept)


TOOLKIT = {"model_fn": no_model_fn, "input_fn": toolkit_input, "predict_fn": toolkit_predict,
           "output_fn": toolkit_output}
SEVERAL = {"sklearn": {"model_fn": no_model_fn, "input_fn": sklearn_toolkit_input,
                       "predict_fn": predict, "output_fn": sklearn_toolkit_output},
           "xgboost": {"model_fn": no_model_fn, "input_fn": formats.decode_matrix,
                       "predict_fn": xgboost_predict, "output_fn": xgboost_toolkit_output},
           "toolkit": TOOLKIT}


# ---- from begin to end ----


def log_level():
    """A number, as the SDK sets it, or a name."""
    level = os.environ.get("SAGEMAKER_CONTAINER_LOG_LEVEL", "20")
    return int(level) if level.isdigit() else getattr(logging, level.upper(), logging.INFO)


def open_server():
    kind = os.environ.get("LATHE_SERVING", "toolkit")
    if kind == "xgboost":
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    script = load_script()
    if os.environ.get("SAGEMAKER_MULTI_MODEL") == "true" or kind == "toolkit":
        return Toolkit(script, SEVERAL[kind])
    return Flask(script, SKLEARN if kind == "sklearn" else XGBOOST)


def place_of(error):
    """The last line of the user's own code that a traceback went through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(ROOT + "/")]
    if isinstance(error, SyntaxError) and error.filename and error.filename.startswith(ROOT + "/"):
        return f" ({error.filename[len(ROOT) + 1:]}, line {error.lineno})"
    return f" ({own[-1].filename[len(ROOT) + 1:]}, line {own[-1].lineno})" if own else ""


def reason_of(error):
    words = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    name = type(error).__name__
    reason = (f"{name}: {words}" if words else name) + place_of(error)
    hint = lathe_hints.of(error)
    if hint:
        reason += f"; {hint}"
    elif isinstance(error, ModuleNotFoundError) and error.name:
        reason += ("; install it into the Python that runs the scripts: "
                   f"{sys.executable} -m pip install {error.name.partition('.')[0]}")
    return reason


def fail_to_start(channel, error):
    traceback.print_exception(type(error), error, error.__traceback__)
    channel.send(ERROR, b"ProcessEnded\n", reason_of(error).encode("utf-8", "replace"))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


class Calls:
    """Reads calls; what their heads say is mostly the same."""

    def __init__(self):
        self.head, self.call = None, None

    def read(self, message):
        end = SIZE.size + SIZE.unpack_from(message)[0]
        head = message[SIZE.size:end]
        if head != self.head:
            self.head, self.call = head, json.loads(head)
        return self.call, message[end:]


def settle():
    """What a start has made stays for good: no collection in the middle of a request looks at it."""
    gc.collect()
    gc.freeze()


def answer(server, call, body):
    try:
        return server.answer(call, body)
    except Exception as error:
        return server.failure(error, call)


def main():
    channel = Channel(3)
    logging.basicConfig(format="%(asctime)s %(levelname)s - %(name)s - %(message)s",
                        level=log_level())
    try:
        server = open_server()
    except BaseException as error:
        fail_to_start(channel, error)
    settle()
    channel.send(READY)
    calls = Calls()
    while True:
        kind, message = channel.take()
        if kind == CALL:
            channel.answer(*answer(server, *calls.read(message)))


if __name__ == "__main__":
    main()

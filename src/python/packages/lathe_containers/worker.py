"""An answer of output_fn or transform_fn, with the names that Flask's has; no Flask is needed."""

from lathe_containers import absent, content_types


class Response:
    default_mimetype = content_types.JSON

    def __init__(self, response=None, accept=None, status=200, headers=None, mimetype=None,
                 direct_passthrough=False):
        """`accept` is what it was in old scripts: nothing."""
        self.response = response
        self.status_code = int(str(status).split()[0])
        self.headers = dict(headers or {})
        self.mimetype = mimetype or self.headers.get("Content-Type", self.default_mimetype)
        self.headers.setdefault("Content-Type", self.content_type)

    @property
    def status(self):
        return str(self.status_code)

    @property
    def content_type(self):
        """With the charset that Flask adds to texts."""
        if self.mimetype.startswith("text/") and ";" not in self.mimetype:
            return f"{self.mimetype}; charset=utf-8"
        return self.mimetype

    @staticmethod
    def _bytes(part):
        return part.encode("utf-8") if isinstance(part, str) else bytes(part)

    def get_data(self, as_text=False):
        given = self.response
        parts = [given] if isinstance(given, (str, bytes, bytearray)) else given or ()
        data = b"".join(map(self._bytes, parts))
        return data.decode("utf-8") if as_text else data

    data = property(get_data)


__getattr__ = absent.module("sagemaker_containers.beta.framework.worker", absent.SERVED).__getattr__

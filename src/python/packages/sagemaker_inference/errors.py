from lathe_containers import absent, errors


class UnsupportedFormatError(errors.UnsupportedFormatError):
    pass


class BaseInferenceToolkitError(Exception):
    """An error with the answer's status and body."""

    def __init__(self, status_code, message, phrase):
        super().__init__(status_code, message, phrase)
        self.status_code, self.message, self.phrase = status_code, message, phrase


class GenericInferenceToolkitError(BaseInferenceToolkitError):
    def __init__(self, status_code, message=None, phrase=None):
        message = message or "Invalid Request"
        super().__init__(status_code, message, phrase or message)


__getattr__ = absent.of(__name__)

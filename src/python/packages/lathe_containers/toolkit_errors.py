"""The errors of the containers of algorithms: whose fault it is."""


class BaseToolkitError(Exception):
    def __init__(self, message=None, caused_by=None):
        told = message or (str(caused_by) if caused_by else "unknown error occurred")
        if caused_by:
            told += f" (caused by {type(caused_by).__name__})"
        super().__init__(told)
        self.message, self.caused_by = told, caused_by


class AlgorithmError(BaseToolkitError):
    pass


class UserError(BaseToolkitError):
    pass


class PlatformError(BaseToolkitError):
    pass

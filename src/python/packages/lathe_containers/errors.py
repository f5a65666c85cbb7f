class ClientError(Exception):
    """The user's error, not the container's."""


class _CalledProcessError(ClientError):
    """A program that was started has failed."""

    def __init__(self, cmd, return_code=None, output=None, info=None):
        super().__init__()
        self.cmd, self.output, self.extra_info = cmd, output, info
        self.return_code = str(return_code)

    def __str__(self):
        said = self.output or ""
        said = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        lines = [f"{type(self).__name__}:", f"ExitCode {self.return_code}", f'ErrorMessage "{said}"']
        if self.extra_info is not None:
            lines.append(f'ExtraInfo "{self.extra_info}"')
        return "\n".join([*lines, f'Command "{self.cmd}"'])


class InstallModuleError(_CalledProcessError):
    pass


class InstallRequirementsError(_CalledProcessError):
    pass


class ExecuteUserScriptError(_CalledProcessError):
    pass


class ImportModuleError(ClientError):
    pass


class ChannelDoesNotExistError(Exception):
    def __init__(self, channel_name):
        super().__init__(f"Channel {channel_name} is not a valid channel")


ChannelDoesNotExistException = ChannelDoesNotExistError


class UnsupportedFormatError(Exception):
    def __init__(self, content_type, **kwargs):
        self.message = (
            f"Content type {content_type} is not supported by this framework.\n\n"
            "            Please implement input_fn to to deserialize the request data or an output_fn to\n"
            "            serialize the response. For more information, see the SageMaker Python SDK README.")
        super().__init__(self.message, **kwargs)

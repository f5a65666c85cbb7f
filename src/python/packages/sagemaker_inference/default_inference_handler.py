from lathe_containers import absent
from sagemaker_inference import decoder, encoder, errors, utils


def _please(name):
    return NotImplementedError(f"Please provide a {name} implementation. See documentation for {name} "
                               "at https://sagemaker.readthedocs.io/en/stable/")


class DefaultInferenceHandler:
    """What is done where a script has no function of its own."""

    def default_model_fn(self, model_dir, context=None):
        raise _please("model_fn")

    def default_input_fn(self, input_data, content_type, context=None):
        return decoder.decode(input_data, content_type)

    def default_predict_fn(self, data, model, context=None):
        raise _please("predict_fn")

    def default_output_fn(self, prediction, accept, context=None):
        for content_type in utils.parse_accept(accept):
            if content_type in encoder.SUPPORTED_CONTENT_TYPES:
                return encoder.encode(prediction, content_type), content_type
        raise errors.UnsupportedFormatError(accept)


__getattr__ = absent.of(__name__)

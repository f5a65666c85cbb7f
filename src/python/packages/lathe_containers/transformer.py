"""What is done where a script has no function of its own."""

from lathe_containers import absent, encoders, worker


def _please(name):
    return NotImplementedError(f"Please provide a {name} implementation. See documentation for {name} "
                               "at https://github.com/aws/sagemaker-python-sdk")


def default_model_fn(model_dir):
    raise _please("model_fn")


def default_input_fn(input_data, content_type):
    return encoders.decode(input_data, content_type)


def default_predict_fn(data, model):
    raise _please("predict_fn")


def default_output_fn(prediction, accept):
    return worker.Response(response=encoders.encode(prediction, accept), mimetype=accept)


__getattr__ = absent.module("sagemaker_containers.beta.framework.transformer",
                            absent.SERVED).__getattr__

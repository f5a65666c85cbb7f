"""What the scikit-learn container does where a script has no function of its own."""

from lathe_containers import absent, content_types, encoders, transformer, worker

default_model_fn = transformer.default_model_fn


def default_input_fn(input_data, content_type):
    array = encoders.decode(input_data, content_type)
    return array.astype("float32") if content_type in content_types.UTF8_TYPES else array


def default_predict_fn(input_data, model):
    return model.predict(input_data)


def default_output_fn(prediction, accept):
    return worker.Response(encoders.encode(prediction, accept), mimetype=accept)


__getattr__ = absent.module(__name__, absent.SERVED).__getattr__

from lathe_containers import absent
from sagemaker_inference import content_types, decoder, default_inference_handler, encoder


class HandlerService:
    class DefaultSKLearnUserModuleInferenceHandler(default_inference_handler.DefaultInferenceHandler):
        def default_input_fn(self, input_data, content_type):
            array = decoder.decode(input_data, content_type)
            array = array.reshape(1, -1) if array.ndim == 1 else array
            return array.astype("float32") if content_type in content_types.UTF8_TYPES else array

        def default_predict_fn(self, input_data, model):
            return model.predict(input_data)

        def default_output_fn(self, prediction, accept):
            return encoder.encode(prediction, accept), accept

    def __init__(self):
        absent.refuse("sagemaker_sklearn_container.handler_service.HandlerService", absent.SERVED)


__getattr__ = absent.of(__name__)

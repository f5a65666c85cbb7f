from lathe_containers import absent, encoders
from sagemaker_inference import content_types, default_inference_handler
from sagemaker_xgboost_container import encoder


class HandlerService:
    class DefaultXGBoostUserModuleInferenceHandler(default_inference_handler.DefaultInferenceHandler):
        def default_input_fn(self, input_data, content_type):
            return encoder.decode(input_data, content_type)

        def default_predict_fn(self, input_data, model):
            return model.predict(input_data, validate_features=False)

        def default_output_fn(self, prediction, accept):
            encoded = encoders.encode(prediction, accept)
            return encoded.encode("utf-8") if accept == content_types.CSV else encoded

    def __init__(self):
        absent.refuse("sagemaker_xgboost_container.handler_service.HandlerService", absent.SERVED)


__getattr__ = absent.of(__name__)

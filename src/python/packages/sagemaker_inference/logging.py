import logging
import os

from lathe_containers import absent


def get_logger():
    return logging.getLogger("sagemaker-inference")


def configure_logger():
    logging.basicConfig(format="%(asctime)s %(levelname)s - %(name)s - %(message)s",
                        level=int(os.environ.get("SAGEMAKER_CONTAINER_LOG_LEVEL", logging.INFO)))


__getattr__ = absent.of(__name__)

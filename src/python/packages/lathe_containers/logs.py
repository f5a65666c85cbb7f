import logging

FORMAT = "%(asctime)s %(name)-12s %(levelname)-8s %(message)s"


def get_logger():
    return logging.getLogger("sagemaker-training-toolkit")


def configure_logger(level, log_format=FORMAT):
    logging.basicConfig(format=log_format, level=level)
    if level >= logging.INFO:
        for name in ("boto3", "s3transfer", "botocore"):
            logging.getLogger(name).setLevel(level)

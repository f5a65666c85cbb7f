"""What lathe's stand-ins for the packages of SageMaker's containers share: sagemaker_containers,
sagemaker_training and their like are names for what lies here."""

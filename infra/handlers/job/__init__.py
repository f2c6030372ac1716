"""The custom resources Custom::TrainingJob and Custom::ProcessingJob: start a SageMaker job, wait for it, stop it."""

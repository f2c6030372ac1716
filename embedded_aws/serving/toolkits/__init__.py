"""The program in the containers of scikit-learn, XGBoost's script mode and PyTorch, with AWS's own inference toolkits.

In AWS's containers a server stands in front (nginx and gunicorn, Multi Model Server, TorchServe), and processes behind
it load the model and answer one request at a time. Here model_server is in front and workers behind. To be read in
this order: model_server (HTTP, one model or many), code (what is there before a model is loaded), workers (started,
asked, replaced) and messages (between both), worker (loads, answers), flask_app and handler_service (AWS's toolkits
from the package index, as its images have them), scikit_learn and xgboost (defaults, for which there is no package).

Sources: aws/sagemaker-containers 2.8.6, aws/sagemaker-inference-toolkit, aws/sagemaker-pytorch-inference-toolkit,
aws/sagemaker-scikit-learn-container and aws/sagemaker-xgboost-container, with docker/sklearn and docker/xgboost of
aws/deep-learning-containers, which say what of these an image has.
"""

"""XGBoost: the open library behind the rules of AWS's open container, aws/sagemaker-xgboost-container.

hyperparameters, metrics (their names: what the control plane reads too); training, with data, callbacks,
custom_metrics, cross_validation and distributed; serving, with requests (bodies) and selectable (chosen answers).
"""

"""What the algorithms have in common whose code AWS keeps to itself, as its own SDK of algorithms has it.

AWS published that SDK, without its algorithms, in two containers: `vw_serving.sagemaker` in aws/sagemaker-rl-container,
and exceptions.py in aws/sagemaker-xgboost-container ("copied from Algorithm internal SDK"). Sentences, exit codes and
log lines are from there.
"""

"""Factorization machines of second order as SageMaker has them, for sparse data, learnt by gradients."""

"""Principal component analysis as SageMaker has it, exact or by random projections."""

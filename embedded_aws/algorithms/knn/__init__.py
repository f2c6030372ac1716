"""k-nearest neighbours as SageMaker has it: sampled, reduced in dimension, and looked up in an index of FAISS."""

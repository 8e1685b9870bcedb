"""Parts of the suite for a GPU (`python benchmarks/gpu_suite.py`)."""

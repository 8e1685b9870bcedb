"""Parts of the chaos benchmark (`python benchmarks/chaos.py`)."""

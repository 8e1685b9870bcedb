"""Parts of the comparison with other trainers (`python benchmarks/peers.py`)."""

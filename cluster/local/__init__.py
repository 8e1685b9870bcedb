"""A Ray that this process starts on its machine: what it sees, how it ends, and what its signals do."""

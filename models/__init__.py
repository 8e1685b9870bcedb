"""What one trial trains: configuration, networks, data, loop and checkpoints. No Ray: this folder runs in a notebook."""

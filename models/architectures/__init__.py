"""The networks: one description per architecture, with its encoder, its decoder and what they cost."""

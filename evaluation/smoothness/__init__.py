"""Hypothesis 1 in numbers: how smooth and how interpolatable a latent space is. One file per metric."""

"""Priors on the latents: how each is fitted, kept and sampled."""

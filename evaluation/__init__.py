"""What scores one trained model: latents, priors, samples, features, Fréchet distances. No Ray: it runs in a notebook."""

"""A trained model as a folder that needs torch alone: weights, code, priors, a model card."""

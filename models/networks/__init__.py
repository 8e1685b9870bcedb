"""The encoder and decoder, and what they do with images and latents."""

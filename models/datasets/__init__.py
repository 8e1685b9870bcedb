"""The data sets: one description each. How their images are read and prepared is in `aesweep.models.data`."""

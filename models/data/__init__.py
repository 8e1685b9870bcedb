"""Data sets: where their files are, how they are read and prepared."""

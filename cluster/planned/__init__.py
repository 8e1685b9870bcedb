"""A cluster that is only planned: its machines, read from text, and a sweep on them, simulated. Imports no Ray."""

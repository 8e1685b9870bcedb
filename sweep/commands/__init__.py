"""The verbs of the command line, a file per kind: run a sweep, look at one, care for one, more from trained
models, the site."""

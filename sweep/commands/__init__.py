"""The verbs of the command line: launching, results, trained models, set-up."""

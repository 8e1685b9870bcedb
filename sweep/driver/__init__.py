"""Code that runs in the driver process. Never imports the workers' code."""

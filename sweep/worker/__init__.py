"""Code that runs inside Ray's workers. Never imports the driver."""

"""Training one network: objective, optimiser, schedule, loop, checkpoint."""

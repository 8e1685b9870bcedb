"""What a trial minimises: one object per objective, and the registry of them. Reading them imports no torch."""

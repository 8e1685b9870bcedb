"""From tables to values: trials, scores, evaluations, published numbers."""

"""What removes files of a store that nobody needs, or that somebody wants gone."""

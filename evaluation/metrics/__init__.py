"""One file per score."""

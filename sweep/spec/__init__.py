"""What to run: trials, presets, YAML files and `--set`. Imports nothing else of the sweep."""

"""Stores of strangers: fuzzed ones, and what each kind of hostile file leads to."""

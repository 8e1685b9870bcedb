"""Sections of calibration.py."""

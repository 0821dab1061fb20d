"""Measurements of speed, and of accuracy beside others; none is a test."""

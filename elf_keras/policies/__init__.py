"""Thresholds for a budget, chosen on validation."""

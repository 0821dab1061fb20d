"""Networks with exits."""

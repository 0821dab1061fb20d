"""Early exits from a pretrained start, against simpler ways to use it."""

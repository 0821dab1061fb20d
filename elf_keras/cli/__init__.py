"""From flags to keyword arguments; nothing below it reads a flag."""

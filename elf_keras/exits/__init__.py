"""When an image leaves: rules, certainty, thresholds."""

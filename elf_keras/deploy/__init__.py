"""What leaves the project: SavedModel, TFLite chain, and a runner for it."""

"""Measurements of speed, and of accuracy beside others; none is a test."""

import os

# As the commands set it, before TensorFlow is loaded.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

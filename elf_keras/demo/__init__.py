"""A page in the browser that runs the exported stages."""

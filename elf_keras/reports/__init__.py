"""The parts of `elf-keras report`: what a page of figures is made from."""

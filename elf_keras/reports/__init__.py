"""The parts of `elf_keras.report`: what a page of figures is made from."""

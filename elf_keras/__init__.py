"""Early-exit classifiers for long-tailed images, trained by hardness.

Importing this package loads neither Keras nor TensorFlow; the modules that
need them do. `elf_keras.models` builds and loads models,
`elf_keras.losses` holds the objective, `python -m elf_keras.train` trains.
"""

__version__ = "0.1.0"

"""How a model learns."""


def __getattr__(name):
    """`training.CoupledSGD`, which loads Keras only where it is asked for."""
    if name == "CoupledSGD":
        from elf_keras.training.optimizer import CoupledSGD

        return CoupledSGD
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

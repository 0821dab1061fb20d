"""The images of a stored reference, made anew wherever they are needed."""

import numpy as np
from sklearn import datasets

# Even, odd and oblong: at odd sides the same padding lies differently.
PATTERNS = ((224, 224), (160, 160), (97, 130))


def pattern(height: int, width: int) -> np.ndarray:
    """Rings that grow finer, `(height, width, 3)`, 0 to 255; whole numbers."""
    y, x, color = np.ogrid[:height, :width, 1:4]
    values = (3 * y * y + 5 * x * x + color * x * y) // 64
    return (values % 256).astype("uint8")


def images() -> list[np.ndarray]:
    """Return patterns and a photo that comes with scikit-learn."""
    photo = datasets.load_sample_image("china.jpg")[100:324, 200:424]
    return [*(pattern(*size) for size in PATTERNS), photo]

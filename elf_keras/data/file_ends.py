"""Whether an image file is all there, told by its end and without a decode.

Copies break off, downloads too: the header is whole then, and the pixels are
not. Who says that a file is whole may be wrong about what lies within; who
says that it is not says only that a decode must tell.
"""

import os
from typing import BinaryIO

_LAST = 64
# Pillow's names, of the numbers of TIFF 6.0: where strips or tiles begin, and
# how many bytes each has.
_TIFF_PARTS = ((273, 279), (324, 325))


def looks_whole(file: BinaryIO, image) -> bool:
    """Whether a file ends as its format does, given Pillow's image of it."""
    size = os.fstat(file.fileno()).st_size
    start = max(size - _LAST, 0)
    last = os.pread(file.fileno(), _LAST, start)
    kind = image.format
    if kind in ("JPEG", "MPO"):
        # Some writers fill up the last block.
        return last.rstrip(b"\0").endswith(b"\xff\xd9")
    if kind == "PNG":
        return b"IEND" in last
    if kind == "GIF":
        return last.rstrip(b"\0").endswith(b";")
    if kind == "TIFF":
        return 0 < _tiff_end(image.tag_v2) <= size
    if kind in ("HEIF", "AVIF"):
        return _boxes_end(file.fileno(), size) == size
    head = os.pread(file.fileno(), 8, 0)
    if kind == "WEBP":
        return 8 + int.from_bytes(head[4:8], "little") <= size
    if kind == "BMP":
        return 0 < int.from_bytes(head[2:6], "little") <= size
    return False


def _tiff_end(tags) -> int:
    """The byte after the last one of the pixels; 0 where no tag tells."""
    ends = [0]
    for offsets, counts in _TIFF_PARTS:
        parts = zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False)
        ends += [offset + count for offset, count in parts]
    return max(ends)


def _boxes_end(number, size) -> int:
    """The byte after the last box of a file, by ISO/IEC 14496-12."""
    place = 0
    while place < size:
        head = os.pread(number, 16, place)
        length = int.from_bytes(head[:4], "big")
        if length == 0:  # up to the end
            return size
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        place += max(length, 8)
    return place

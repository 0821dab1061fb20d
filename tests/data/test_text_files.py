import pytest

from elf_keras.data.sources import text_files
from elf_keras.errors import InputError

LINES = "photos/café.jpg 0\nphotos/猫.jpg 1\n"


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
        (b"\xff\xfe\0\0", "utf-32-le"),
    ],
)
def test_text_is_read_as_any_program_writes_it(tmp_path, mark, encoding, ends):
    file = tmp_path / "list.txt"
    file.write_bytes(mark + LINES.replace("\n", ends).encode(encoding))

    assert text_files.read_text(file) == LINES


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a.jpg 0\r\ncaf\xe9.jpg 1\r\n", r"list.txt line 2: 'café.jpg 1'"),
        (b"a.jpg 0\n\ncaf\xe9.jpg 1", r"list.txt line 3: .*Latin-1.* as UTF-8"),
        ("a.jpg 0\n".encode("utf-16-le"), "list.txt line 1 holds a NUL"),
        (b"\xff\xfea\0b", "list.txt begins with the mark of utf-16"),
    ],
)
def test_another_encoding_is_named_with_file_and_line(tmp_path, content, told):
    file = tmp_path / "list.txt"
    file.write_bytes(content)

    with pytest.raises(InputError, match=told):
        text_files.read_text(file)

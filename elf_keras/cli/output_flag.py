"""--output, which several commands take; absl refuses a second definition."""

from absl import flags

flags.DEFINE_string(
    "output",
    None,
    "Folder to write: of an export a new one, such as savedmodels/digits_lt; "
    "of a report any, by default report/ in the first run.",
)

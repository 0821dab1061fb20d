"""What predict prints of each image: JSON lines, or rows of CSV."""

import csv
import json
import sys

JSON_LINES, CSV = FORMATS = "jsonl", "csv"


class AnswerRows:
    """Rows on standard output, each as soon as it is known.

    Args:
      style: of `FORMATS`.
      names: of the classes.
      rule: what is compared with thresholds, the name of its column.
      most: classes of a row, the likeliest first.
    """

    def __init__(self, style: str, names: list[str], rule: str, most: int):
        self._names, self._rule = names, rule
        self._most = min(most, len(names))
        self._csv = None
        if style == CSV:
            columns = ["file", "class", "probability", rule, "exit", "macs"]
            columns += ["share_of_backbone"]
            for place in range(2, self._most + 1):
                columns += [f"class_{place}", f"probability_{place}"]
            self._csv = csv.DictWriter(
                sys.stdout, [*columns, "error"], lineterminator="\n"
            )
            self._csv.writeheader()

    def error(self, file: str, reason: str) -> None:
        """Print the row of an image that has no answer."""
        self._print({"file": file, "error": reason}, [])

    def answer(self, file: str, answer, macs: int, share: float) -> None:
        """Print the row of an `Answer`: what it cost, and that as a share."""
        order = (-answer.probabilities).argsort(kind="stable")[: self._most]
        top = [
            {
                "class": self._names[index],
                "probability": round(float(answer.probabilities[index]), 4),
            }
            for index in order
        ]
        row = {
            "file": file,
            **top[0],
            self._rule: round(answer.certainty, 4),
            "exit": answer.exit,
            "macs": macs,
            "share_of_backbone": round(share, 4),
        }
        self._print(row, top)

    def _print(self, row, top):
        if self._csv is None:
            print(json.dumps({**row, "top": top} if top else row), flush=True)
            return
        for place, each in enumerate(top[1:], start=2):
            row |= {f"{key}_{place}": value for key, value in each.items()}
        self._csv.writerow(row)
        sys.stdout.flush()

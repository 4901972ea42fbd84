r"""What stands between a label and its value: ``"password" : "…"``, ``密码为…``, ``<password>…``, ``\"pwd\":``.

The expression that :func:`behind_label` makes has these groups: ``label`` (what goes on behind
the literal), ``gap`` (a separator that can be nothing else) or ``weak`` (a blank, "is"), ``quote``, and ``quoted`` or
``bare``. It is matched behind the literal; how much of the label stands before that, :func:`label_start` tells.
"""

from __future__ import annotations

import re
from typing import Final

# A label shorter than the finder of words takes is entered with each of these behind it.
SHORT_TAILS: Final = ("=", ":", '"', "'", " ", ">", "\\", "_", "]", "%", "：", "为", "是", "1", "2")
LABEL_CHARS_MAX: Final = 40
_GAP: Final = (
    r"(?:\\?[\"'”]|[)\]）】])?[ \t]{0,4}(?:(?P<gap>=>|:=|={1,2}|[:：＝]|为|是|>|%3[DdAa])"
    r"|(?P<weak>[ \t]{1,2}is[ \t]+(?=\S)|[ \t]{1,8}(?=\S)|\|[ \t]{0,4}))[ \t]{0,8}"
)
_LABEL: Final = re.compile(rf"[\w.\-]{{0,{LABEL_CHARS_MAX}}}\Z")


def behind_label(value: str) -> str:
    """Return the expression of the rest of a label, what stands behind it, and then ``value``."""
    label = rf"(?P<label>(?:(?![为是])[\w.\-]){{0,{LABEL_CHARS_MAX}}})(?:[(（][^()（）\n]{{0,12}}[)）])?"
    quoted = r"(?P<quote>\\?[\"'“])(?P<quoted>(?:(?!\\?[\"”])(?!(?P=quote))[^\n]){1,160})(?=\\?[\"'”])"
    return rf"{label}{_GAP}(?:{quoted}|[\[【（(「‘]?(?P<bare>{value}))"


def label_start(before: str) -> int:
    """Return how many characters of ``before``, which ends where a literal begins, belong to the literal's label."""
    found = _LABEL.search(before)
    return len(found.group()) if found else 0

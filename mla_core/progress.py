"""Progress bars, where a person looks: on the terminal, or in a notebook's page in its own colours."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

SECONDS = 0.3  # at least, between two drawings
IN_A_FILE = 1.0  # the same where each drawing is kept in the notebook's file


def bar(**options: Any) -> tqdm[Any]:
    """Return a progress bar.

    Parameters
    ----------
    **options
        As `tqdm` takes them. Where the environment says ``TQDM_DISABLE=1``, none is shown.

    Examples
    --------
    >>> with bar(total=2, disable=True) as steps:
    ...     _ = steps.update()
    """
    from tqdm import tqdm

    every = IN_A_FILE if in_notebook() else SECONDS
    settings: dict[str, Any] = {"file": stream(), "mininterval": every, **options}
    if not settings.get("disable", True):
        del settings["disable"]  # so that TQDM_DISABLE=1 has its say
    return tqdm(**settings)


def say(sentence: str) -> None:
    """Write a sentence where bars are written, without breaking one that is there."""
    from tqdm import tqdm

    tqdm.write(sentence, file=stream())


def stream() -> TextIO:
    """Return where bars, and words beside them, are written.

    A page shows what goes to standard error on red, as if it were an error. So in a notebook it is
    standard output: also a bar of text can be read there after the kernel is gone, in every editor.
    """
    return sys.stdout if in_notebook() else sys.stderr


def in_notebook() -> bool:
    """Whether standard output is a cell's."""
    return type(sys.stdout).__module__.partition(".")[0] == "ipykernel"

"""A run that trains elsewhere, followed from its files."""

from widgets.following.run_watch import RunWatch, watch

__all__ = [
    "RunWatch",
    "watch",
]

"""The version of this package, and of what else decides a result."""

from importlib.metadata import version

__version__ = "0.4.0"


def versions(*others: str) -> dict[str, str]:
    """Return the versions that a result depends on.

    Parameters
    ----------
    *others : str
        Packages to name beside this one, torch and numpy.

    Examples
    --------
    >>> sorted(versions("pandas"))
    ['mla_core', 'numpy', 'pandas', 'torch']
    """
    return {"mla_core": __version__} | {name: version(name) for name in ("torch", "numpy", *others)}

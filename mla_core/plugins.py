"""Names → things: built in, registered in this process, installed by a package, or `module:object`.

Every catalogue (methods, fusion rules, head-gradient variants, data sets, encoders, numbers,
corruptions) is a `Registry`, so that a guest gets its name in the same three ways everywhere. Nothing
is imported before it is asked for.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

from mla_core.errors import ConfigError, nearest, quoted
from mla_core.provenance import digest_of_files, digest_of_live, own_files
from mla_core.references import (
    LOCK,
    ImportNotAllowedError,
    is_allowed,
    is_reference,
    refusal,
    resolve,
    source_of_module,
    top_of,
)

T = TypeVar("T")

_GROUPS: list[str] = []  # of every catalogue


@dataclass(frozen=True)
class Origin:
    """Where a thing that is not built in comes from.

    Attributes
    ----------
    kind, name : str
        ``"fusion"``, ``"my_lab:sharpest"``.
    module : str
    package, version : str
        Of the installed package that brings it; empty where none does.
    source : str
        SHA-256 of its source: of all files of a package, of a module and the modules beside it
        that it imports, or of what a notebook defined.
    """

    kind: str
    name: str
    module: str
    package: str
    version: str
    source: str

    def to_json(self) -> dict[str, str]:
        """Return it as plain values."""
        return asdict(self)


class Registry(Mapping[str, T], Generic[T]):
    """What a name in a configuration stands for.

    Parameters
    ----------
    what : str
        For messages: ``"method"``, ``"data set"``.
    group : str
        Of entry points of installed packages, less ``mla_lab.``: ``"methods"``.
    built_in : mapping of str to tuple of str
        Name → (``"module:object"``, what it is in a few words).
    adapt, check : str, optional
        ``"module:function"`` of what is called once when a guest is first used: ``adapt(thing)``
        returns what stands for it from then on, ``check(name, thing)`` raises `ConfigError` where
        it is not what it must be.

    Examples
    --------
    >>> rules = Registry("rule", "rules", {"sum": ("math:fsum", "adds up")})
    >>> rules["sum"]([1, 2])
    3.0
    >>> @rules.register("last")
    ... def last(values):
    ...     return values[-1]
    >>> from mla_core.references import user_named
    >>> user_named("operator:itemgetter")
    >>> list(rules), rules["last"]([1, 2]), rules["operator:itemgetter"].__name__
    (['sum', 'last'], 2, 'itemgetter')
    >>> rules["lsat"]
    Traceback (most recent call last):
    mla_core.errors.ConfigError: unknown rule 'lsat': choose one of 'sum', 'last', ... (did you mean 'last'?)
    """

    def __init__(
        self,
        what: str,
        group: str,
        built_in: Mapping[str, tuple[str, str]],
        *,
        adapt: str = "",
        check: str = "",
    ) -> None:
        self._what, self.group = what, group
        _GROUPS.append(group)
        self._built_in = dict(built_in)
        self._adapt, self._check = adapt, check
        self._ours: dict[str, T] = {}  # built in, once they were asked for
        self._registered: dict[str, Any] = {}
        self._guests: dict[str, tuple[Any, Any]] = {}  # name -> as found, and as it is used

    # ------------------------------------------------------------------------------ the three ways

    def register(self, name: str) -> Callable[[T], T]:
        """Name a thing in this process; decorate it with this.

        Registering anew what the same place defined before replaces it, as when a notebook's cell
        is run again.

        Raises
        ------
        ConfigError
            For a name that is taken, or that no configuration could hold.
        """
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*", name):
            msg = f"a {self._what}'s name must be letters, digits and _, letter first, not {name!r}"
            raise ConfigError(msg)

        def keep(thing: T) -> T:
            with LOCK:
                before = self._registered.get(name)
                if name in self._built_in or name in self._installed or _elsewhere(before, thing):
                    msg = f"there is a {self._what} {name!r} already: choose another name"
                    raise ConfigError(msg)
                self._registered[name] = thing
            return thing

        return keep

    @cached_property
    def _installed(self) -> dict[str, EntryPoint]:
        """Return what packages bring; a name of a built-in stays the built-in's."""
        found: dict[str, EntryPoint] = {}
        for entry in entry_points(group=f"mla_lab.{self.group}"):
            if entry.name not in self._built_in:
                found.setdefault(entry.name, entry)
        return found

    def _find(self, name: str) -> Any:
        if name in self._built_in:
            return resolve(self._built_in[name][0])
        if name in self._registered:
            return self._registered[name]
        try:
            if name in self._installed:
                return resolve(self._installed[name].value)
            return resolve(name)
        except (ImportError, AttributeError) as error:
            where = f" of the package {self.package(name)}" if name in self._installed else ""
            hint = (
                ""
                if where
                else " (the module must lie in the current folder, in PYTHONPATH or be installed)"
            )
            msg = f"{self._what} {name!r}{where} cannot be imported: {error}{hint}"
            raise ConfigError(msg) from error

    # ------------------------------------------------------------------------------------ a mapping

    def __getitem__(self, name: str) -> T:
        """Return the thing, checked when it is a guest.

        Raises
        ------
        ConfigError
            For an unknown name, for a guest that cannot be imported or is not what it must be, and
            for one that only a file from elsewhere has named.
        """
        if name in self._ours:
            return self._ours[name]
        self.check_name(name)
        with LOCK:
            self.refuse_unallowed(name)
            found: T = self._find(name)
            if name not in self._built_in:
                return self._guest(name, found)
            self._ours[name] = found
            return found

    def _guest(self, name: str, thing: T) -> T:
        """Return what a guest is used as; the first time it is checked."""
        before = self._guests.get(name)
        if before is not None and before[0] is thing:
            known: T = before[1]
            return known
        used: T = resolve(self._adapt)(thing) if self._adapt else thing
        self._guests[name] = thing, used  # now, since the check itself uses the name
        try:
            if self._check:
                resolve(self._check)(name, used)
        except BaseException:
            del self._guests[name]
            raise
        return used

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        return name in self._built_in or name in self._names or is_reference(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def _names(self) -> dict[str, Any]:
        """Return every name that can be chosen here, also those with a colon that were used."""
        used = {name: None for name in self._guests if is_reference(name)}
        return {**self._built_in, **self._installed, **self._registered, **used}

    # --------------------------------------------------------------------------------- about a name

    def check_name(self, name: object, what: str = "") -> None:
        """Raise `ConfigError` unless something may bear this name; nothing is imported.

        Parameters
        ----------
        name : object
        what : str
            What to call it instead of the registry's own word.
        """
        if name in self:
            return
        what, names = what or self._what, [*self]
        close = nearest(name, names)
        hint = f" (did you mean {close!r}?)" if close else ""
        msg = (
            f"unknown {what} {quoted(name)}: choose one of {', '.join(map(repr, names))}, or name "
            f"your own as 'my_module:object'{hint}"
        )
        raise ConfigError(msg)

    def refuse_unallowed(self, name: str) -> None:
        """Raise `ImportNotAllowedError` for a name that only a file from elsewhere has named."""
        if not self.known(name):
            raise ImportNotAllowedError(refusal(self._what, name))

    @property
    def built_in(self) -> tuple[str, ...]:
        """The names that come with this package."""
        return tuple(self._built_in)

    def known(self, name: str) -> bool:
        """Whether the thing can be had here and now without importing what nobody has allowed."""
        return name in self and (not is_reference(name) or is_allowed(name))

    def describe(self, name: str) -> str:
        """Return in a few words what a thing is, or who brings it; imports nothing."""
        if name in self._built_in:
            return self._built_in[name][1]
        if name in self._installed:
            return f"from the package {self.package(name)}"
        thing = self._registered.get(name) or self._guests.get(name, (None,))[0]
        lines = (inspect.getdoc(thing) or "").splitlines() if thing is not None else []
        return lines[0] if lines else "of your own"

    def package(self, name: str) -> str:
        """Return the name and version of the installed package that brings a thing, or ``""``."""
        dist = self._installed[name].dist if name in self._installed else None
        return f"{dist.name} {dist.version}" if dist else ""

    def clashes(self) -> list[str]:
        """Return a sentence for every name that installed packages bring and that is taken."""
        holders: dict[str, str] = dict.fromkeys(self._built_in, "MLA Lab itself")
        said = []
        for entry in entry_points(group=f"mla_lab.{self.group}"):
            by = f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
            if entry.name in holders:
                said.append(
                    f"{entry.name!r} of the package {by} is not used: {holders[entry.name]} "
                    "brings that name"
                )
            holders.setdefault(entry.name, by)
        return said

    def only_here(self, name: str) -> bool:
        """Whether other processes cannot find the thing: it was registered in this one."""
        return name in self._registered

    def origin(self, name: str) -> Origin | None:
        """Return where a guest comes from, None for what is built in.

        Raises
        ------
        ConfigError
            As for looking it up: what is not there has no source.
        """
        if name in self._built_in:
            return None
        self[name]
        thing = self._guests[name][0]
        module = str(getattr(thing, "__module__", "") or "")
        dist = self._installed[name].dist if name in self._installed else None
        if is_reference(name):
            module = name.partition(":")[0]
        elif name in self._installed:
            module = self._installed[name].value.partition(":")[0]
        live = name in self._registered and module == "__main__"
        return Origin(
            self.group,
            name,
            module,
            dist.name if dist else "",
            dist.version if dist else "",
            digest_of_live(thing) if live else source_of_module(module),
        )


def sources_of(values: Any, beside: Path | None = None) -> dict[str, str]:
    """Return the digest of the source of every guest that plain values name; imports nothing.

    Parameters
    ----------
    values : mapping, list or plain value
        Such as a notebook's parameters.
    beside : Path, optional
        A folder in which modules are looked for first.

    Examples
    --------
    >>> sources_of({"epochs": 3, "method": "mla", "noise": [0.5]})
    {}
    """
    if isinstance(values, Mapping):
        return sources_of(list(values.values()), beside)
    if isinstance(values, list | tuple):
        return {k: v for value in values for k, v in sources_of(value, beside).items()}
    if not isinstance(values, str):
        return {}
    if is_reference(values):
        return {values: digest_of_files(own_files(top_of(values), beside))}
    for entry in _entry_points():
        if entry.name == values:
            return {values: digest_of_files(own_files(top_of(entry.module)))}
    return {}


@cache
def _entry_points() -> list[EntryPoint]:
    """Return what all installed packages bring."""
    return [entry for group in _GROUPS for entry in entry_points(group=f"mla_lab.{group}")]


def _elsewhere(before: Any, thing: Any) -> bool:
    """Whether a name is held by a thing that another place defined."""

    def place(x: Any) -> tuple[str, str]:
        return getattr(x, "__module__", ""), getattr(x, "__qualname__", "")

    return before is not None and before is not thing and place(before) != place(thing)

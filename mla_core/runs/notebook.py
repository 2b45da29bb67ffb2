"""Notebooks without a browser: the only file that knows papermill."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mla_core.errors import ConfigError, NotebookError, StoppedError, nearest, quoted
from mla_core.files import write_json
from mla_core.outside import check_plain, path_of
from mla_core.plugins import sources_of
from mla_core.runs.experiment import run_folder
from mla_core.runs.jupyter import encrypted_kernels, spare_the_grammar
from mla_core.runs.notebook_file import check_kernel, read_notebook
from mla_core.runs.same_data import refuse_other_data
from mla_core.settings import hash_of
from mla_core.threads import named_threads

# Set by the runner itself, not part of what names a run.
_RUNNERS_OWN = frozenset({"headless", "run_folder"})
EXECUTION_TIMEOUT = 3600  # seconds for one cell


def notebook_parameters(notebook: str | Path) -> dict[str, tuple[str, Any, str]]:
    """Return a notebook's parameters: name -> (type, default, help).

    Parameters
    ----------
    notebook : str or Path
        With a cell tagged ``parameters`` whose lines are annotated, ``epochs: int = 10  # help``.

    Raises
    ------
    ConfigError
        When there is no such notebook, or it cannot be read, or a default is an expression.
    """
    with spare_the_grammar():
        import papermill

    path = path_of("the notebook", notebook)
    read_notebook(path)
    found = papermill.inspect_notebook(_literally(path))
    return {
        name: (info["inferred_type_name"], _default(path, name, info["default"]), info["help"])
        for name, info in found.items()
    }


def _default(notebook: Path, name: str, text: str) -> Any:
    try:
        value = ast.literal_eval(text)
        check_plain(name, value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        msg = (
            f"parameter {name!r} of {notebook.name} must begin as a plain value, such as 10 or 'a', "
            f"not as {text}"
        )
        raise ConfigError(msg) from error
    return value


def check_parameters(notebook: str | Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all parameters of a notebook, the given ones over its defaults.

    Raises
    ------
    ConfigError
        For a parameter that the notebook does not have (papermill itself would only warn), or a
        value of another type.
    """
    known = notebook_parameters(notebook)
    settable = [name for name in known if name not in _RUNNERS_OWN]
    for name, value in given.items():
        if name not in settable:
            close = nearest(name, settable)
            hint = f" (did you mean {close!r}?)" if close else ""
            msg = f"{Path(notebook).name} has no parameter {name!r}: choose among {settable}{hint}"
            raise ConfigError(msg)
        check_plain(f"parameter {name!r}", value)
        if not _fits(value, known[name][0]):
            msg = f"parameter {name!r} must be of the type {known[name][0]}, not {quoted(value)}"
            raise ConfigError(msg)
    defaults = {name: default for name, (_, default, _) in known.items()}
    return {name: given.get(name, defaults[name]) for name in settable}


def run_notebook(
    notebook: str | Path,
    parameters: Mapping[str, Any],
    out: str | Path = "runs",
    *,
    progress: bool = False,
) -> tuple[Path, bool]:
    """Run a notebook headless and leave one run folder.

    Parameters
    ----------
    notebook : str or Path
    parameters : mapping
        Over the notebook's defaults.
    out : str or Path
        Where run folders are kept.
    progress : bool
        Show the notebook's own progress bars on standard error.

    Returns
    -------
    folder : Path
        ``out/<notebook>-<hash>``, see `run_name`. It holds the executed notebook, ``notebook.json`` and whatever the notebook wrote to its `run_folder`.
    fresh : bool
        False when the run was finished already.

    Raises
    ------
    ConfigError
        Before anything runs, for a bad parameter or folder, or when the run that is there was
        trained on other data.
    NotebookError
        When a cell raises; what was trained stays resumable, and else nothing stays.
    StoppedError
        When its training was stopped on request.
    """
    with spare_the_grammar():
        import papermill
        from nbclient.exceptions import CellTimeoutError, DeadKernelError
        from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    path = path_of("the notebook", notebook)
    full = check_parameters(path, parameters)
    check_kernel(path)
    with run_folder(out, run_name(path, full)) as (partial, finished):
        if partial is None:
            refuse_other_data({finished: None})
            return finished, False
        own = {"headless": True, "run_folder": str(partial.resolve())}
        has = notebook_parameters(path)
        try:
            papermill.execute_notebook(
                _literally(path),
                _literally(partial / path.name),
                parameters=full | {name: value for name, value in own.items() if name in has},
                cwd=str(path.parent),
                progress_bar=False,
                stdout_file=_Bars() if progress else None,
                stderr_file=sys.stderr,
                coalesce_streams=True,  # of a progress bar the last line stays
                config=Config({"KernelManager": encrypted_kernels()}),
                execution_timeout=EXECUTION_TIMEOUT,
                store_widget_state=False,
            )
        except PapermillExecutionError as error:
            if error.ename == StoppedError.__name__:
                raise StoppedError(error.evalue) from error
            msg = f"cell {error.exec_count} raised {error.ename}: {error.evalue}"
            raise NotebookError(msg) from error
        except (CellTimeoutError, DeadKernelError) as error:
            raise NotebookError(" ".join(str(error).split())) from error
        described = {"notebook": path.name, "parameters": full}
        write_json(partial / "notebook.json", described)
    return finished, True


def run_name(notebook: Path, parameters: Mapping[str, Any]) -> str:
    """Return the name of a run's folder: the notebook's, and a hash of its code and parameters.

    Where a parameter names code of your own, also of that code. The same training has another name
    when a configuration alone is run (`run_experiment`): that is its configuration's hash, while
    a notebook does more than train, and its folder holds more.
    """
    cells = read_notebook(notebook)["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    named = {"notebook": notebook.name, "code": code, "parameters": dict(parameters)}
    identity: dict[str, Any] = named | named_threads()
    if sources := sources_of(parameters, notebook.parent):
        identity["guests"] = sources
    return f"{notebook.stem.lstrip('.')[:60]}-{hash_of(identity)}"


def _literally(path: Path) -> str:
    """Return a path as papermill takes it, which would fill in a name in braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


class _Bars:
    """Takes what a notebook prints, and passes on to standard error what rewrites its line."""

    def __init__(self) -> None:
        self._open = False

    def write(self, text: str) -> None:
        if "\r" in text or (self._open and text.startswith("\n")):
            self._open = not text.endswith("\n")
            sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def reject_unknown_parameters(cells: Sequence[str]) -> None:
    r"""Fail inside a notebook to which plain papermill gave what its parameters cannot be.

    Parameters
    ----------
    cells : sequence of str
        The sources of the cells run so far, IPython's ``In``.

    Raises
    ------
    ConfigError
        Papermill puts its values into a cell that starts with ``# Parameters``; a name assigned
        there but in no cell before is unknown, and a value is of the type that was annotated.

    Examples
    --------
    >>> reject_unknown_parameters(["epochs: int = 5", "# Parameters\nepochs = 2"])
    >>> reject_unknown_parameters(["epochs: int = 5", "# Parameters\nepoch = 2"])
    Traceback (most recent call last):
    mla_core.errors.ConfigError: this notebook has no parameter 'epoch': choose among ['epochs']
    >>> reject_unknown_parameters(["fast: bool = False", '# Parameters\nfast = "no"'])
    Traceback (most recent call last):
    mla_core.errors.ConfigError: parameter 'fast' must be of the type bool, not 'no'
    """
    known: dict[str, str] = {}
    for source in cells:
        assigned = _assigned(source)
        if source.startswith("# Parameters\n"):
            for name, (_, value) in assigned.items():
                if name not in known:
                    msg = f"this notebook has no parameter {name!r}: choose among {list(known)}"
                    raise ConfigError(msg)
                given = _literal(value)
                if given is not None and not _fits(given, known[name]):
                    msg = (
                        f"parameter {name!r} must be of the type {known[name]}, not {quoted(given)}"
                    )
                    raise ConfigError(msg)
        for name, (annotation, _) in assigned.items():
            known[name] = annotation or known.get(name, "")


def _assigned(source: str) -> dict[str, tuple[str, ast.expr | None]]:
    """Return what a cell assigns at its top: name -> (annotation, expression)."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a cell with a magic command
        return {}
    found: dict[str, tuple[str, ast.expr | None]] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            targets, annotation = node.targets, ""
        elif isinstance(node, ast.AnnAssign):
            targets, annotation = [node.target], ast.unparse(node.annotation)
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name):
                found[target.id] = annotation, node.value
    return found


def _literal(expression: ast.expr | None) -> Any:
    """Return a plain value, None where it is none, such as papermill's ``float('nan')``."""
    try:
        return None if expression is None else ast.literal_eval(expression)
    except ValueError:
        return None


def _fits(value: Any, type_name: str) -> bool:
    types: dict[str, type | tuple[type, ...]] = {
        "int": int,
        "float": (int, float),
        "str": str,
        "bool": bool,
        "list": list,
    }
    expected = types.get(type_name.split("[", maxsplit=1)[0])
    if expected is None:
        return True
    return isinstance(value, expected) and (expected is bool or not isinstance(value, bool))

"""Running a cell again closes what it opened: whole widgets, wherever the run before was cut short."""

import asyncio
from types import SimpleNamespace

import pytest

from widgets import (
    ProjectionToy,
    RunBrowser,
    TrainingLab,
    explore_fusion,
    explore_gap,
    explore_head_gradient,
)
from widgets.page import per_cell
from widgets.questions.question import Question


class Cell:
    """A notebook cell that can be run again."""

    def __init__(self, monkeypatch):
        self.runs = 0
        kernel = SimpleNamespace(execution_count=1, get_parent=self._parent)
        monkeypatch.setattr(per_cell, "get_ipython", lambda: SimpleNamespace(kernel=kernel))
        monkeypatch.setattr(per_cell, "_open", {})

    def _parent(self):
        return {"header": {"msg_id": f"{self.runs}"}, "metadata": {"cellId": "a"}}

    def run(self, make):
        self.runs += 1
        return make()


@pytest.fixture
def cell(monkeypatch):
    return Cell(monkeypatch)


OPENS = {
    "lab": lambda session, _: TrainingLab(session.config, data=session.data),
    "fusion": lambda session, _: explore_fusion(session),
    "gap": lambda session, _: explore_gap(session),
    "head gradient": lambda session, _: explore_head_gradient(session),
    "toy": lambda *_: ProjectionToy(),
    "runs": lambda _, folder: RunBrowser(folder),
    "question": lambda *_: Question("Is it?", ["yes", "no"], lambda: ("yes", "It is.")),
}


class Interrupted(BaseException):
    """What a person does to a cell that takes too long."""


@pytest.mark.parametrize("name", OPENS)
def test_what_is_noted_can_be_closed_whenever_the_cell_is_interrupted(
    name, session, tmp_path, cell, monkeypatch
):
    closed = []

    def note_and_be_interrupted(widget):
        register(widget)
        monkeypatch.setattr(per_cell, "register", register)
        closed.append(widget)
        raise Interrupted

    async def main():
        with pytest.raises(Interrupted):
            cell.run(lambda: OPENS[name](session, tmp_path))
        again = cell.run(lambda: OPENS[name](session, tmp_path))  # which closes the one before
        assert per_cell._open["a"][1] == [again]
        again.close()

    register = per_cell.register
    monkeypatch.setattr(per_cell, "register", note_and_be_interrupted)
    asyncio.run(main())
    assert len(closed) == 1


@pytest.mark.parametrize("name", ["lab", "runs", "question"])
def test_a_cell_that_is_interrupted_before_closes_nothing(
    name, session, tmp_path, cell, monkeypatch
):
    def interrupted(*_, **__):
        raise Interrupted

    async def main():
        first = cell.run(lambda: OPENS[name](session, tmp_path))
        with monkeypatch.context() as patch:
            patch.setattr("ipywidgets.VBox.__init__", interrupted)
            with pytest.raises(Interrupted):
                cell.run(lambda: OPENS[name](session, tmp_path))
        assert per_cell._open["a"][1] == [first]
        again = cell.run(lambda: OPENS[name](session, tmp_path))
        assert per_cell._open["a"][1] == [again]
        again.close()

    asyncio.run(main())


def test_one_that_cannot_be_closed_keeps_no_other_open(cell):
    class Bell:
        def __init__(self, fails=False):
            self.fails, self.rung = fails, 0
            per_cell.register(self)

        def close(self):
            self.rung += 1
            if self.fails:
                raise ValueError("stuck")

    bells = cell.run(lambda: [Bell(), Bell(fails=True), Bell()])
    with pytest.raises(ValueError, match="stuck"):
        cell.run(Bell)
    assert [bell.rung for bell in bells] == [1, 1, 1]
    cell.run(Bell)

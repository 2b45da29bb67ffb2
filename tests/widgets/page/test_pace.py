"""When the next picture is due: told by hand what time it is."""

import pytest

from widgets.page import Pace, StatusLine
from widgets.page import pace as module


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_pictures_keep_their_distance_and_leave_time_for_the_work(clock):
    pace = Pace(StatusLine(), 0.1)
    assert pace.due()
    with pace.drawing():
        clock[0] += 0.05
    clock[0] += 0.09
    assert not pace.due()
    clock[0] += 0.02
    assert pace.due()
    assert not pace.due(share=10), "ten times 0.05 s have not passed"
    clock[0] += 0.4
    assert pace.due(share=10)


def test_a_page_that_has_not_drawn_the_last_picture_is_waited_for_but_not_for_ever(clock):
    status = StatusLine()
    pace = Pace(status, 0.1)
    with pace.drawing():
        status.tick += 1
    clock[0] += 1
    assert not pace.due()
    status.tock = status.tick
    assert pace.due()
    status.tick += 1
    clock[0] += module.PATIENCE_SECONDS
    assert pace.due()

"""The process that makes UMAPs waits until nobody waits for the first picture."""

import asyncio

import pytest

from tests.widgets.bench.driving import Worker, on_bench, settle, train_an_epoch, until
from widgets.bench import map_follower


@pytest.fixture(autouse=True)
def long_calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing begin by itself during a test, however slow the machine is."""
    monkeypatch.setattr(map_follower, "CALM", 1e6)


def test_it_does_not_take_the_first_pictures_cores():
    async def script(lab):
        assert lab._maps._worker is None

    on_bench(script)


def test_it_gets_ready_a_little_later(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(map_follower, "CALM", 0.05)
    monkeypatch.setattr(map_follower, "MapWorker", Worker)

    async def script(lab):
        await until(lambda: lab._maps._worker is not None)

    on_bench(script)


def test_whoever_asks_for_a_umap_does_not_wait_for_that():
    async def script(lab):
        lab._controls.map.value = "umap"
        await settle(lab)
        assert lab._maps._worker is not None

    on_bench(script)


def test_a_bench_that_is_closed_before_begins_none():
    async def script(lab):
        lab.close()
        assert lab._maps._begin.cancelled()
        assert lab._maps._worker is None

    on_bench(script)


def test_where_no_process_can_be_had_it_says_so_and_training_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """A limit of the system's, or a `%reset`, which takes from `__main__` what processes read."""

    def refused() -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(map_follower, "MapWorker", refused)
    monkeypatch.setattr(map_follower, "CALM", 0.01)

    async def script(lab):
        await asyncio.sleep(0.05)  # it would have begun by itself
        lab._controls.map.value = "umap"
        await settle(lab)
        assert "it got no process (BlockingIOError: [Errno 11] Resource" in lab._status.text
        assert "warming" not in lab._followers[0]._maps.views["pca"].caption
        await train_an_epoch(lab)
        assert lab.session.epoch == 1

    on_bench(script)
    assert caplog.messages == []

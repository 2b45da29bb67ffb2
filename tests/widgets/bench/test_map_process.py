"""The process that makes UMAPs waits until nobody waits for the first picture."""

import asyncio

import pytest

from tests.widgets.bench.driving import on_bench, settle, until
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

    async def script(lab):
        await until(lambda: lab._maps._worker is not None)
        await asyncio.to_thread(lab._maps.worker.warm_up.result)

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

"""The inbox: in order, from any thread, and no waiting for what is there."""

import asyncio
import threading

from widgets.page import Inbox


def run(script):
    async def main():
        return await script(Inbox(asyncio.get_running_loop()))

    return asyncio.run(asyncio.wait_for(main(), 20))


def test_what_other_threads_put_in_is_taken_out_in_their_order():
    async def script(inbox):
        threads = [
            threading.Thread(target=lambda m=m: [inbox.put((m, i)) for i in range(50)])
            for m in range(4)
        ]
        for thread in threads:
            thread.start()
        taken = []
        while len(taken) < 200:
            assert await inbox.wait()
            taken += inbox.take()
        return taken

    taken = run(script)
    for m in range(4):
        assert [i for who, i in taken if who == m] == list(range(50))


def test_one_may_stop_taking_and_the_rest_stays():
    async def script(inbox):
        for item in "abc":
            inbox.put(item)
        first = next(inbox.take())
        return first, await inbox.wait(), list(inbox.take())

    assert run(script) == ("a", True, ["b", "c"])


def test_waiting_does_not_end_with_what_was_taken_before():
    async def script(inbox):
        inbox.put("a")
        list(inbox.take())  # before the loop has heard of it
        asyncio.get_running_loop().call_later(0.05, inbox.put, "b")
        return await inbox.wait(20), list(inbox.take()), await inbox.wait(0.01)

    assert run(script) == (True, ["b"], False)


def test_nothing_fails_when_the_loop_is_closed():
    loop = asyncio.new_event_loop()
    loop.close()
    Inbox(loop).put("a")

"""Runs a command until it ends, or until the process that started this one is gone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

STOP_SECONDS = 10


def guard(command: list[str]) -> int:
    """Run a command until it ends or until the process that started the guard is gone.

    The guard reads from a pipe that only that process holds open: the pipe ends when it is closed,
    and also when its holder dies, however it dies. Then the server is asked to stop, which ends
    its kernels, and whatever is left in the process group is killed.
    """
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def stop_at_the_end_of_input() -> None:
        sys.stdin.buffer.read()
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(STOP_SECONDS)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=stop_at_the_end_of_input, daemon=True).start()
    return server.wait()


if __name__ == "__main__":
    sys.exit(guard(sys.argv[1:]))

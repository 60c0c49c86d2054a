"""The embedded registry as a process of its own, for benches that measure it: prints its address, ends with SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import sys

from outrider_embedded.registry.running import running_registry


async def main() -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with running_registry("bench") as running:
        sys.stdout.write(running.address.removeprefix("http://") + "\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())

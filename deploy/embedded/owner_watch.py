"""End the stack when its owner has ended: `python -m deploy.embedded.owner_watch PID`.

Tests own their stacks, and a test run that is killed must not leave engines behind.
"""

import os
import signal
import sys
import time
from contextlib import suppress

import psutil


def main() -> None:
    """Wait for the owner's end, then ask supervisord, our parent, to shut down."""
    supervisor = os.getppid()
    with suppress(psutil.NoSuchProcess):
        psutil.Process(int(sys.argv[1])).wait()
    os.kill(supervisor, signal.SIGTERM)
    time.sleep(60)


if __name__ == "__main__":
    main()

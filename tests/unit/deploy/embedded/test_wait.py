"""Waiting for an address, then becoming the command."""

import socket
import subprocess
import sys
import time
from threading import Timer

from deploy.embedded.ports import free_base
from deploy.embedded.wait import wait_for


def test_returns_when_somebody_listens() -> None:
    port = free_base(None)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    opening = Timer(0.3, listener.listen)
    started = time.monotonic()
    opening.start()

    wait_for([f"127.0.0.1:{port}"], pause_seconds=0.02)

    assert time.monotonic() - started > 0.25
    opening.join()
    listener.close()


def test_becomes_the_command_with_its_arguments_and_exit_code() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        command = [sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(3)", "--", "x"]
        wait = [sys.executable, "-m", "deploy.embedded.wait", address, "--"]
        result = subprocess.run([*wait, *command], capture_output=True, text=True, check=False)
    assert result.stdout == "['--', 'x']\n"
    assert result.returncode == 3

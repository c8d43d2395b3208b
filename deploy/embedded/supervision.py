"""The supervisor of a stack: its configuration, its start and end, and a client for its socket."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from xmlrpc.client import Fault, ServerProxy

import psutil
from supervisor.xmlrpc import SupervisorTransport

from deploy.embedded import orphans
from deploy.embedded.layout import REPOSITORY, Layout
from deploy.embedded.programs import Program

_STOP_LIMIT_SECONDS = 60


@dataclass(frozen=True)
class Process:
    """A process as supervisor sees it; `pid` is 0 while it does not run."""

    name: str
    state: str
    pid: int
    started_at: float  # Unix seconds


class Supervisor:
    """One supervisord, reached by its Unix socket. All names are bare program names."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def is_running(self) -> bool:
        try:
            return bool(self._call("supervisor.getState")["statename"] == "RUNNING")
        except OSError:
            return False

    def spawn(self, programs: Iterable[Program], environment: Mapping[str, str]) -> None:
        """Start supervisord in the background, with an environment that its programs inherit.

        `ChildProcessError` says why it does not start.
        """
        self._layout.supervisor_config.write_text(render_config(self._layout, programs))
        command = [sys.executable, "-m", "supervisor.supervisord"]
        result = subprocess.run(
            [*command, "-c", str(self._layout.supervisor_config)],
            env={**os.environ, **environment, **orphans.mark(self._layout)},
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise ChildProcessError(f"supervisor does not start: {result.stderr[-2000:]}")
        while not self.is_running():
            time.sleep(0.02)

    def environment(self) -> dict[str, str]:
        """What its programs were told when it was started."""
        return psutil.Process(self._call("supervisor.getPID")).environ()

    def processes(self) -> dict[str, Process]:
        rows = self._call("supervisor.getAllProcessInfo")
        return {
            row["name"]: Process(row["name"], row["statename"], row["pid"], float(row["start"]))
            for row in rows
        }

    def start(self, name: str) -> None:
        """Start a process and return at once; nothing happens if it runs."""
        try:
            self._call("supervisor.startProcess", self._full_name(name), False)
        except Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise

    def stop(self, name: str) -> None:
        """Stop a process and return when it has ended; nothing happens if it does not run."""
        try:
            self._call("supervisor.stopProcess", self._full_name(name), True)
        except Fault as fault:
            if "NOT_RUNNING" not in fault.faultString:
                raise

    def shut_down(self) -> None:
        """Stop all, the engines last, and return when supervisord itself has ended."""
        pid = self._call("supervisor.getPID")
        self._call("supervisor.shutdown")
        try:
            psutil.Process(pid).wait(_STOP_LIMIT_SECONDS)
        except psutil.NoSuchProcess:
            return

    def _full_name(self, name: str) -> str:
        rows = self._call("supervisor.getAllProcessInfo")
        return next(f"{row['group']}:{name}" for row in rows if row["name"] == name)

    def _call(self, method: str, *arguments: Any) -> Any:
        url = f"unix://{self._layout.supervisor_socket}"
        transport = SupervisorTransport(None, None, serverurl=url)
        with ServerProxy("http://localhost", transport=transport) as proxy:
            return getattr(proxy, method)(*arguments)


def render_config(layout: Layout, programs: Iterable[Program]) -> str:
    """supervisord's configuration. A group stops together, `services` before `engines`."""
    groups: dict[str, list[str]] = {"engines": [], "services": []}
    sections = [_head(layout)]
    for program in programs:
        groups[program.group].append(program.name)
        sections.append(_section(layout, program))
    for priority, (group, names) in enumerate(groups.items()):
        if names:
            sections.append(f"[group:{group}]\nprograms={','.join(names)}\npriority={priority}\n")
    return "\n".join(sections)


def _head(layout: Layout) -> str:
    return _HEAD.format(
        user="user=root" if os.geteuid() == 0 else "",
        log=_escape(layout.log("supervisor")),
        pid=_escape(layout.supervisor_pid),
        socket=_escape(layout.supervisor_socket),
    )


def _section(layout: Layout, program: Program) -> str:
    return _PROGRAM.format(
        name=program.name,
        command=_escape(shlex.join(program.command)),
        directory=_escape(REPOSITORY),
        autostart=str(program.group == "engines").lower(),
        signal=program.stop_signal,
        log=_escape(_escape(layout.log(program.name))),  # this one is expanded twice
    )


def _escape(text: object) -> str:
    """supervisord reads % as the start of a variable."""
    return str(text).replace("%", "%%")


_HEAD = """\
[supervisord]
{user}
logfile={log}
logfile_maxbytes=5MB
logfile_backups=2
pidfile={pid}
identifier=caseloop

[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

_PROGRAM = """\
[program:{name}]
command={command}
directory={directory}
autostart={autostart}
autorestart=true
startretries=1000000000
startsecs=1
stopsignal={signal}
stopwaitsecs=10
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""

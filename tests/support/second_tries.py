"""Browser tests may be tried twice, and the end of the run names each that needed it.

A browser on a busy machine fails for reasons of its own. A test that needs its second try often is
to be mended, so none passes in silence; nothing else is tried twice.
"""

import pytest
from _pytest.runner import runtestprotocol

_FIRST_TRY = "the first try failed"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if item.get_closest_marker("browser") is None:
        return None  # pytest's own protocol
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    failures = [report for report in reports if report.failed]
    if failures:
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        for report in reports:  # a property reaches the end of the run from a worker too
            report.user_properties.append((_FIRST_TRY, _reason(failures[0])))
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _reason(report: pytest.TestReport) -> str:
    lines = [line for line in report.longreprtext.splitlines() if line.startswith("E ")]
    return lines[0].removeprefix("E").strip() if lines else report.longreprtext[-200:]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    failed = _tried_twice(terminalreporter, "failed") | _tried_twice(terminalreporter, "error")
    passed = _tried_twice(terminalreporter, "passed")
    if not failed and not passed:
        return
    terminalreporter.section("second tries")
    for name in sorted(failed.keys() | passed.keys()):
        outcome = "failed at both tries" if name in failed else "passed at the second try"
        terminalreporter.line(f"{outcome}: {name}: {(failed | passed)[name]}")


def _tried_twice(terminalreporter: pytest.TerminalReporter, outcome: str) -> dict[str, str]:
    """Of the tests with this outcome that were tried twice: why the first try failed."""
    return {
        report.nodeid: str(reason)
        for report in terminalreporter.getreports(outcome)
        if isinstance(report, pytest.TestReport)  # not of a file that cannot be imported
        for name, reason in report.user_properties
        if name == _FIRST_TRY
    }

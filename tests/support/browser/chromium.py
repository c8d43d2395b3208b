"""Where a Chromium is: in `CHROMIUM`, else on the path, else Playwright's own; or nowhere."""

import os
import shutil
from pathlib import Path


def chromium() -> Path | None:
    """The browser's program. A path in `CHROMIUM` must be one: no silent second choice."""
    if named := os.environ.get("CHROMIUM"):
        if not Path(named).is_file():
            raise FileNotFoundError(f"CHROMIUM={named}: there is no such program")
        return Path(named)
    if found := shutil.which("chromium"):
        return Path(found)
    return _playwrights_own()


def _playwrights_own() -> Path | None:
    from playwright.sync_api import sync_playwright  # starts a driver: only if it must be

    with sync_playwright() as playwright:
        found = Path(playwright.chromium.executable_path)
    return found if found.is_file() else None

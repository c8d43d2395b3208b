"""The review page before one reviewer, who works it by keyboard and reads it."""

from collections.abc import Sequence
from dataclasses import dataclass

from playwright.async_api import Locator, Page, Request, Route, expect

from tests.support.browser.workplace import PATIENCE_MS, complaints

# Notes how long after a key the next case stood on the screen, and what of it was fetched only
# then. A frame is painted after its callbacks, so the message comes behind the paint.
STOPWATCH = """
(() => {
  window.shown = [];
  window.fetched = [];
  let pressed = 0;
  addEventListener("keydown", (event) => (pressed = event.timeStamp), true);
  addEventListener("DOMContentLoaded", () => {
    new MutationObserver(() => {
      if (!document.querySelector("#main > .case")) {
        return;
      }
      const late = performance.getEntriesByType("resource").filter((each) =>
        each.startTime > pressed && /\\/assignments(\\/[^/]+)?$/.test(each.name));
      window.fetched.push(late.map((each) => each.name));
      requestAnimationFrame(() => {
        const after = new MessageChannel();
        after.port1.onmessage = () => window.shown.push(performance.now() - pressed);
        after.port2.postMessage(null);
      });
    }).observe(document.getElementById("main"), { childList: true });
  });
})();
"""
_CASES_HAVE_COME = r"""
(number) => performance.getEntriesByType("resource")
  .filter((each) => /\/assignments\/[^/]+$/.test(each.name)).length >= number
"""
# How bright the page is, from 0 to 1.
_BRIGHTNESS = """
(() => {
  const drawing = document.createElement("canvas").getContext("2d");
  drawing.fillStyle = getComputedStyle(document.documentElement).backgroundColor;
  drawing.fillRect(0, 0, 1, 1);
  const [red, green, blue] = drawing.getImageData(0, 0, 1, 1).data;
  return (red + green + blue) / 765;
})()
"""


@dataclass(frozen=True)
class Workbench:
    page: Page

    async def shows(self, title: str) -> None:
        """Wait until this case is before the reviewer."""
        await expect(self.page.locator("main h1")).to_have_text(title)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.page.keyboard.press(key)

    async def write(self, text: str) -> None:
        await self.page.keyboard.type(text)

    async def says(self, text: str, where: str = "main") -> None:
        await expect(self.page.locator(where)).to_contain_text(text)

    async def hides(self, text: str) -> None:
        await expect(self.page.locator("body")).not_to_contain_text(text)

    def field(self, name: str) -> Locator:
        return self.page.locator(f".decide [name={name}]")

    async def chosen(self, name: str) -> str | None:
        found = self.page.locator(f".decide [name={name}]:checked")
        return await found.get_attribute("value") if await found.count() else None

    async def saved(self) -> None:
        """Wait until the server has the draft."""
        await self.says("Draft saved", ".saved")

    async def is_accessible(self) -> None:
        """In light and in dark, whatever is on the screen now."""
        found = await complaints(self.page)
        await self.page.emulate_media(color_scheme="dark")
        found += await complaints(self.page, "color-contrast")
        await self.page.emulate_media(color_scheme="light")
        assert not found, "\n".join(found)

    async def does_not_scroll(self) -> None:
        """Everything stands on one screen."""
        over = "document.documentElement.scrollHeight - innerHeight"
        assert await self.page.evaluate(over) <= 0

    async def does_not_scroll_sideways(self) -> None:
        over = "document.documentElement.scrollWidth - innerWidth"
        assert await self.page.evaluate(over) <= 0

    async def brightness(self) -> float:
        found: float = await self.page.evaluate(_BRIGHTNESS)
        return found

    async def stand_still(self) -> None:
        """From now on nothing happens on the page by itself, such as another try after a while."""
        now = await self.page.evaluate("Date.now()")
        await self.page.clock.pause_at(now / 1000 + 60)  # a clock goes forward only

    async def milliseconds(self) -> Sequence[float]:
        found: list[float] = await self.page.evaluate("window.shown")
        return found

    async def has(self, cases: int) -> None:
        """Wait until so many cases have come, those at hand among them."""
        await self.page.wait_for_function(_CASES_HAVE_COME, arg=cases)

    async def fetched(self) -> Sequence[list[str]]:
        """For each case shown, what brought it after the last key."""
        found: list[list[str]] = await self.page.evaluate("window.fetched")
        return found


async def overhear(page: Page) -> list[str]:
    """Everything that reaches a page from now on, as it comes: headers and bodies."""
    heard: list[str] = []

    async def keep(route: Route) -> None:
        answer = await route.fetch(timeout=PATIENCE_MS)
        heard.append(f"{answer.headers} {(await answer.body()).decode(errors='replace')}")
        await route.fulfill(response=answer)

    await page.route("**/*", keep)
    return heard


def requests_of(page: Page, method: str, path: str) -> list[str]:
    """The addresses of such requests that the page makes from now on, as it makes them."""
    made: list[str] = []

    def note(request: Request) -> None:
        if request.method == method and request.url.endswith(path):
            made.append(request.url)

    page.on("request", note)
    return made


async def lose_answer(
    page: Page,
    path: str,
    *,
    method: str = "POST",
    done: bool = True,
    begun: bool = False,
    times: int = 1,
) -> None:
    """The next answers to such requests never arrive. `done`: the requests themselves do;
    `begun`: of the answers some bytes do."""
    left = times

    async def lose(route: Route) -> None:
        nonlocal left
        if route.request.method != method or left == 0:
            await route.fallback()
            return
        left -= 1
        answer = await route.fetch(timeout=PATIENCE_MS) if done else None
        if answer and begun:
            await route.fulfill(response=answer, body=(await answer.body())[:20])
        else:
            await route.abort()

    await page.route(path, lose)

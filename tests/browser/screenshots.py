"""Pictures of every page: empty, full and in error, in light and dark, on a screen and on a tablet.

`make screenshots` writes them into `screenshots/`, to be looked at, and the README's picture.
"""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

from playwright.async_api import Page, ViewportSize

from shared.events import ReviewRequested
from tests.support.browser.busy_queue import (
    PICTURED,
    SHARES,
    fill,
    independent_review,
    waiting,
)
from tests.support.browser.colleague import colleague
from tests.support.browser.simulated_requests import asked, earlier
from tests.support.browser.workbench import Workbench
from tests.support.browser.workplace import SCREEN, Workplace, workplace
from tests.support.engines.lifecycle import Engines, fresh_database, own_engines

FOLDER = Path("screenshots")
PICTURE = Path("docs/images/workbench.png")
SIZES: Mapping[str, ViewportSize] = {"screen": SCREEN, "tablet": {"width": 820, "height": 1180}}
PHONE: Mapping[str, ViewportSize] = {"phone": {"width": 390, "height": 844}}
SETTINGS = {"overlap_share": SHARES.overlap, "blind_share": SHARES.blind}


async def shoot(page: Page, name: str, *, phone: bool = False) -> None:
    """The page as it stands, in each size and each scheme."""
    for size, viewport in {**SIZES, **(PHONE if phone else {})}.items():
        await page.set_viewport_size(viewport)
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            await page.screenshot(
                path=FOLDER / f"{name}-{size}-{scheme}.png", full_page=True, animations="disabled"
            )
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(SCREEN)


async def visit(place: Workplace, page: Page, name: str, path: str, **options: bool) -> None:
    await page.goto(f"{place.url}{path}")
    await shoot(page, name, **options)


async def signing_in(place: Workplace) -> None:
    page = await (await place.context()).new_page()
    await visit(place, page, "sign-in", "/sign-in", phone=True)
    await page.get_by_label("Name").fill("amara")
    await page.get_by_label("Password").fill("not-the-password")
    await page.keyboard.press("Enter")
    await page.locator(".problem").wait_for()
    await shoot(page, "sign-in-refused")


async def nothing_yet(place: Workplace) -> None:
    """Every page of a system that has only been installed."""
    senior = await place.sign_in("sam")
    await senior.get_by_text("No cases waiting").wait_for()
    await shoot(senior, "review-empty", phone=True)
    await senior.evaluate("Object.defineProperty(document, 'visibilityState', {value: 'hidden'})")
    await senior.get_by_text("Paused while you were away").wait_for()
    await shoot(senior, "review-away")
    await senior.close()
    lead = await place.sign_in("lee")
    for path in ("my-work", "queue", "reviews", "reviewers", "agreement", "search"):
        await visit(place, lead, f"{path}-empty", f"/{path}")
    await search(lead, "S11-9999999", name="search-nothing")


async def search(page: Page, text: str, *, name: str) -> None:
    """From the page of the search."""
    await page.get_by_label("Case, claim or member").fill(text)
    await page.keyboard.press("Enter")
    await page.get_by_text("Search matches").or_(page.get_by_role("table")).wait_for()
    await shoot(page, name)


async def a_case(place: Workplace) -> None:
    """One case from its first sight to its undoing, and the dialogs on the way."""
    pictured = asked(PICTURED, minutes=431)
    await place.remember(
        earlier(pictured.case, days=31, label="APPROVED"),
        earlier(pictured.case, days=212, label="DENIED"),
    )
    await place.publish(pictured)
    workbench = await _workbench(place, "amara", pictured)
    page = workbench.page
    await shoot(page, "review-case", phone=True)
    for key, dialog in {
        "?": "help",
        "s": "skip",
        "e": "escalate",
        "o": "note",
        "/": "search",
    }.items():
        await workbench.press(key)
        await shoot(page, f"review-{dialog}", phone=dialog == "help")
        await workbench.press("Escape", "Escape")
    await workbench.press("o")
    await workbench.write("The photographs are missing.")
    await workbench.press("Escape", "d")
    await shoot(page, "review-denying")
    await workbench.press("o", "Control+Enter")
    await workbench.says("Note kept", ".saved")
    await workbench.press("2")
    await shoot(page, "review-criteria")
    await workbench.press("1", "b")
    await workbench.write(
        "The obstruction is documented; the hump and the tip are matters of shape only."
    )
    await workbench.press("Escape")
    await workbench.saved()
    await page.screenshot(path=PICTURE, animations="disabled")
    await shoot(page, "review-denied", phone=True)
    for panel in await page.locator("details.more summary").all():
        await panel.click()
    await shoot(page, "review-panels")
    await page.context.set_offline(True)
    await workbench.press("b", "End")
    await workbench.write(" Agreed.")
    await workbench.press("Control+Enter")
    await workbench.says("cannot be reached", "#banner")
    await shoot(page, "review-unreachable")
    await page.get_by_role("button", name="Sign out").click()
    await page.locator("#unsaved").wait_for()
    await shoot(page, "review-unsaved")
    await workbench.press("Enter")
    await page.context.set_offline(False)
    await workbench.press("Control+Enter")
    await page.locator(".toast").wait_for()
    await shoot(page, "review-undo", phone=True)


async def other_cases(place: Workplace) -> None:
    """What is hidden, what is of another task, what is lost, and a dispute."""
    blind = waiting(blind=True, twice=False, minutes=425)
    other = independent_review(104, minutes=420)
    await place.publish(blind, other)
    workbench = await _workbench(place, "bo", blind)
    await shoot(workbench.page, "review-blind")
    await workbench.press("p", "c")
    await workbench.says("before you saw it", ".draft")
    await shoot(workbench.page, "review-committed")
    await workbench.press("1", "Enter")
    await workbench.shows(other.case.claim_id or "")
    await shoot(workbench.page, "review-other-task", phone=True)
    await workbench.press("d", "1")
    await shoot(workbench.page, "review-own-criterion")
    await place.expire(other.review_id)
    await workbench.press("Enter", "Control+Enter")
    await workbench.page.context.set_offline(True)
    await workbench.page.context.set_offline(False)
    await workbench.says("expired", "#banner")
    await shoot(workbench.page, "review-lost", phone=True)
    await workbench.page.close()


async def a_dispute(place: Workplace) -> ReviewRequested:
    """Three reviewers of three minds, and the senior who settles it."""
    disputed = waiting(blind=False, twice=True, minutes=440)
    await place.publish(disputed)
    for name, label in {"amara": "APPROVED", "bo": "DENIED", "cleo": "PENDING"}.items():
        async with colleague(place.url, name) as person:
            assert await person.decide(label) == disputed.review_id
        if name != "amara":
            await place.settle()
    senior = await _workbench(place, "sam", disputed)
    await shoot(senior.page, "review-dispute", phone=True)
    await senior.press("d", "2", "1", "b")
    await senior.write("The note shows no loss of function.")
    await senior.press("Control+Enter")
    await senior.page.locator(".toast").wait_for()
    return disputed


async def own_work(place: Workplace) -> None:
    page = await place.sign_in("amara")
    await visit(place, page, "my-work", "/my-work?days=7", phone=True)
    await page.get_by_role("link", name="Reopen").nth(2).click()
    await page.wait_for_url("**/my-work/*")
    await shoot(page, "correction")
    await page.locator(".option", has_text="Denied").click()
    await page.get_by_role("button", name="Correct the decision").click()
    await page.locator("#problem").wait_for()
    await shoot(page, "correction-refused")
    await visit(place, page, "search-form", "/search")
    await search(page, str(PICTURED.input.member_id), name="search")
    await visit(place, page, "forbidden", "/agreement")


async def looked_after(place: Workplace, disputed: ReviewRequested) -> None:
    """The pages of the lead and of the auditor."""
    lead = await place.sign_in("lee")
    for path in ("queue", "reviews", "reviewers", "agreement"):
        await visit(place, lead, path, f"/{path}", phone=True)
    await visit(place, lead, "agreement-all", "/agreement?basis=all")
    await visit(place, lead, "reviews-refused", "/reviews?amount_from=much")
    await visit(place, lead, "missing", "/reviews/none")
    await place.settle()
    await visit(place, lead, "review-settled", f"/reviews/{disputed.review_id}", phone=True)
    await visit(place, lead, "reviewer", "/reviewers/bo")
    await lead.locator("summary", has_text="Pause").click()
    await lead.get_by_label("Why").fill("Training until Thursday")
    await shoot(lead, "reviewer-pausing")
    await lead.get_by_role("button", name="Pause bo now").click()
    await lead.get_by_text("Paused by lee").wait_for()
    await shoot(lead, "reviewer-paused")
    await visit(place, lead, "reviewers-paused", "/reviewers")
    bo = await place.sign_in("bo")
    await bo.locator("#banner").wait_for()
    await shoot(bo, "review-paused")
    auditor = await place.sign_in("ada")
    await visit(place, auditor, "audit", "/audit", phone=True)
    await visit(place, auditor, "audit-of-a-review", f"/reviews/{disputed.review_id}")


async def _workbench(place: Workplace, name: str, request: ReviewRequested) -> Workbench:
    workbench = Workbench(await place.sign_in(name))
    await workbench.shows(request.case.claim_id or "")
    return workbench


async def take(engines: Engines, place: Workplace) -> None:
    await signing_in(place)
    await nothing_yet(place)
    await fill(place)
    await a_case(place)
    await other_cases(place)
    disputed = await a_dispute(place)
    await own_work(place)
    await looked_after(place, disputed)
    lead = await place.sign_in("lee")
    with engines.away("postgres"):
        await visit(place, lead, "away", "/queue")


async def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with own_engines() as engines:
        url = engines.environment["DATABASE_URL"]
        async with (
            fresh_database(url) as database,
            workplace(engines.environment, database, **SETTINGS) as place,
        ):
            await take(engines, place)
    print(f"{len(list(FOLDER.iterdir()))} pictures in {FOLDER}/, one in {PICTURE}")


if __name__ == "__main__":
    asyncio.run(main())

"""Pages that follow the queue by themselves, while somebody uses them."""

import pytest
from playwright.async_api import expect

from tests.support.browser.queued_cases import in_line
from tests.support.browser.workplace import Workplace

pytestmark = [pytest.mark.browser, pytest.mark.slow]


async def test_a_link_with_the_focus_stays_the_same_link(place: Workplace) -> None:
    await place.publish(*in_line(1, reason="adverse"))
    lead = await place.sign_in("lee")
    denials = lead.get_by_role("row", name="Adverse answer").get_by_role("link").first
    await denials.focus()
    await place.publish(*in_line(2, reason="low_confidence"), *in_line(1, reason="adverse"))
    await expect(lead.get_by_role("row", name="Low confidence")).to_be_visible()
    await expect(denials).to_have_text("2")
    await expect(denials).to_be_focused()

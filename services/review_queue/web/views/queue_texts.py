"""How seats are spoken of on the pages: their states, kinds and priorities."""

from services.review_queue.reviewing.states import Kind, SeatState

STATES: dict[SeatState, str] = {
    "queued": "Waiting",
    "leased": "In progress",
    "submitted": "Submitted",
    "answered": "Done, last 24 h",
}
# What a seat asks for: a short title and a sentence.
KINDS: dict[Kind, tuple[str, str]] = {
    "first": ("First opinion", "Every review has one."),
    "second": ("Second opinion", "Asked of a share of the reviews, blind to the first."),
    "further": ("Further opinion", "Asked where two disagree, or of a share from the start."),
    "final": ("Final word", "Disputed or escalated; a senior decides."),
}
PRIORITIES: dict[int, str] = {1: "Returned", 2: "Normal"}

"""Keep what the code says now."""

from tests.golden.observations import KEPT, observations, written

if __name__ == "__main__":
    KEPT.mkdir(exist_ok=True)
    for name, observed in observations().items():
        (KEPT / f"{name}.jsonl").write_text(written(observed), encoding="utf-8")

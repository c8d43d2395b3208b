"""The services and the port each listens on by default: the one list that everything else follows.

Settings, the embedded stack and the command line read it; a test compares docker compose with it.
"""

PORTS = {
    "inference": 8101,
    "confidence_filter": 8102,
    "review_queue": 8103,
    "dataset_accumulator": 8104,
    "trainer": 8105,
    "evaluator": 8106,
    "promoter": 8107,
}
SERVICES = tuple(PORTS)

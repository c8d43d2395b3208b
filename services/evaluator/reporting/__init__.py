"""The evaluation as people read it: the charts and the page."""

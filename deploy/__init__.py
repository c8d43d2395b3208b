"""Everything that runs Caseloop somewhere: engines, processes, the demo, and its data."""

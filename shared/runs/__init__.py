"""Long work: queued, leased, done in a child process, reported."""

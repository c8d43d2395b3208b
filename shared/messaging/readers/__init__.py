"""Topics that a process reads whole, without a group: what holds, and what it said itself."""

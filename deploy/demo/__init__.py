"""The demonstration: the whole loop on this machine, with everything it says counted from it."""

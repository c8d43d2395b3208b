"""Reviews as they are looked at: lists, one in detail, and what of it somebody may see."""

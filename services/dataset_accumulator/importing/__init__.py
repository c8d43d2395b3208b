"""How files of decided cases come in: what reads them, and what becomes of their rows."""

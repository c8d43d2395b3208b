"""The key that draws of tests go by, made here, so that no file holds one that could be copied."""

import hashlib

from shared.sampling import DrawKey

TEXT = f"test:{hashlib.sha256(b'tests').hexdigest()}"
KEY = DrawKey.parse(TEXT)

"""How many random examples a property test draws: a share of them in `make test`, all and more in `make test-long`."""

import os

EXAMPLES = int(os.environ.get("HEADWATER_TEST_EXAMPLES", "1"))


def drawn(number: int) -> int:
    """So many, or two fifths of them."""
    return number * EXAMPLES if EXAMPLES > 1 else number * 2 // 5

"""How many random examples a property test draws: once in `make test`, more of them in `make test-long`."""

import os

EXAMPLES = int(os.environ.get("HEADWATER_TEST_EXAMPLES", "1"))

"""Whether a destination does what the engine believes of it: the suite of this project, for a package of anybody's.

    from headwater.testing import Adapter, DestinationSuite, members

    class TestGroups(DestinationSuite):
        adapter = Adapter(Mailer, "group", identifiers=..., fields=..., holds=..., held=members("group"), stand_in=stand_in)

Wants pytest (`pip install headwater[testing]`). docs/add-a-destination.md has an example whole.
"""

import pytest

pytest.register_assert_rewrite("headwater.testing.suite")

from headwater.testing.adapter import (  # noqa: E402 - assertions are rewritten before they are read
    Adapter,
    events,
    every_type,
    members,
)
from headwater.testing.suite import DestinationSuite  # noqa: E402

__all__ = ["Adapter", "DestinationSuite", "events", "every_type", "members"]

"""What a stand-in is made of: a module with a `blueprint`, as an entry point of the group `headwater.stand_ins`."""

from sync.sandbox import start_sandbox
from sync.sandbox.app import faults, store
from sync.sandbox.clock import iso, now, outcomes
from sync.sandbox.faults import Faults
from sync.sandbox.store import Store
from sync.sandbox.vendors.answers import error, paged

__all__ = [
    "Faults",
    "Store",
    "error",
    "faults",
    "iso",
    "now",
    "outcomes",
    "paged",
    "start_sandbox",
    "store",
]

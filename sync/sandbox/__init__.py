"""Local, stateful stand-ins of every destination: what was sent stays there, faults can be asked for, results come back."""

from sync.sandbox.server import start_sandbox

__all__ = ["start_sandbox"]

"""What other packages may import: stable names, each held by a test. All else of this project is its own and may change.

headwater.destinations   what a destination is made of
headwater.sandbox        what its stand-in is made of
headwater.testing        the suite that says whether both are right
"""

from sync import __version__

__all__ = ["__version__"]

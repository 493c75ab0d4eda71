"""The signature of a request to a URL of yours: who sent it, what, and when, so that a copy of it is known for one.

The header is `t=<Unix seconds>,id=<UUID>,v1=<hex>`; `v1` is the HMAC-SHA256 (RFC 2104) of `<t>.<id>.<body>`.
"""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid

HEADER = "X-Headwater-Signature"


def signature(secret: str, body: bytes) -> str:
    """What the header says of `body`, sent now. Each request has an id of its own, also one that is sent again."""
    now, request_id = int(time.time()), uuid.uuid4()
    mac = hmac.new(secret.encode(), f"{now}.{request_id}.".encode() + body, hashlib.sha256)
    return f"t={now},id={request_id},v1={mac.hexdigest()}"

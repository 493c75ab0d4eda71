"""A copy of a signed request is known for one, by the receiver's few lines that the docs show."""

from __future__ import annotations

import hashlib
import hmac
import re
import textwrap
import time
from pathlib import Path

import pytest

from sync.destinations.signing import signature

DOCS = (Path(__file__).parents[3] / "docs" / "destinations.md").read_text()


@pytest.fixture
def is_genuine():
    (code,) = re.findall(r"  ```python\n(  def is_genuine.*?)  ```", DOCS, flags=re.S)
    names = {"hashlib": hashlib, "hmac": hmac}
    exec(textwrap.dedent(code), names)
    return names["is_genuine"]


def test_a_request_is_genuine_once(is_genuine):
    header = signature("secret", b"body")
    seen = set()
    assert is_genuine(header, b"body", b"secret", seen, time.time())
    seen.add(header.split(",")[1].partition("=")[2])
    assert not is_genuine(header, b"body", b"secret", seen, time.time())


@pytest.mark.parametrize(
    ("what", "by"), [("t=", "t=1"), ("id=", "id=0"), ("v1=", "v1=0")]
)  # fmt: skip
def test_nothing_of_it_can_be_changed(is_genuine, what, by):
    header = signature("secret", b"body").replace(what, by)
    assert not is_genuine(header, b"body", b"secret", set(), time.time())


def test_nor_the_body_the_secret_or_the_hour(is_genuine):
    header = signature("secret", b"body")
    assert not is_genuine(header, b"other", b"secret", set(), time.time())
    assert not is_genuine(header, b"body", b"other", set(), time.time())
    assert not is_genuine(header, b"body", b"secret", set(), time.time() + 3600)


def test_the_same_body_has_another_id_each_time():
    assert len({signature("secret", b"body") for _ in range(20)}) == 20

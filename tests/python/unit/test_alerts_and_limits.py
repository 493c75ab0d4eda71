"""Alerts tell changes of state only; rate limits hold for all syncs of one credential."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sync.config.destinations import AlertConfig
from sync.destinations.base import RateLimit
from sync.engine.alerts import Change, _post, changes, tell
from sync.engine.context import SyncResult
from sync.engine.limits import Limits, credential_id, permitted, set_limits
from sync.engine.scrub import scrub
from sync.errors import ConfigError, HeadwaterError, RefusedError


def told(results, kind="webhook", post=None):
    bodies, logs = [], []

    def keep(kind, url, body):
        bodies.append(body)
        return 200

    tell(
        [AlertConfig(kind, "http://hook")], changes(results), owners={}, run_id="r",
        log=lambda event, **_: logs.append(event), post=post or keep,
    )  # fmt: skip
    return bodies, logs


def result(status, before, message="no"):
    return SyncResult("s", status, previous_status=before, error=HeadwaterError(message))


@pytest.mark.parametrize(
    ("status", "before", "news"),
    [
        ("failed", "success", True), ("failed", None, True), ("success", "partial", True),
        ("failed", "failed", False), ("success", "success", False), ("success", None, False),
        ("skipped", "success", False), ("refused", "success", True), ("failed", "partial", True),
        ("partial", "failed", True), ("partial", "partial", False),
    ],
)  # fmt: skip
def test_only_a_change_of_state_is_told(status, before, news):
    bodies, _ = told([result(status, before)])
    assert bool(bodies) is news


@pytest.mark.parametrize(
    ("status", "before", "last_told", "news"),
    [
        ("failed", "failed", None, False),
        ("failed", "failed", "success", True),  # the news of the break did not arrive
        (
            "success",
            "failed",
            "success",
            False,
        ),  # nor is the recovery of what nobody heard of any news
        ("success", "success", "missing", True),
        ("success", "success", "spike", False),  # whether it is as usual again is what status says
        ("failed", "success", "spike", True),
        (
            "partial",
            "partial",
            "failures",
            False,
        ),  # whether the share is unusual is what status says
        ("failed", "partial", "failures", True),
        ("success", "partial", "failures", True),
    ],
)
def test_what_was_told_last_decides_what_is_news(status, before, last_told, news):
    assert bool(changes([result(status, before)], {"s": last_told})) is news


def test_an_alert_has_no_personal_data_and_says_recovery():
    bodies, _ = told([result("failed", "success", "jane@example.com was refused")], "slack")
    assert "jane" not in bodies[0]["text"]
    bodies, _ = told([result("success", "failed")], "slack")
    assert "works again" in bodies[0]["text"]


def test_a_push_that_finds_another_under_way_is_no_news():
    """It was told as refused, and as recovered by the next look at the status."""
    refused = result("refused", "success")
    refused.error = RefusedError("running", "sync 'people' is being pushed by process 7.")
    assert not changes([refused])
    refused.error = RefusedError("stale", "older than it may be")
    assert changes([refused])


def test_a_dead_hook_does_not_fail_the_run():
    def dead(*_):
        raise OSError("http://hook/secret")

    assert told([result("failed", "success")], post=dead) == ([], ["alert_failed"])


def test_a_receiver_whose_answer_never_ends_holds_up_no_push():
    class Drip(BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(100):
                    self.wfile.write(b" ")
                    time.sleep(0.1)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Drip)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    began = time.monotonic()
    assert _post("webhook", f"http://127.0.0.1:{server.server_port}/", {}) == 200
    assert time.monotonic() - began < 5
    server.shutdown()
    server.server_close()


def test_each_receiver_hears_of_the_syncs_of_its_owners_and_a_dead_one_silences_nobody():
    heard = []

    def post(kind, url, body):
        if url == "dead":
            raise OSError
        heard.append((url, [one["sync"] for one in body["changes"]]))
        return 200

    receivers = [
        AlertConfig("webhook", "dead"),
        AlertConfig("webhook", "crm", ("crm team", "crm@example.com")),
        AlertConfig("webhook", "all"),
    ]
    found = [Change("mails", "failed", "success"), Change("ads", "missing", None)]
    owners = {"mails": ("CRM team", "x@example.com"), "ads": ("Ads", "ads@example.com")}
    logs = []
    missed = tell(
        receivers, found, owners=owners, run_id="r", post=post, log=lambda event, **_: logs.append(event)
    )  # fmt: skip
    assert heard == [("crm", ["mails"]), ("all", ["mails", "ads"])]
    assert (missed, logs) == ({"mails", "ads"}, ["alert_failed"])


def test_apprise_gets_text_and_a_wrong_address_is_logged():
    pytest.importorskip("apprise")
    logs = []
    receiver = [AlertConfig("apprise", "nonsense")]
    found = [Change("mails", "failed", "success", "no")]
    assert tell(receiver, found, owners={}, run_id="r", log=lambda e, **_: logs.append(e)) == {
        "mails"
    }
    assert logs == ["alert_failed"]


def test_the_same_credential_under_two_names_shares_its_slots(bench):
    from dataclasses import replace

    declaration = replace(bench.declaration, rate_limits={"default": RateLimit(1, 1.0, parallel=3)})
    limits = Limits()
    one = credential_id("klaviyo", {"api_key": "k"})
    same, other = (
        credential_id("klaviyo", {"api_key": "k"}),
        credential_id("klaviyo", {"api_key": "x"}),
    )
    slots = limits.slots(one, declaration, "default")
    assert limits.slots(same, declaration, "default") is slots
    assert limits.slots(other, declaration, "default") is not slots
    assert [slots.acquire(blocking=False) for _ in range(4)] == [True, True, True, False]
    assert "api_key" not in one


DECLARED = {"bulk": RateLimit(150, 60, parallel=4), "default": RateLimit(60, 60)}


def test_a_limit_that_is_set_is_the_limit():
    found = set_limits(DECLARED, {"bulk": {"requests": 600, "parallel": 8}}, "limits")
    assert found == DECLARED | {"bulk": RateLimit(600, 60, parallel=8)}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"bluk": {"requests": 1}}, "'bluk' is not one of bulk, default (did you mean 'bulk'?)"),
        ({"bulk": {"request": 1}}, "takes requests, seconds and parallel, not 'request'"),
        ({"bulk": 600}, "takes requests, seconds and parallel, not '600'"),
        ({"bulk": {"requests": "many"}}, "limits.bulk.requests is 'many'; it must be a whole number of at least 0 (0 is no limit)"),
        ({"bulk": {"seconds": 0}}, "limits.bulk.seconds is '0'; it must be a whole number of at least 1"),
        ({"bulk": {"parallel": True}}, "limits.bulk.parallel is 'True'"),
    ],
)  # fmt: skip
def test_a_limit_that_is_none_is_named(given, said):
    with pytest.raises(ConfigError) as caught:
        set_limits(DECLARED, given, "limits")
    assert said in str(caught.value)


def test_a_request_that_waited_for_its_turn_asks_once_more_whether_it_may_go(monkeypatch):
    """A machine that slept meanwhile has lost its lease, and another has sent the rows."""
    slept = []

    class Sleeping:
        def __init__(self, rate):
            pass

        def try_acquire(self, group):
            slept.append(group)

    def permit():
        if slept:
            raise HeadwaterError("its lease has expired")

    monkeypatch.setattr("pyrate_limiter.Limiter", Sleeping)
    declaration = object_declaration({"default": RateLimit(1, 3600)})
    wait = Limits().hook("credential", declaration)
    with pytest.raises(HeadwaterError, match="lease"), permitted(permit):
        wait("default")
    wait("default")  # without a permit, as a pull asks


def object_declaration(limits):
    from workbench import MemoryDestination

    return replace(MemoryDestination.declaration, rate_limits=limits)


def test_a_rate_limit_is_asked_for_each_request(bench, monkeypatch):
    asked = []

    class Counting:
        def __init__(self, rate):
            self.rate = rate

        def try_acquire(self, name):
            asked.append((name, self.rate.limit, self.rate.interval))

    monkeypatch.setattr("pyrate_limiter.Limiter", Counting)
    declaration = replace(bench.declaration, rate_limits={"bulk": RateLimit(150, 60)})
    hook = Limits().hook("c", declaration)
    hook("bulk")
    hook("bulk")
    hook("unknown")
    assert asked == [("bulk", 150, 60_000)] * 2


@pytest.mark.parametrize(
    "text",
    ["jane.doe+x@example.co.uk", "+49 151 2345678", "a" * 64, "token=abc123", "Bearer xyz"],
)
def test_texts_of_others_are_scrubbed(text):
    clean = scrub(f"refused: {text} is wrong")
    assert text not in clean
    assert clean.startswith("refused: ")


def test_an_alert_says_what_is_wrong_also_where_there_is_no_message() -> None:
    assert "1,200 rows failed" in Change("mails", "partial", "success", failed=1200).line()
    assert "expected at 08:00" in Change("mails", "late", None, "expected at 08:00").line()
    assert Change("mails", "died", None).line().endswith("mails is died.")

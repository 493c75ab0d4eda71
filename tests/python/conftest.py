"""What every test of the suite shares: dbt starts hundreds of times in it."""

from __future__ import annotations

from dbt_common.tests import enable_test_caching

# dbt's own switch for suites like this one: a macro that it has read before in this process is not parsed again.
enable_test_caching()

"""Pairs of records that matching is unsure of, and what people answer."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync.errors import ConfigError, SelectionError
from sync.state.tables import arrow_table

if TYPE_CHECKING:
    from sync.config.manifest import Manifest
    from sync.state.tables import Tables
    from sync.warehouses.base import Dialect, Session

# Answer -> what identity is told.
ACTIONS = {"yes": "link", "no": "do_not_link", "unsure": "unsure"}
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """Two records that may be one person's."""

    left: str
    right: str
    probability: float
    pattern: str
    reason: str

    @property
    def pair(self) -> Pair:
        """The two keys, in the order of the table of answers."""
        return self.left, self.right


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody said of a pair."""

    left: str
    right: str
    answer: str
    author: str
    reason: str


class Questions:
    """What is asked of one entity, and the answers to it.

    Raises:
        ConfigError: matching is off.
    """

    def __init__(self, dialect: Dialect, manifest: Manifest, tables: Tables, entity: str) -> None:
        relation = manifest.relation("matching_review")
        if relation is None:
            raise ConfigError(
                "matching is off: the model matching_review is not in the manifest.",
                "Set enabled: true under vars: cdp_matching, then dbt build (docs/matching.md).",
            )
        self._review = relation
        self._patterns = manifest.relation("matching_comparisons")
        self._answers = tables.identity_answers
        self._entity = entity
        self._mine = f"entity = {dialect.literal(entity)}"
        self._where = f"where {self._mine}"

    def answered(self, session: Session) -> dict[Pair, str]:
        """The last answer on each pair that has one."""
        rows = session.rows(
            f"select left_key, right_key, action from {self._answers} {self._where} "
            "order by answered_at, action desc"
        )
        return {_ordered(row["left_key"], row["right_key"]): str(row["action"]) for row in rows}

    def open(self, session: Session, *, again: bool = False) -> list[Question]:
        """Pairs that wait for an answer, the one that would teach most first; with `again` those too of which somebody was unsure."""
        answered = self.answered(session)
        asked = [
            Question(
                *_ordered(row["left_record_key"], row["right_record_key"]),
                float(row["match_probability"]),
                str(row["pattern"]),
                str(row["reason"]),
            )
            for row in session.rows(
                "select left_record_key, right_record_key, match_probability, pattern, reason "
                f"from {self._review} {self._where}"
            )
        ]
        told = self._patterns_of(session, answered)
        waiting = [
            one
            for one in asked
            if one.pair not in answered or (again and answered[one.pair] == ACTIONS["unsure"])
        ]
        return most_telling(waiting, told)

    def named(self, session: Session, left: str, right: str) -> Question:
        """The question of two records.

        Raises:
            SelectionError: nobody asks about them.
        """
        pair = _ordered(left, right)
        for one in self.open(session, again=True):
            if one.pair == pair:
                return one
        raise SelectionError(
            f"{left} and {right} do not wait in matching_review.",
            hint="sync review-matches --json lists what does; decide on any other pair in the overrides "
            "(docs/identity.md).",
        )

    def write(self, session: Session, answers: Iterable[Answer], now: dt.datetime) -> None:
        """Add answers; the last on a pair counts."""
        rows = [
            {
                "entity": self._entity,
                "action": ACTIONS[one.answer],
                "left_key": one.left,
                "right_key": one.right,
                "author": one.author,
                "reason": one.reason,
                "answered_at": now,
            }
            for one in answers
        ]
        if rows:
            session.append(self._answers, arrow_table("identity_answers", rows))

    def _patterns_of(self, session: Session, answered: Mapping[Pair, str]) -> Counter[str]:
        """How many answers there are on each pattern."""
        if not answered or self._patterns is None:
            return Counter()
        rows = session.rows(
            f"select compared.pattern, count(*) as pair_count from {self._patterns} as compared "
            f"inner join (select distinct left_key, right_key from {self._answers} {self._where}) as answers "
            "on compared.left_record_key = answers.left_key "
            "and compared.right_record_key = answers.right_key "
            f"where compared.{self._mine} group by compared.pattern"
        )
        return Counter({str(row["pattern"]): int(row["pair_count"]) for row in rows})


def most_telling(waiting: Iterable[Question], told: Mapping[str, int]) -> list[Question]:
    """The questions in the order in which their answers teach: about many pairs of the same pattern, of which nobody can tell, and of which
    little was told.
    """
    rest = sorted(waiting, key=lambda one: (abs(one.probability - 0.5), one.left, one.right))
    sizes = Counter(one.pattern for one in rest)
    seen = Counter(told)
    telling: list[tuple[float, int, Question]] = []
    for one in rest:
        doubt = one.probability * (1 - one.probability)
        telling.append(
            (-sizes[one.pattern] * doubt / (1 + seen[one.pattern]) ** 2, len(telling), one)
        )
        seen[one.pattern] += 1
    return [one for _, _, one in sorted(telling, key=lambda place: place[:2])]


def _ordered(left: object, right: object) -> Pair:
    one, other = sorted((str(left), str(right)))
    return one, other

"""What `init` and `new` would write, step by step, before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import yaml

from sync.entrance import yaml_text
from sync.errors import ConfigError


class Act(str, Enum):
    """What a step does to its file."""

    WRITE = "write"
    ADD = "add"
    KEEP = "keep"  # it is there already
    BY_HAND = "by hand"  # what cannot be added as text without touching what is there


@dataclass(frozen=True, slots=True)
class Step:
    """One file, or one addition to it."""

    path: str  # from the project's folder
    act: Act
    what: str
    text: str = ""  # what a person has to add, of a step by hand

    def document(self) -> dict[str, Any]:
        """The step as --json prints it."""
        shown = {"file": self.path, "action": self.act.value.replace(" ", "_"), "what": self.what}
        return {**shown, "text": self.text} if self.text else shown


@dataclass
class Changes:
    """Steps in a folder, and what its files will hold after them. Nothing is written before `write`."""

    folder: Path
    steps: list[Step] = field(default_factory=list)
    _texts: dict[str, str] = field(default_factory=dict)

    def text(self, path: str) -> str | None:
        """What a file holds after the steps so far; None where there is none."""
        if path in self._texts:
            return self._texts[path]
        file = self.folder / path
        if not file.is_file():
            return None
        try:
            with file.open(encoding="utf-8", newline="") as handle:
                return handle.read()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{file} cannot be read as a text: nothing was written.",
                hint="mend it, and run again.",
            ) from error

    def document(self, path: str) -> Any:
        """The same, read as YAML; an empty mapping where there is none."""
        text = self.text(path)
        if text is None:
            return {}
        yaml_text.compose(text, str(self.folder / path))
        return yaml.safe_load(text) or {}

    def at(self, path: str, keys: Sequence[str]) -> Any:
        """What stands in a file under these keys."""
        return yaml_text.at(self.document(path), keys)

    def file(self, path: str, text: str, what: str) -> bool:
        """A file of its own; one that is there is kept as it is. True where it is new."""
        if self.text(path) is not None:
            self.steps.append(Step(path, Act.KEEP, what))
            return False
        self._texts[path] = text
        self.steps.append(Step(path, Act.WRITE, what))
        return True

    def add(self, path: str, keys: Sequence[str], entry: str, what: str) -> None:
        """An entry under these keys of a YAML file, which is made where it is missing."""
        text = self.text(path)
        place = f"{what} (under {': '.join(keys)}:)"
        added = yaml_text.add(text or "", keys, entry, str(self.folder / path))
        if added is None:
            self.steps.append(Step(path, Act.BY_HAND, place, entry.strip("\n")))
            return
        self._texts[path] = added
        act = Act.WRITE if text is None else Act.ADD
        self.steps.append(Step(path, act, what if text is None else place))

    def ensure(self, path: str, keys: Sequence[str], entry: str, what: str) -> None:
        """The same for one key that may be there already, with whatever value: then it is kept."""
        key = next(iter(yaml.safe_load(entry)))
        found = self.at(path, keys)
        if isinstance(found, dict) and key in found:
            self.steps.append(Step(path, Act.KEEP, what))
        else:
            self.add(path, keys, entry, what)

    def lines(self, path: str, lines: Sequence[str], what: str) -> None:
        """Lines at the end of a text that is no YAML, each once; a folder's slashes do not make another line of it."""
        text = self.text(path)
        there = {line.strip().strip("/") for line in (text or "").splitlines()}
        missing = [line for line in lines if line.strip("/") not in there]
        if not missing:
            self.steps.append(Step(path, Act.KEEP, what))
            return
        newline = "\r\n" if "\r\n" in (text or "") else "\n"
        before = text if not text or text.endswith("\n") else text + newline
        self._texts[path] = (before or "") + "".join(line + newline for line in missing)
        act = Act.WRITE if text is None else Act.ADD
        self.steps.append(Step(path, act, f"{what} ({', '.join(missing)})"))

    def name(self, path: str, keys: Sequence[str], name: str) -> None:
        """A name in a list of names, once."""
        if name in (self.at(path, keys) or []):
            self.steps.append(Step(path, Act.KEEP, f"{name} in {keys[-1]}"))
        elif self.at(path, keys) is None:
            self.add(path, keys[:-1], f"{keys[-1]}: [{name}]", f"{name} in {keys[-1]}")
        else:
            self.add(path, keys, f"- {name}", f"{name} in {keys[-1]}")

    @property
    def by_hand(self) -> list[Step]:
        """What a person must do, since the file is theirs."""
        return [step for step in self.steps if step.act is Act.BY_HAND]

    @property
    def is_nothing(self) -> bool:
        """Whether no file would change."""
        return not self._texts

    def write(self) -> None:
        """Write every file.

        Raises:
            ConfigError: a file cannot be written.
        """
        for path, text in self._texts.items():
            file = self.folder / path
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                with file.open("w", encoding="utf-8", newline="") as handle:
                    handle.write(text)
            except OSError as error:
                raise ConfigError(f"{file} cannot be written: {error.strerror}.") from error


def template(name: str, /, **words: str) -> str:
    """A template of this package with its `$words` filled in."""
    text = resources.files("sync.entrance").joinpath("templates", name).read_text("utf-8")
    return Template(text).substitute(words)

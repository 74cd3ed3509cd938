"""What a check found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth knowing.

    Attributes:
        kind: A word or two that findings are counted by, e.g. ``truncated``.
        where: The file, relative to the set's folder, and the entry in it where there is one.
        what: One clause.
        note: Whether it is only worth knowing: training reads it as it should.
    """

    kind: str
    where: str
    what: str
    note: bool = False


@dataclass
class Report:
    """Everything that was found in one set.

    Attributes:
        data_id: The set.
        path: Its folder.
        pictures: Files that were opened.
        seconds: Wall-clock time of it.
        findings: In the order that they were found.
    """

    data_id: str
    path: Path
    pictures: int = 0
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)

    def add(self, kind: str, where: Path | str, what: str, note: bool = False) -> None:
        """Adds a finding; a path below the set's folder is shown relative to it."""
        if isinstance(where, Path):
            where = self.relative(where)
        self.findings.append(Finding(kind, where, what, note))

    def extend(self, findings: Iterable[Finding]) -> None:
        """Adds findings."""
        self.findings.extend(findings)

    def relative(self, path: Path) -> str:
        """A path as findings show it."""
        inside = path.is_relative_to(self.path)
        return (path.relative_to(self.path) if inside else path).as_posix()

    @property
    def faults(self) -> list[Finding]:
        """What is wrong, without notes."""
        return [finding for finding in self.findings if not finding.note]

    def counts(self) -> dict[str, int]:
        """Number of findings by kind, the most frequent first."""
        return dict(Counter(finding.kind for finding in self.findings).most_common())

    def to_json(self) -> dict[str, Any]:
        """The whole report as plain values."""
        return {
            "data": self.data_id,
            "path": str(self.path),
            "pictures": self.pictures,
            "seconds": round(self.seconds, 3),
            "counts": self.counts(),
            "findings": [asdict(finding) for finding in self.findings],
        }

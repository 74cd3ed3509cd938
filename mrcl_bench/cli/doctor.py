"""``mrcl-bench doctor``."""

from __future__ import annotations


def doctor() -> None:
    """Check environment, operators, data, disk and device in one pass, with cures."""
    from rich.console import Console

    from ..doctor import examine
    from ..errors import BenchError

    console = Console()
    marks = {"ok": "[green]ok[/]  ", "note": "[yellow]note[/]", "bad": "[red]bad[/] "}
    findings = []
    for finding in examine():
        findings.append(finding)
        console.print(f"{marks[finding.level]} {finding.what}", highlight=False)
        if finding.cure:
            console.print(f"       cure: {finding.cure}", highlight=False)
    bad = sum(finding.level == "bad" for finding in findings)
    if bad:
        raise BenchError(f"{bad} problems found.", "Each line marked 'bad' names its cure.")

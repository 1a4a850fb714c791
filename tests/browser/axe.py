"""axe-core's judgement of a page (https://github.com/dequelabs/axe-core)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tests.browser.surfing import AXE

if TYPE_CHECKING:
    from playwright.sync_api import Page

GRAVE = ("serious", "critical")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
"""What is judged: WCAG 2.2 up to level AA, and what axe-core's authors hold good beside it."""


class Finding(NamedTuple):
    """A rule that a node breaks: its name, how grave that is, and the node as a selector and as HTML."""

    rule: str
    impact: str
    selector: str
    html: str
    why: str


def findings(page: Page) -> list[Finding]:
    """Everything that axe-core finds on the page as it stands now."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE.read_text(encoding="utf-8"))  # as the browser's own tools would: no CSP is asked
    options = {"runOnly": {"type": "tag", "values": list(RULES)}}
    found = page.evaluate("options => axe.run(document, options)", options)
    return [finding for rule in found["violations"] for finding in _of(rule)]


def grave(page: Page) -> list[str]:
    """The serious and critical ones, a line each."""
    return [f"{one.rule}: {one.selector} {one.html[:200]} {one.why}" for one in findings(page) if one.impact in GRAVE]


def _of(rule: dict[str, Any]) -> list[Finding]:
    return [
        Finding(rule["id"], node["impact"] or rule["impact"] or "", " ".join(map(str, node["target"])), node["html"],
                node.get("failureSummary") or "")
        for node in rule["nodes"]
    ]  # fmt: skip

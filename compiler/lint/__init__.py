"""The contract linter: what buf cannot know.

buf checks names, comments, compatibility and the validation rules themselves. Here is what this platform asks beyond:
policies, the AIPs that clients rely on, bounds on every input, data classes and documented error reasons.
"""

from __future__ import annotations

from compiler.lint import policy, privacy, reasons, resources, shape
from compiler.lint.finding import Finding, Rule
from compiler.model import Contract

RULES: tuple[Rule, ...] = (*policy.RULES, *shape.RULES, *resources.RULES, *privacy.RULES, *reasons.RULES)


def findings(contract: Contract) -> list[Finding]:
    """Every broken rule, in the order of the files."""
    found = (finding for rule in RULES for finding in rule(contract))
    return sorted(found, key=lambda finding: (finding.place.file, finding.place.line, finding.rule))

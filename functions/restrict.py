"""Close-only: the restriction is applied or lifted."""

from functools import cache
from typing import Any

from functions.case import CaseWork, Request, case_work
from functions.deciding import Next
from functions.rung import act


@cache
def _work() -> CaseWork:
    return case_work("functions.restrict")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return act(Next.RESTRICT, Request.read(event), _work())

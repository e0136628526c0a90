"""A warning: the stress alert, or excess below 5 % of gross."""

from functools import cache
from typing import Any

from functions.case import CaseWork, Request, case_work
from functions.deciding import Next
from functions.rung import act


@cache
def _work() -> CaseWork:
    return case_work("functions.warn")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return act(Next.WARN, Request.read(event), _work())

"""A trail that was tampered with in any way is found, and the first bad record is named."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.audit_verify import GENESIS, canonical, verify
from local.errors import UsageError

RECORDS = 4


def write_trail(folder: Path, accounts: tuple[str, ...] = ("A", "B")) -> Path:
    heads = {}
    for account in accounts:
        previous = GENESIS
        (folder / account).mkdir(parents=True)
        for sequence in range(1, RECORDS + 1):
            record = {
                "account_id": account, "sequence": sequence, "previous_hash": previous,
                "action": f"step {sequence}", "evidence": {"cash": "-117000.00"},
            }  # fmt: skip
            previous = hashlib.sha256(previous.encode() + canonical(record)).hexdigest()
            path = folder / account / f"{sequence:010d}.json"
            path.write_bytes(canonical(record | {"hash": previous}))
        heads[account] = {"sequence": RECORDS, "hash": previous}
    (folder / "heads.json").write_text(json.dumps(heads))
    return folder


@pytest.fixture(scope="module")
def trail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_trail(tmp_path_factory.mktemp("trail"))


@pytest.fixture
def copy(trail: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trail, tmp_path / "copy"))


def record(folder: Path, account: str, sequence: int) -> Path:
    return folder / account / f"{sequence:010d}.json"


def test_an_untouched_trail_verifies(trail: Path) -> None:
    found = verify(trail)
    assert (found.accounts, found.records, found.problem) == (2, 2 * RECORDS, None)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_any_flipped_bit_of_any_record_is_found_and_named(trail: Path, data: st.DataObject) -> None:
    sequence = data.draw(st.integers(1, RECORDS))
    path = record(trail, "A", sequence)
    original = path.read_bytes()
    at = data.draw(st.integers(0, len(original) - 1))
    flipped = bytearray(original)
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(flipped)
    try:
        problem = verify(trail).problem
    finally:
        path.write_bytes(original)
    assert problem is not None
    assert problem.startswith(f"A/{sequence:010d}.json")


@pytest.mark.parametrize("sequence", [1, 2, RECORDS], ids=["first", "middle", "last"])
def test_a_dropped_record_is_named(copy: Path, sequence: int) -> None:
    record(copy, "A", sequence).unlink()
    problem = verify(copy).problem
    assert problem is not None
    assert problem.startswith(f"A/{sequence:010d}.json is missing")


def test_swapped_records_are_named(copy: Path) -> None:
    first, second = record(copy, "A", 2), record(copy, "A", 3)
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)
    problem = verify(copy).problem
    assert problem is not None
    assert problem.startswith("A/0000000002.json is out of its place")


def test_a_record_of_another_account_in_its_place_is_named(copy: Path) -> None:
    shutil.copy(record(copy, "B", 2), record(copy, "A", 2))
    assert str(verify(copy).problem).startswith("A/0000000002.json is out of its place")


def test_a_whole_account_that_is_gone_is_named(copy: Path) -> None:
    shutil.rmtree(copy / "B")
    assert str(verify(copy).problem).startswith("B/0000000001.json is missing")


def test_a_record_too_many_is_named(copy: Path) -> None:
    heads = json.loads((copy / "heads.json").read_text())
    heads["A"]["sequence"] = RECORDS - 1
    (copy / "heads.json").write_text(json.dumps(heads))
    assert str(verify(copy).problem).startswith(f"A/{RECORDS:010d}.json is one too many")


def test_a_rewritten_chain_does_not_fit_its_head(copy: Path) -> None:
    heads = json.loads((copy / "heads.json").read_text())
    heads["A"]["hash"] = "0" * 64
    (copy / "heads.json").write_text(json.dumps(heads))
    assert "does not have the hash of its head" in str(verify(copy).problem)


def test_a_folder_without_a_trail_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"heads\.json"):
        verify(tmp_path)

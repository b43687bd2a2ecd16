"""Commit, seed, seal and chain are the specified hashes, and tampering shows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from domain.draw.seal import (
    CHAIN_START,
    ChainLine,
    canonical_json,
    find_chain_fault,
    next_line,
    parameters_hash,
    parse_line,
    public_value,
    read_salt,
    result_commitment,
    rule_of_parameters,
    rule_parameters,
    salt_commitment,
    salt_text,
    seed_text,
    system_value,
)
from domain.draw.year import DrawRule
from domain.errors import UserError


def sha(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def chain(count: int = 5) -> list[ChainLine]:
    lines: list[ChainLine] = []
    for k in range(count):
        last = lines[-1] if lines else None
        lines.append(
            next_line(last, time=f"2026-03-0{k + 1}T08:00:00Z", kind="note", data={"第": k})
        )
    return lines


def test_canonical_json_is_sorted_tight_and_unescaped() -> None:
    text = canonical_json({"b": [1, "二"], "a": {"z": -3, "y": 'q"\n'}})
    assert text == '{"a":{"y":"q\\"\\n","z":-3},"b":[1,"二"]}'


@pytest.mark.parametrize("value", [1.0, True, None, {"a": 0.5}, [False], {1: "a"}])
def test_canonical_json_holds_integers_and_texts_only(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


def test_the_seed_is_the_hash_of_its_lines() -> None:
    assert seed_text("F", "P", " 3 5 1 \n", ["aa", "bb"]) == sha(
        "LPM-INT-1", "F", "P", "3 5 1", "aa", "bb"
    )
    assert seed_text("F", "P", "x") == sha("LPM-INT-1", "F", "P", "x")


def test_the_order_of_salts_matters() -> None:
    assert seed_text("F", "P", "v", ["a", "b"]) != seed_text("F", "P", "v", ["b", "a"])


def test_a_public_value_is_composed_and_trimmed() -> None:
    assert public_value("\u3000e\u0301 6 ") == "\u00e9 6"


@pytest.mark.parametrize("text", ["", "  ", "1\n2", "1\u20282"])
def test_a_public_value_is_one_line(text: str) -> None:
    with pytest.raises(UserError, match="公开随机值"):
        public_value(text)


def test_a_system_value_is_64_hex_digits_after_its_prefix() -> None:
    assert system_value(bytes(range(32))) == "system:" + bytes(range(32)).hex()
    with pytest.raises(ValueError, match="32 bytes"):
        system_value(b"short")


def test_a_salt_has_128_bits_and_is_read_back_as_typed() -> None:
    salt = salt_text(bytes(range(240, 256)))
    assert len(salt) == 32
    typed = " ".join(salt[i : i + 4] for i in range(0, 32, 4)).upper()
    assert read_salt(typed) == salt
    assert salt_commitment(salt, "张三") == sha(salt, "张三")
    with pytest.raises(ValueError, match="128"):
        salt_text(b"15 bytes only..")
    with pytest.raises(UserError, match="随机盐"):
        read_salt(salt[:-1])


def test_the_sealed_result_is_bound_by_its_nonce() -> None:
    assert result_commitment("r", "n") == sha("r", "n")


def test_parameters_bind_the_excluded_file_and_give_the_rule_back() -> None:
    rule = DrawRule(n=9, streams=2, rho_permille=120, inspected=("b", "a"), reserve=3)
    parameters = rule_parameters(rule, excluded_hash="e" * 64, extra={"channel": "cross"})
    assert parameters_hash(parameters) == sha(canonical_json(parameters))
    assert parameters_hash(parameters) != parameters_hash(parameters | {"excluded": "f" * 64})
    assert rule_of_parameters(parameters) == replace(rule, inspected=("a", "b"))


@pytest.mark.parametrize(
    "change", [{"algorithm": "X"}, {"n": "9"}, {"reserve": True}, {"label": 1}, {"inspected": ""}]
)
def test_parameters_of_another_kind_are_refused(change: dict[str, object]) -> None:
    parameters = rule_parameters(DrawRule(n=9), excluded_hash="e" * 64)
    with pytest.raises(UserError, match="参数"):
        rule_of_parameters(parameters | change)


def test_a_chain_line_is_hashed_as_specified() -> None:
    first, second = chain(2)
    assert first.prev == CHAIN_START
    rest = '{"data":{"第":1},"kind":"note","seq":2,"time":"2026-03-02T08:00:00Z"}'
    assert second.hash == sha(first.hash, rest)
    assert parse_line(second.as_text()) == second


def test_an_intact_chain_has_no_fault() -> None:
    lines = chain()
    assert find_chain_fault([]) is None
    assert find_chain_fault(lines, head=lines[-1].hash) is None
    assert find_chain_fault(lines, head=lines[2].hash) is None
    assert find_chain_fault(lines[2:], from_start=False) is None


@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize(
    "change",
    [
        {"time": "2026-03-09T08:00:00Z"},
        {"kind": "other"},
        {"data": {"第": 99}},
        {"data": {"第": 1.5}},
        {"hash": "0" * 63 + "1"},
        {"prev": "0" * 63 + "1"},
        {"seq": 77},
    ],
)
def test_the_first_broken_line_is_named(at: int, change: dict[str, object]) -> None:
    lines = chain()
    lines[at] = replace(lines[at], **change)
    fault = find_chain_fault(lines)
    assert fault is not None
    assert fault.line == at + 1
    assert fault.reason


def test_a_line_left_out_or_moved_is_named_where_it_is_missing() -> None:
    lines = chain()
    assert find_chain_fault(lines[:2] + lines[3:]).line == 3
    assert find_chain_fault([lines[0], lines[2], lines[1], *lines[3:]]).line == 2
    assert find_chain_fault(lines[1:]).line == 1


def test_a_cut_tail_shows_against_the_printed_head_only() -> None:
    lines = chain()
    assert find_chain_fault(lines[:-1]) is None
    fault = find_chain_fault(lines[:-1], head=lines[-1].hash)
    assert fault.line == 5
    assert "末尾被截去" in fault.reason


@pytest.mark.parametrize(
    "change",
    [{"extra": 1}, {"seq": True}, {"seq": "1"}, {"data": []}, {"hash": 5}, {"prev": None}],
)
def test_a_text_that_is_no_chain_line_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"line|seq|text"):
        parse_line(json.dumps(json.loads(chain(1)[0].as_text()) | change))

"""A pack recomputes to the same list, and whatever was altered in it is named."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain.draw.pivotal import draw
from domain.draw.seal import salt_text, system_value
from domain.draw.year import DrawRule
from domain.errors import UserError
from manage import cli
from services.draw_pack import ASSETS, NEEDED, build_pack
from services.draw_replay import replay_pack
from tests.unit.domain.draw.frames import RIVEST, frame_of_60, scattered
from tests.unit.services.draw_record import changed, packed, rechained, recorded

FRAME = scattered(120)
RULE = DrawRule(n=15, streams=2, rho_permille=120, inspected=FRAME.ids[:50], reserve=4)
PACK = packed(FRAME, RULE)
Files = dict[str, bytes]


def head_of(pack: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        return json.loads(archive.read("certificate.json"))["head"]


def swap(name: str, old: str, new: str) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        assert old.encode() in files[name]
        files[name] = files[name].replace(old.encode(), new.encode(), 1)

    return change


def drop_last_line(name: str) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        files[name] = b"".join(files[name].splitlines(keepends=True)[:-1])

    return change


def forge(at: int, **facts: object) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        rechained(files, lambda lines: lines[at]["data"].update(facts))

    return change


def test_an_untouched_pack_agrees_step_by_step() -> None:
    replay = replay_pack(PACK, head=head_of(PACK))
    assert replay.fault is None
    assert len(replay.steps) == 10
    assert len(replay.drawn.ids) == 15
    assert sum(replay.chances) == 15
    assert replay.draw_number == "2026-1"
    assert any(drawn.duels for _, drawn in replay.drawn.streams)


def test_a_pack_is_the_same_bytes_every_time_and_holds_all_files() -> None:
    assert packed(FRAME, RULE) == PACK
    with zipfile.ZipFile(io.BytesIO(PACK)) as archive:
        assert set(archive.namelist()) == {*NEEDED, "replay.py", "使用说明.txt"}
        assert "就近两两抽签" in archive.read("使用说明.txt").decode("utf-8-sig")
        table = archive.read("result.csv").decode().splitlines()
    assert table[0] == "id,chance,outcome"
    assert sum(line.endswith(",selected") for line in table) == 15
    assert sum(line.endswith(",reserve") for line in table) == 4


def test_a_quick_draw_without_custodians_packs_and_replays() -> None:
    pack = packed(FRAME, DrawRule(n=5), custodians=(), value=system_value(bytes(range(32))))
    assert replay_pack(pack).fault is None


def test_a_record_may_be_a_piece_of_the_chain() -> None:
    excluded, parameters, log = recorded(FRAME, RULE)
    pack = build_pack(frame=FRAME.content, excluded=excluded, parameters=parameters, log=log[1:])
    assert replay_pack(pack).fault is None


def test_a_draw_that_is_not_revealed_cannot_be_packed() -> None:
    excluded, parameters, log = recorded(FRAME, RULE)
    with pytest.raises(ValueError, match="reveal"):
        build_pack(frame=FRAME.content, excluded=excluded, parameters=parameters, log=log[:-1])


SCHOOL = FRAME.ids[7]
ROW = FRAME.content.decode().splitlines()[8]
HEAVIER = ROW.replace(f",{FRAME.weights[7]},", f",{FRAME.weights[7] + 1},")
TAMPERING: dict[str, tuple[Callable[[Files], None], str, str]] = {
    "a weight": (swap("frame.csv", ROW, HEAVIER), "名录库与承诺一致", "frame.csv"),
    "a row left out": (swap("frame.csv", ROW + "\n", ""), "名录库与承诺一致", "frame.csv"),
    "the places": (swap("params.json", '"n":15', '"n":16'), "参数与承诺一致", "params.json"),
    "the excluded": (
        swap("excluded.csv", "closed", "exam"), "不参加抽取名单与承诺一致", "excluded.csv"
    ),
    "a chain line": (swap("log.jsonl", "盐丢失", "盐被扣"), "记录逐条相连", "第 4 条"),
    "a chain line's look": (
        swap("log.jsonl", '{"data":', '{ "data":'), "记录逐条相连", "第 1 条不是规范写法"
    ),
    "a salt in the record": (
        swap("log.jsonl", '"salt":"00', '"salt":"01'), "记录逐条相连", "第 6 条"
    ),
    "the cut tail": (drop_last_line("log.jsonl"), "记录逐条相连", "末尾被截去"),
    "half a line": (
        lambda files: files.update({"log.jsonl": files["log.jsonl"][:-20]}),
        "记录逐条相连",
        "不完整",
    ),
    "the certificate's list": (
        swap("certificate.json", '"selected":["', '"selected":["S99999","'),
        "凭证与概率表一致",
        "selected",
    ),
    "a shown chance": (swap("result.csv", f"{SCHOOL},", f"{SCHOOL},1"), "凭证与概率表一致", "第 9 行"),
    "a salt, all hashes forged": (
        forge(5, salts=[{"name": "张三", "salt": salt_text(b"0" * 16)}, {"name": "李四", "salt": "x"}]),
        "随机盐与承诺一致",
        "张三",
    ),
    "custodians swapped, all hashes forged": (
        lambda files: rechained(files, lambda lines: lines[5]["data"]["salts"].reverse()),
        "随机盐与承诺一致",
        "次序",
    ),
    "the public value, all hashes forged": (
        forge(2, value="骰子 1 1 1 1"), "种子由承诺、公开值和随机盐合成", "种子"
    ),
    "the result, all hashes forged": (
        forge(5, selected=list(FRAME.ids[:15])), "重新抽取得到同一名单", "抽中名单"
    ),
    "the reserve, all hashes forged": (
        forge(5, reserve=[]), "重新抽取得到同一名单", "后备名单"
    ),
    "the sealed result, all hashes forged": (
        forge(4, result="0" * 64), "封存的结果即启封的结果", "封存结果"
    ),
    "a step left out, all hashes forged": (
        lambda files: rechained(files, lambda lines: lines.pop(2)),
        "承诺、公开值、封存、启封依次在案",
        "value",
    ),
    "a value before the commitment, all hashes forged": (
        lambda files: rechained(files, lambda lines: lines.insert(1, lines.pop(2))),
        "承诺、公开值、封存、启封依次在案",
        "先后次序",
    ),
    "the reveal cut, all hashes forged": (
        lambda files: rechained(files, lambda lines: lines.pop()),
        "承诺、公开值、封存、启封依次在案",
        "启封",
    ),
    "a certificate without its head": (
        lambda files: files.update({"certificate.json": b"{}"}), "记录逐条相连", "缺少"
    ),
    "a certificate that is no JSON": (
        lambda files: files.update({"certificate.json": b"["}), "记录逐条相连", "JSON"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERING)
def test_replay_names_what_was_tampered_with(what: str) -> None:
    change, step, detail = TAMPERING[what]
    fault = replay_pack(changed(PACK, change)).fault
    assert fault is not None
    assert fault.name == step
    assert detail in fault.fault


def test_a_wholly_forged_record_is_told_by_the_printed_head() -> None:
    forged = changed(PACK, forge(0, text="改过"))
    assert replay_pack(forged).fault is None
    fault = replay_pack(forged, head=head_of(PACK)).fault
    assert fault.name == "记录逐条相连"


@pytest.mark.parametrize("content", [b"", b"no zip", PACK[:-40], PACK[: len(PACK) // 2]])
def test_a_file_that_is_no_pack_is_refused(content: bytes) -> None:
    with pytest.raises(UserError, match="复算包"):
        replay_pack(content)


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_file_is_named(name: str) -> None:
    with pytest.raises(UserError, match=name):
        replay_pack(changed(PACK, lambda files: files.pop(name)))


def test_damaged_bytes_never_crash_the_replay() -> None:
    for at in range(0, len(PACK), 397):
        damaged = PACK[:at] + bytes([PACK[at] ^ 0x55]) + PACK[at + 1 :]
        try:
            replay = replay_pack(damaged)
        except UserError:
            continue
        assert replay.fault or replay.drawn


def run_script(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", "-X", "utf8", str(folder / "replay.py")],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize(
    ("frame", "rule"),
    [
        (FRAME, RULE),
        (scattered(200, grid_m=8, depth=3), DrawRule(n=31, label="甲")),
        (scattered(700, grid_m=30, depth=0), DrawRule(n=60)),
        (frame_of_60(), DrawRule(n=12)),
        (frame_of_60(), DrawRule(n=60)),
        (frame_of_60(), DrawRule(n=9, streams=2, rho_permille=150, inspected=frame_of_60().ids[3:])),
    ],
)  # fmt: skip
def test_the_script_in_the_pack_prints_the_list_with_the_standard_library_only(
    tmp_path: Path, frame, rule
) -> None:
    pack = packed(frame, rule)
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        archive.extractall(tmp_path)
    ran = run_script(tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == list(replay_pack(pack).drawn.ids)


def test_the_script_stops_at_a_frame_that_was_altered(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(changed(PACK, swap("frame.csv", ROW, HEAVIER)))) as archive:
        archive.extractall(tmp_path)
    ran = run_script(tmp_path)
    assert ran.returncode != 0
    assert "F、P" in ran.stderr


def test_the_script_has_at_most_60_lines() -> None:
    assert len((ASSETS / "replay.py").read_text(encoding="utf-8").splitlines()) <= 60


def test_the_command_line_prints_ids_and_chances(tmp_path: Path) -> None:
    file = tmp_path / "frame.csv"
    file.write_bytes(frame_of_60().content)
    ran = CliRunner().invoke(
        cli, ["draw", "run", "--frame", str(file), "--seed", RIVEST, "--n", "12"]
    )
    assert ran.exit_code == 0, ran.output
    drawn = draw(frame_of_60(), 12, seed=RIVEST)
    expected = [f"{drawn.frame.ids[p]}\t{drawn.tickets.chance(p)}" for p in drawn.selected]
    assert ran.stdout.splitlines() == expected
    labelled = CliRunner().invoke(
        cli,
        ["draw", "run", "--frame", str(file), "--seed", RIVEST, "--n", "12", "--label", "A"],
    )
    assert [line.split("\t")[0] for line in labelled.stdout.splitlines()] == list(
        draw(frame_of_60(), 12, seed=RIVEST, label="A").ids
    )


def test_the_command_line_replays_a_pack_or_names_the_fault(tmp_path: Path) -> None:
    file = tmp_path / "pack.zip"
    file.write_bytes(PACK)
    ran = CliRunner().invoke(cli, ["draw", "replay", str(file)])
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.splitlines() == list(replay_pack(PACK).drawn.ids)
    file.write_bytes(changed(PACK, swap("frame.csv", ROW, HEAVIER)))
    ran = CliRunner().invoke(cli, ["draw", "replay", str(file)])
    assert ran.exit_code == 1
    assert ran.stdout == ""
    assert "frame.csv" in ran.stderr

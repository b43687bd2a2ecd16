"""The draw on the command line: draw from a frame file, recompute a pack.

Exit codes: 0 done; 1 the pack does not agree (the first fault on stderr); 2 wrong use or a
file that cannot be read.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import UserError

draw_cli = typer.Typer(no_args_is_help=True, help="抽取与复算")


@draw_cli.command("run")
def draw_run(
    frame: Annotated[Path, typer.Option(help="名录库文件 frame.csv")],
    seed: Annotated[str, typer.Option(help="种子文字，原样使用")],
    n: Annotated[int, typer.Option("--n", min=0, help="抽取数量")],
    label: Annotated[str, typer.Option(help="随机数流的标签，默认空")] = "",
) -> None:
    """按种子从名录库抽取，每行一所：编号和以分数表示的机会。"""
    from domain.draw.frame import parse_frame
    from domain.draw.pivotal import draw

    drawn = draw(parse_frame(_read(frame)), n, seed=seed, label=label)
    for position in drawn.selected:
        typer.echo(f"{drawn.frame.ids[position]}\t{drawn.tickets.chance(position)}")


@draw_cli.command("replay")
def draw_replay(
    pack: Annotated[Path, typer.Argument(help="复算包 zip")],
    head: Annotated[str, typer.Option(help="纸质凭证上的链头，可核对记录有无截尾")] = "",
) -> None:
    """复算一个包：逐步核对，全部一致时每行打印一所抽中的学校。"""
    from services.draw_replay import replay_pack

    replay = replay_pack(_read(pack), head=head or None)
    if replay.fault:
        print(f"不一致：{replay.fault.name}。{replay.fault.fault}。", file=sys.stderr)
        raise typer.Exit(1)
    if replay.drawn:
        for school in replay.drawn.ids:
            typer.echo(school)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"读不到文件 {path}。", "请检查路径和权限。") from error

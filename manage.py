"""Command line of the product: set up, load, recompute, accounts, export, measure.

Exit codes: 0 done; 1 a measured limit was missed; 2 wrong use or bad input
(message in Chinese on stderr); 3 an unexpected fault (see the log); 130 stopped by Ctrl+C.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from domain.access import SYSTEM
from domain.errors import UserError
from domain.words import Datum, Role
from manage_draw import draw_cli
from manage_usage import usage_line
from services.house import LOCAL_ZONE, House
from services.logs import log_fault, open_log
from services.start import open_house
from settings import load_settings

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="校园安全督查一张图：命令行工具",
)
user_cli = typer.Typer(no_args_is_help=True, help="账号管理")
export_cli = typer.Typer(no_args_is_help=True, help="导出数据")
bench_cli = typer.Typer(no_args_is_help=True, help="性能测量")
cli.add_typer(user_cli, name="user")
cli.add_typer(export_cli, name="export")
cli.add_typer(bench_cli, name="bench")
cli.add_typer(draw_cli, name="draw")

STOPPED = 130
"""source: the shells' convention for a process ended by SIGINT, 128 + 2"""
JsonFlag = Annotated[bool, typer.Option("--json", help="只输出一个 JSON 对象")]


def _house() -> House:
    return open_house(load_settings())


def _progress(done: int, total: int, what: str) -> None:
    """Show one line of progress on stderr, so that stdout stays for results."""
    share = 100 * done // max(total, 1)
    end = "\n" if done >= total else ""
    print(f"\r{what} {share:3d}%（{done}/{total}）", end=end, file=sys.stderr, flush=True)


def _tell_if_stale(house: House) -> None:
    from services.risk import risk_is_stale

    if risk_is_stale(house):
        typer.echo("有改动还没有计入风险，请运行 python manage.py recompute。")


@cli.command()
def init(
    city: Annotated[str, typer.Option(help="城市名称，显示在每页顶部")] = "",
    epsg: Annotated[
        int | None, typer.Option(help="CGCS2000 三度带 EPSG；默认按学校位置推定")
    ] = None,
) -> None:
    """建立或升级数据库，写入随产品提供的判定标准，可同时设置城市名称和投影带。"""
    from services.city import name_city
    from services.rules import ensure_default_rules

    house = _house()
    ensure_default_rules(house)
    if city or epsg is not None:
        name_city(SYSTEM, house, name=city, epsg=epsg)
    typer.echo("数据库已就绪。")
    _tell_if_stale(house)


@cli.command()
def demo(
    schools: Annotated[int, typer.Option(min=8, help="学校数量")] = 1200,
    seed: Annotated[int, typer.Option(help="随机种子，相同种子得到相同城市")] = 20230901,
    as_of: Annotated[str, typer.Option(help="演示基准日 YYYY-MM-DD，默认当天")] = "",
    if_empty: Annotated[bool, typer.Option("--if-empty", help="已有数据时什么也不做")] = False,
) -> None:
    """生成演示城市（虚构，不含任何真实数据）。只在空库或演示库上执行。"""
    from services.demo.build import build_demo_city, has_data

    house = _house()
    if if_empty and has_data(house):
        typer.echo("已有数据，未生成演示城市。")
        return
    day = _date(as_of) if as_of else house.now().astimezone(LOCAL_ZONE).date()
    summary = build_demo_city(
        SYSTEM, house, schools=schools, seed=seed, as_of=day, progress=_progress
    )
    typer.echo(summary)


@cli.command("import")
def import_file(
    kind: Annotated[
        str, typer.Argument(help="数据种类：schools districts waters facilities posts osm …")
    ],
    file: Annotated[Path, typer.Argument(help="文件路径")],
    layer: Annotated[str, typer.Option(help="多图层文件中的图层名")] = "",
    column: Annotated[
        list[str] | None, typer.Option("--column", "-c", help="字段=列名，可多次给出")
    ] = None,
    value: Annotated[
        list[str] | None, typer.Option("--value", help="字段=固定值，可多次给出")
    ] = None,
    datum: Annotated[Datum, typer.Option(help="文件坐标系")] = Datum.WGS84,
    source: Annotated[str, typer.Option(help="数据来源名称，默认取文件名")] = "",
    as_of: Annotated[str, typer.Option(help="数据日期 YYYY-MM-DD，显示在评分依据里")] = "",
    dissolve: Annotated[str, typer.Option(help="区县导入：按此列合并为区县")] = "",
    good_rows_only: Annotated[
        bool, typer.Option("--good-rows-only", help="只导入无错误的行；默认有错即整体停止")
    ] = False,
    no_recompute: Annotated[bool, typer.Option("--no-recompute", help="导入后不重算风险")] = False,
) -> None:
    """导入一个文件。同一文件再次导入不会改变任何数据。"""
    from services.imports import ImportRequest, run_import
    from services.risk import recompute_risk, risk_is_stale

    house = _house()
    request = ImportRequest(
        kind=kind,
        path=file,
        layer=layer,
        columns=_pairs(column, "--column"),
        values=_pairs(value, "--value"),
        datum=datum,
        source=source,
        dissolve=dissolve,
        good_rows_only=good_rows_only,
        as_of=_date(as_of) if as_of else None,
    )
    report = run_import(SYSTEM, house, request=request, progress=_progress)
    typer.echo(report.as_text())
    if no_recompute:
        _tell_if_stale(house)
    elif risk_is_stale(house):
        if not report.changed_anything:
            typer.echo("此前的改动还没有计入风险，现在重算。")
        recompute_risk(SYSTEM, house, progress=_progress)


@cli.command()
def recompute() -> None:
    """按现行判定标准重算全部学校的风险。"""
    from services.risk import recompute_risk

    count = recompute_risk(SYSTEM, _house(), progress=_progress)
    typer.echo(f"已重算 {count} 所学校。")


@user_cli.command("add")
def user_add(
    login: Annotated[str, typer.Argument(help="登录名")],
    password: Annotated[
        str,
        typer.Option(prompt="密码", hide_input=True, confirmation_prompt="再次输入", help="密码"),
    ],
    role: Annotated[Role, typer.Option(help="角色")] = Role.ADMIN,
    name: Annotated[str, typer.Option(help="姓名或岗位")] = "",
    district: Annotated[str, typer.Option(help="区县代码（区县专干必填）")] = "",
    township: Annotated[str, typer.Option(help="乡镇街道代码（乡镇街道角色必填）")] = "",
    school: Annotated[str, typer.Option(help="学校代码（学校角色必填）")] = "",
    station: Annotated[str, typer.Option(help="派出所代码（警校联动可选）")] = "",
) -> None:
    """新增账号。第一个真实账号建立后，演示账号随即停用。"""
    from services.accounts import NewAccount, add_account

    add_account(
        SYSTEM,
        _house(),
        new=NewAccount(
            login=login,
            name=name or login,
            role=role,
            password=password,
            district_code=district,
            township_code=township,
            school_code=school,
            station_code=station,
        ),
    )
    typer.echo(f"账号 {login}（{role.label}）已建立。")


@user_cli.command("list")
def user_list() -> None:
    """列出全部账号。"""
    from services.accounts import list_accounts

    for account in list_accounts(SYSTEM, _house()):
        state = "启用" if account.is_active else "停用"
        typer.echo(f"{account.login}\t{account.role.label}\t{account.name}\t{state}")


@user_cli.command("disable")
def user_disable(login: Annotated[str, typer.Argument(help="登录名")]) -> None:
    """停用账号并立即终止其全部登录。"""
    from services.accounts import disable_account

    disable_account(SYSTEM, _house(), login=login)
    typer.echo(f"账号 {login} 已停用。")


@export_cli.command("proximity")
def export_proximity(out: Annotated[Path, typer.Option(help="输出 CSV 文件")]) -> None:
    """导出每所学校到水域、设施、警务点的距离与风险。未知为空。"""
    from services.proximity import export_proximity_csv

    rows = export_proximity_csv(SYSTEM, _house(), out=out)
    typer.echo(f"已写出 {rows} 行：{out}")


@bench_cli.command("geo")
def bench_geo(as_json: JsonFlag = False) -> None:
    """测量空间计算：与常规写法同题比较，答案须一致。"""
    from services.bench.geo import run_bench

    _report_bench(run_bench(_progress), as_json)


@bench_cli.command("draw")
def bench_draw(as_json: JsonFlag = False) -> None:
    """测量抽取：速度、模拟与空间均衡，每次抽取都核对数量与分层。"""
    from services.bench.draw import run_bench

    _report_bench(run_bench(_progress), as_json)


@bench_cli.command("map")
def bench_map(
    as_json: JsonFlag = False,
    sizes: Annotated[str, typer.Option(help="学校数量，逗号分隔")] = "3000,20000,500000",
) -> None:
    """用真实浏览器测量地图页。"""
    from tests.bench.map import run_bench

    counts = [part.strip() for part in sizes.split(",")]
    if not all(part.isdecimal() and int(part) for part in counts):
        raise UserError(
            f"--sizes {sizes} 的写法不对。", "应写成逗号分隔的学校数量，例如 3000,20000。"
        )
    _report_bench(run_bench([int(part) for part in counts], _progress), as_json)


def _report_bench(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False))
    else:
        for figure, number in result["figures"].items():
            most, least = result["limits"].get(figure), result["limits"].get(f"{figure}_min")
            bound = f"（上限 {most}）" if most is not None else ""
            bound += f"（下限 {least}）" if least is not None else ""
            typer.echo(f"{figure}: {number}{bound}")
        typer.echo("全部达标" if result["ok"] else "有指标未达标")
    if not result["ok"]:
        raise typer.Exit(1)


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise UserError(f"日期「{text}」不对。", "应写成 YYYY-MM-DD，例如 2026-09-01。") from error


def _pairs(items: list[str] | None, option: str) -> dict[str, str]:
    pairs = {}
    for item in items or []:
        key, sign, val = item.partition("=")
        if not sign:
            raise UserError(
                f"{option} {item} 的写法不对。", "应写成 字段=列名，例如 name=学校名称。"
            )
        pairs[key.strip()] = val.strip()
    return pairs


def run(entry: Callable[..., Any] = cli) -> None:
    """Run the command line; errors become a Chinese line and an exit code a script can rely on."""
    code: Any = 0
    try:
        code = entry(standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt) as error:
        if isinstance(error.__context__, EOFError):
            print("\n错误：需要输入，但没有读到内容。", file=sys.stderr)
            print("请在终端里运行，或用选项给出该值。", file=sys.stderr)
            sys.exit(2)
        code = STOPPED
    except TyperException as error:
        # without any word the help was printed already
        line = usage_line(error) if error.format_message() else "用法不对：没有给出命令。"
        print(line, file=sys.stderr)
        sys.exit(2)
    except UserError as error:
        print(f"\n错误：{error.message}\n{error.next_step}".rstrip(), file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        settings = load_settings()
        open_log(settings.var_dir, settings.log_level)
        number = log_fault(error, where="manage.py")
        print(f"\n程序出现意外错误，编号 {number}。", file=sys.stderr)
        print(
            f"详细原因已写入 {settings.var_dir} 下的日志，请把编号告诉维护人员。", file=sys.stderr
        )
        sys.exit(3)
    if code == STOPPED:
        print("\n已中止。", file=sys.stderr)
    if isinstance(code, int) and code:
        sys.exit(code)


if __name__ == "__main__":
    run()

"""Files that leave the house: each checked against the cookie, scoped and audited."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import NotFound, UserError
from domain.quick_day import DayOrder
from domain.school_filter import SchoolFilter
from routes.duels import DUEL_ROUTES
from routes.guard import actor_from_request
from services.coverage_lists import export_never_visited
from services.draw_list import export_drawn, export_pack
from services.inspector_files import export_people, export_template
from services.inspectors import InspectorFilter
from services.map_schools import SortBy
from services.quick_rounds import export_quick_sheet
from services.rounds.papers import export_commit_sheet, export_draw_certificate
from services.rounds.sheets import (
    export_own_feedback,
    export_route_sheet,
    export_stop_feedback,
)
from services.school_export import export_schools
from services.start import current_house

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ZIP = "application/zip"
PDF = "application/pdf"


def schools(request: Request) -> Response:
    """Send the filtered school list as a workbook."""
    actor, house = actor_from_request(request), current_house()
    query = {key: request.query_params.getlist(key) for key in request.query_params}
    try:
        sort = SortBy(request.query_params.get("sort", SortBy.RISK.value))
    except ValueError as error:
        raise UserError("排序方式的写法不对。", "请从页面上点“导出列表”。") from error
    body = export_schools(actor, house, wanted=SchoolFilter.from_query(query), sort=sort)
    name = f"学校列表-{house.today():%Y%m%d}.xlsx"
    return _attachment(body, XLSX, plain="schools.xlsx", name=name)


def never_visited(request: Request) -> Response:
    """Send the schools not inspected in a year as a workbook."""
    actor, house = actor_from_request(request), current_house()
    asked = request.query_params.get("year", "") or str(house.today().year)
    if not (asked.isascii() and asked.isdigit() and len(asked) == 4):
        raise UserError("年份的写法不对。", "请从“全年覆盖”页面上点“导出”。")
    filters = {key: request.query_params.get(key, "") for key in ("q", "district")}
    body = export_never_visited(actor, house, year=int(asked), **filters)
    name = f"{asked}年未督查学校-{house.today():%Y%m%d}.xlsx"
    return _attachment(body, XLSX, plain="never-visited.xlsx", name=name)


def inspectors(request: Request) -> Response:
    """Send the filtered register of inspectors as a workbook."""
    actor, house = actor_from_request(request), current_house()
    query = {key: request.query_params.getlist(key) for key in request.query_params}
    body = export_people(actor, house, wanted=InspectorFilter.from_query(query))
    name = f"督查人员-{house.today():%Y%m%d}.xlsx"
    return _attachment(body, XLSX, plain="inspectors.xlsx", name=name)


def inspectors_template(request: Request) -> Response:
    """Send the empty table of inspectors to fill."""
    body = export_template(actor_from_request(request), current_house())
    return _attachment(body, XLSX, plain="template.xlsx", name="督查人员模板.xlsx")


def draw_pack(request: Request) -> Response:
    """Send a draw's replay pack."""
    actor, number = actor_from_request(request), request.path_params["number"]
    body = export_pack(actor, current_house(), number=number)
    return _attachment(body, ZIP, plain=f"{number}.zip", name=f"复算包-{number}.zip")


def draw_list(request: Request) -> Response:
    """Send a draw's schools as a workbook."""
    actor, number = actor_from_request(request), request.path_params["number"]
    body = export_drawn(actor, current_house(), number=number)
    return _attachment(body, XLSX, plain=f"{number}.xlsx", name=f"抽中名单-{number}.xlsx")


def draw_certificate(request: Request) -> Response:
    """Send a draw's certificate as a PDF."""
    actor, number = actor_from_request(request), request.path_params["number"]
    body = export_draw_certificate(actor, current_house(), number=number)
    return _attachment(body, PDF, plain=f"{number}.pdf", name=f"抽查凭证-{number}.pdf")


def commit_sheet(request: Request) -> Response:
    """Send a sealed round's commit sheet as a PDF."""
    actor, departure_id = actor_from_request(request), request.path_params["departure_id"]
    body = export_commit_sheet(actor, current_house(), departure_id=departure_id)
    name = f"承诺书-{departure_id}.pdf"
    return _attachment(body, PDF, plain=f"commit-{departure_id}.pdf", name=name)


def quick_sheet(request: Request) -> Response:
    """Send one team's route sheet of a quick draw's day, planned as the query orders."""
    actor, number = actor_from_request(request), request.path_params["number"]
    route = request.path_params["route"]
    order = DayOrder.from_query(request.url.query)
    body = export_quick_sheet(actor, current_house(), number=number, order=order, route=route)
    return _attachment(body, PDF, plain="route.pdf", name=f"督查路线单-{number}-{route}.pdf")


def route_sheet(request: Request) -> Response:
    """Send the actor's own route sheet of a round as a PDF."""
    actor, number = actor_from_request(request), request.path_params["number"]
    body = export_route_sheet(actor, current_house(), number=number)
    return _attachment(body, PDF, plain="route.pdf", name=f"督查路线单-{number}.pdf")


def stop_feedback(request: Request) -> Response:
    """Send the feedback sheet of a stop of the actor's own route, named by its place on it."""
    actor, number = actor_from_request(request), request.path_params["number"]
    position = request.path_params["position"]
    body = export_stop_feedback(actor, current_house(), number=number, position=position)
    name = f"督查反馈单-{number}-第{position}站.pdf"
    return _attachment(body, PDF, plain="feedback.pdf", name=name)


def own_feedback(request: Request) -> Response:
    """Send the actor's own school's feedback sheet of a round as a PDF."""
    actor, number = actor_from_request(request), request.path_params["number"]
    body = export_own_feedback(actor, current_house(), number=number)
    return _attachment(body, PDF, plain="feedback.pdf", name=f"督查反馈单-{number}.pdf")


def _attachment(body: bytes, media_type: str, *, plain: str, name: str) -> Response:
    disposition = f"attachment; filename={plain}; filename*=UTF-8''{quote(name)}"
    headers = {"Content-Disposition": disposition, "Cache-Control": "no-store"}
    return Response(body, media_type=media_type, headers=headers)


def nothing_here(_request: Request) -> Response:
    """Answer any other address below /files: Streamlit would send its own page."""
    raise NotFound("这个文件")


FILE_ROUTES: list[Route] = [
    Route("/files/schools.xlsx", schools),
    Route("/files/never-visited.xlsx", never_visited),
    Route("/files/inspectors.xlsx", inspectors),
    Route("/files/inspectors-template.xlsx", inspectors_template),
    Route("/files/draws/{number}/pack.zip", draw_pack),
    Route("/files/draws/{number}/list.xlsx", draw_list),
    Route("/files/draws/{number}/certificate.pdf", draw_certificate),
    Route("/files/draws/{number}/routes/{route}.pdf", quick_sheet),
    Route("/files/rounds/{departure_id:int}/commit.pdf", commit_sheet),
    Route("/files/rounds/{number}/sheet.pdf", route_sheet),
    Route("/files/rounds/{number}/feedback.pdf", own_feedback),
    Route("/files/rounds/{number}/feedback/{position:int}.pdf", stop_feedback),
    *DUEL_ROUTES,
    Route("/files/{rest:path}", nothing_here),
]

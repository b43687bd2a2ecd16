"""Files that leave the house: each checked against the cookie, scoped and audited."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import NotFound, UserError
from domain.school_filter import SchoolFilter
from routes.guard import actor_from_request
from services.map_schools import SortBy
from services.school_export import export_schools
from services.start import current_house

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def schools(request: Request) -> Response:
    """Send the filtered school list as a workbook."""
    actor, house = actor_from_request(request), current_house()
    query = {key: request.query_params.getlist(key) for key in request.query_params}
    try:
        sort = SortBy(request.query_params.get("sort", SortBy.RISK.value))
    except ValueError as error:
        raise UserError("排序方式的写法不对。", "请从页面上点“导出列表”。") from error
    body = export_schools(actor, house, wanted=SchoolFilter.from_query(query), sort=sort)
    name = quote(f"学校列表-{house.today():%Y%m%d}.xlsx")
    headers = {
        "Content-Disposition": f"attachment; filename=schools.xlsx; filename*=UTF-8''{name}",
        "Cache-Control": "no-store",
    }
    return Response(body, media_type=XLSX, headers=headers)


def nothing_here(_request: Request) -> Response:
    """Answer any other address below /files: Streamlit would send its own page."""
    raise NotFound("这个文件")


FILE_ROUTES: list[Route] = [
    Route("/files/schools.xlsx", schools),
    Route("/files/{rest:path}", nothing_here),
]

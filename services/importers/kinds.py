"""What can be imported: for each kind its fields, their names in files, how cells are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain import words as w
from domain.errors import UserError
from domain.words import Word
from services.importers import values as v
from services.importers import words as s
from services.importers.problems import suggestion


class Shape(StrEnum):
    """What geometry a kind keeps."""

    POINT = "point"
    ANY = "any"
    LINE = "line"
    POLYGON = "polygon"


@dataclass(frozen=True, slots=True)
class Field:
    """One target field.

    ``names``: column headers that mean it, best first. ``required``: a *new* row
    cannot do without it (a row that updates a known record can). ``guess``: the word
    list to guess from the name where the file says nothing; ``default`` after that.
    ``is_reference``: names another record (district, station), resolved against the
    database.
    """

    name: str
    label: str
    parse: v.Parser
    names: tuple[str, ...] = ()
    required: bool = False
    guess: type[Word] | None = None
    default: object = None
    is_reference: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of data: its fields, its geometry, and where the geometry goes.

    ``sheet``: the sheet to take where a workbook holds several.
    """

    name: str
    label: str
    unit: str
    area: str
    shape: Shape
    fields: tuple[Field, ...]
    geometry_field: str = ""
    needs_place: bool = True
    fallback_name: str = ""
    sheet: str = ""
    by_name: Mapping[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the fields."""
        object.__setattr__(self, "by_name", {f.name: f for f in self.fields})

    @property
    def has_point(self) -> bool:
        """Tell whether records carry ``lon`` and ``lat``."""
        return "lon" in self.by_name and self.geometry_field != "geometry"

    def resolve(self, word: str) -> Field:
        """Return the field called ``word`` (English name or Chinese label).

        Raises:
            UserError: no such field; the message lists those there are.
        """
        for one in self.fields:
            if word in (one.name, one.label):
                return one
        known = [f.name for f in self.fields]
        listing = "、".join(f"{f.name}（{f.label}）" for f in self.fields)
        raise UserError(
            f"「{self.label}」没有字段「{word}」{suggestion(word, known)}", f"可用字段：{listing}。"
        )


ID_NAMES = ("osm_id", "osmid", "id", "objectid", "fid", "gid", "uuid", "guid", "@id", "主键")
"""Columns that identify a row within its source but are no real-world code."""

_DISTRICT_NAMES = (
    "district", "district_name", "区县", "区县名称", "所属区县", "所在区县", "县区", "县市区",
    "区", "县", "行政区", "所属区", "行政区划", "county", "adname",
)  # fmt: skip
_TOWNSHIP_NAMES = (
    "township", "subdistrict", "乡镇街道", "乡镇", "街道", "镇街", "所属街道", "所属乡镇", "街镇", "town",
)  # fmt: skip


def _code(*names: str) -> Field:
    return Field("code", "代码", v.text(64), ("code", *names, "代码", "编码", "编号"))


def _name(*names: str, required: bool = False) -> Field:
    return Field(
        "name",
        "名称",
        v.text(120),
        ("name", "名称", *names, "name_zh", "name_cn", "fname", "name_en", "标题"),
        required=required,
        default=None if required else "",
    )


_LON = Field(
    "lon", "经度", v.number(), ("lon", "lng", "longitude", "经度", "x", "long", "东经", "x坐标")
)
_LAT = Field("lat", "纬度", v.number(), ("lat", "latitude", "纬度", "y", "北纬", "y坐标"))
_DISTRICT = Field("district", "区县", v.text(60), _DISTRICT_NAMES, is_reference=True)
_TOWNSHIP = Field("township", "乡镇街道", v.text(60), _TOWNSHIP_NAMES, is_reference=True)
_AREA = (_DISTRICT, _TOWNSHIP)
_COUNT = v.integer(0, 1_000_000)

SCHOOLS = Kind(
    "schools",
    "学校",
    "所",
    "schools",
    Shape.POINT,
    (
        _code("学校标识码", "标识码", "学校代码", "school_code", "机构代码"),
        _name("学校名称", "学校", "校名", "school_name", "school", "机构名称", required=True),
        _LON,
        _LAT,
        *_AREA,
        Field(
            "kind", "学段", v.word_parser(w.SchoolKind, s.SCHOOL_KIND),
            ("kind", "学段", "办学类型", "学校类型", "类别", "类型", "学校类别", "amenity", "type", "fclass"),
            guess=w.SchoolKind, default=w.SchoolKind.UNKNOWN,
        ),
        Field(
            "ownership", "办别", v.word_parser(w.Ownership, s.OWNERSHIP),
            ("ownership", "办别", "办学性质", "公办民办", "举办者", "性质"),
            default=w.Ownership.UNKNOWN,
        ),
        Field("legal_form", "法人类型", v.word_parser(w.LegalForm, s.LEGAL_FORM), ("legal_form", "法人类型")),
        Field(
            "status", "状态", v.word_parser(w.SchoolStatus, s.SCHOOL_STATUS),
            ("status", "状态", "办学状态"), default=w.SchoolStatus.ACTIVE,
        ),
        Field("students", "在校生数", _COUNT, ("students", "在校生数", "学生数", "学生人数", "在校学生数", "在校生")),
        Field("boarders", "寄宿生数", _COUNT, ("boarders", "寄宿生数", "住校生数", "寄宿生")),
        Field("staff", "教职工数", _COUNT, ("staff", "教职工数", "教职工", "教师数")),
        Field("accuracy_m", "点位精度", v.number(0, 100_000), ("accuracy_m", "点位精度", "精度")),
        Field("address", "地址", v.text(200), ("address", "地址", "学校地址", "详细地址", "addr"), default=""),
        Field("arrival_at", "上学时刻", v.time, ("arrival_at", "上学时刻", "上学时间", "到校时间")),
        Field("dismissal_at", "放学时刻", v.time, ("dismissal_at", "放学时刻", "放学时间", "离校时间")),
        Field("duty_phone", "值班电话", v.text(32), ("duty_phone", "值班电话", "联系电话", "电话"), default=""),
        Field("building_grade", "校舍等级", v.text(4), ("building_grade", "校舍等级", "校舍安全等级")),
        Field(
            "police_station", "辖区派出所", v.text(120),
            ("police_station", "辖区派出所", "派出所", "所属派出所"), is_reference=True,
        ),
    ),
    geometry_field="campus",
    fallback_name="未命名学校",
)  # fmt: skip

DISTRICTS = Kind(
    "districts",
    "区划",
    "个",
    "base",
    Shape.POLYGON,
    (
        _code("区划代码", "行政区划代码", "adcode", "行政代码", "pac"),
        Field(
            "name", "名称", v.text(60),
            ("name", "名称", "区划名称", "subdistrict", "乡镇街道", "乡镇", "街道", "township",
             "区县", "区县名称", "district", "county"),
            required=True,
        ),
        Field(
            "level", "级别", v.word_parser(w.DistrictLevel, s.DISTRICT_LEVEL),
            ("level", "级别", "层级"), guess=w.DistrictLevel, default=w.DistrictLevel.COUNTY,
        ),
        Field("parent", "上级区划", v.text(64), ("parent", "上级", "上级区划", "上级代码"), is_reference=True),
    ),
    geometry_field="boundary",
    needs_place=False,
)  # fmt: skip

WATERS = Kind(
    "waters",
    "水域",
    "处",
    "waters",
    Shape.ANY,
    (
        _code("水域编号", "水域代码"),
        _name("水域名称", "水域", "河流名称", "湖泊名称"),
        _LON,
        _LAT,
        *_AREA,
        Field(
            "kind", "水域类型", v.word_parser(w.WaterKind, s.WATER_KIND),
            ("kind", "水域类型", "类型", "水域类别", "waterway", "water", "natural", "type", "fclass"),
            guess=w.WaterKind, default=w.WaterKind.OTHER,
        ),
        Field("grade", "风险等级", v.word_parser(w.WaterGrade, s.WATER_GRADE), ("grade", "风险等级", "等级", "危险等级")),
        Field("depth_m", "最大水深", v.number(0, 1_000), ("depth_m", "最大水深", "水深", "深度")),
        Field("bank", "岸坡", v.word_parser(w.WaterBank, s.WATER_BANK), ("bank", "岸坡", "岸线类型")),
        Field("access", "围护", v.word_parser(w.WaterAccess, s.WATER_ACCESS), ("access", "围护", "围护情况")),
        Field("owner", "权属单位", v.text(80), ("owner", "权属单位", "产权单位", "责任单位"), default=""),
        Field("signs", "警示牌", _COUNT, ("signs", "警示牌", "警示牌数", "警示牌数量")),
        Field("rings", "救生圈", _COUNT, ("rings", "救生圈", "救生圈数", "救生圈数量")),
        Field("ropes", "救生绳", _COUNT, ("ropes", "救生绳", "救生绳数", "救生绳数量")),
        Field("poles", "救生杆", _COUNT, ("poles", "救生杆", "救生杆数", "救生杆数量")),
        Field("fence_m", "护栏长度", v.number(0, 1_000_000), ("fence_m", "护栏长度", "护栏")),
        Field("last_patrol_on", "最近巡查", v.date, ("last_patrol_on", "最近巡查", "最近巡查日期", "巡查日期")),
    ),
    geometry_field="geometry",
)  # fmt: skip

FACILITIES = Kind(
    "facilities",
    "交通安全设施",
    "处",
    "facilities",
    Shape.POINT,
    (
        _code("设施编号", "设施代码"),
        Field("name", "名称", v.text(80), ("name", "名称", "设施名称"), default=""),
        _LON,
        _LAT,
        *_AREA,
        Field(
            "kind", "设施类型", v.word_parser(w.FacilityKind, s.FACILITY_KIND),
            ("kind", "设施类型", "设施类别", "设施种类", "类型", "highway", "type", "fclass"), required=True,
        ),
        Field("state", "状态", v.word_parser(w.FacilityState, s.FACILITY_STATE), ("state", "状态", "设施状态", "完好情况")),
        Field("checked_on", "检查日期", v.date, ("checked_on", "检查日期", "核查日期")),
        Field("owner", "权属部门", v.text(80), ("owner", "权属部门", "管理单位", "责任单位"), default=""),
    ),
)  # fmt: skip

POSTS = Kind(
    "posts",
    "勤务点位",
    "个",
    "posts",
    Shape.POINT,
    (
        _code("点位编号", "点位代码", "岗位编号"),
        _name("点位名称", "岗位名称", "单位名称", "派出所名称"),
        _LON,
        _LAT,
        *_AREA,
        Field(
            "kind", "点位类型", v.word_parser(w.PostKind, s.POST_KIND),
            ("kind", "点位类型", "岗位类型", "类型", "amenity", "type", "fclass"),
            required=True, guess=w.PostKind,
        ),
        Field("radius_m", "责任半径", v.number(0, 100_000), ("radius_m", "责任半径", "半径")),
        Field("phone", "电话", v.text(32), ("phone", "电话", "联系电话", "值班电话"), default=""),
    ),
)  # fmt: skip

ROADS = Kind(
    "roads",
    "道路",
    "段",
    "base",
    Shape.LINE,
    (
        _code("道路编号", "路线编号", "道路代码"),
        Field("name", "名称", v.text(80), ("name", "名称", "道路名称", "路名"), default=""),
        Field(
            "road_class", "道路等级", v.word_parser(w.RoadClass, s.ROAD_CLASS),
            ("road_class", "道路等级", "道路类型", "等级", "技术等级", "highway", "fclass", "type"), required=True,
        ),
    ),
    geometry_field="geometry",
)  # fmt: skip

KINDS: Mapping[str, Kind] = {
    k.name: k for k in (DISTRICTS, SCHOOLS, WATERS, FACILITIES, POSTS, ROADS)
}
OSM = "osm"
OSM_KINDS: tuple[Kind, ...] = (SCHOOLS, WATERS, FACILITIES, POSTS, ROADS)


def resolve_kind(word: str) -> Kind:
    """Return the kind called ``word`` (English name or Chinese label).

    Raises:
        UserError: no such kind; the message lists those there are.
    """
    for kind in KINDS.values():
        if word in (kind.name, kind.label):
            return kind
    listing = "、".join(f"{k.name}（{k.label}）" for k in KINDS.values())
    raise UserError(
        f"没有数据种类「{word}」{suggestion(word, [*KINDS, OSM])}",
        f"可用种类：{listing}、osm（OpenStreetMap 摘录，一次导入多类）。",
    )

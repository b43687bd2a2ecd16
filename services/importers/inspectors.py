"""A file of inspectors: its columns, how the cells are read, and the sheet that explains them."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pandas as pd

from domain.errors import UserError
from domain.words import Datum, InspectionLevel, InspectorKind
from services.importers import values as v
from services.importers.clean import CleanBatch
from services.importers.kinds import Field, Kind, Shape
from services.importers.limits import check_xlsx_ranges, check_zip
from services.importers.match import match_columns
from services.importers.readers import read_table
from services.importers.validate import validate
from services.importers.values import plain
from services.importers.words import Synonyms

SHEET = "督查人员"
MAX_ROWS = 5_000
MAX_FILE_MB = 5
MAX_UNPACKED_MB = 100
MAX_CELLS = 2_000_000
"""An upload is read by the process that serves everybody: tighter than the server's own files."""
SUFFIXES = (".xlsx", ".csv")
AVOID = "avoid"
"""The field that holds school codes; everything else is a column of the person."""
CODE_LIMIT, NAME_LIMIT, UNIT_LIMIT, QUALIFICATIONS_LIMIT, PHONE_LIMIT = 32, 40, 80, 200, 40
AVOID_LIMIT = 2_000
PHONE_RULE = f"请只写数字、横线、加号和“转”，不超过 {PHONE_LIMIT} 个字符。"
_PHONE_SHAPE = re.compile(r"[0-9+\-() 转,、/]*")
_BETWEEN_CODES = re.compile(r"[、,，;；\s]+")

_LEVEL: Synonyms = {
    "市": InspectionLevel.CITY,
    "县": InspectionLevel.COUNTY,
    "区县": InspectionLevel.COUNTY,
    "区级": InspectionLevel.COUNTY,
    "区县级": InspectionLevel.COUNTY,
}
_KIND: Synonyms = {
    "教体": InspectorKind.EDUCATION,
    "教育局": InspectorKind.EDUCATION,
    "公安局": InspectorKind.POLICE,
    "警察": InspectorKind.POLICE,
    "卫生": InspectorKind.HEALTH,
    "卫健": InspectorKind.HEALTH,
    "卫健委": InspectorKind.HEALTH,
    "市监": InspectorKind.MARKET,
    "市场监督": InspectorKind.MARKET,
    "消防": InspectorKind.FIRE,
    "督学": InspectorKind.SUPERVISOR,
}


def clean_phone(text: str) -> str:
    """Return a phone number in half-width characters; ``ValueError`` in a user's words."""
    phone = " ".join(unicodedata.normalize("NFKC", text).split())
    if len(phone) > PHONE_LIMIT or not _PHONE_SHAPE.fullmatch(phone):
        raise ValueError(f"电话的写法不对。{PHONE_RULE}")
    return phone


def _phones(cells: pd.Series) -> tuple[pd.Series, pd.Series]:
    texts, wrong = v.text(AVOID_LIMIT)(cells)
    told = []
    for at, text in enumerate(texts):
        try:
            told.append(None if text is None else clean_phone(text))
        except ValueError as error:
            told.append(None)
            wrong.iloc[at] = str(error)
    return pd.Series(told, index=cells.index, dtype=object), wrong


INSPECTORS = Kind(
    "inspectors",
    "督查人员",
    "人",
    "inspectors",
    Shape.POINT,
    (
        Field("code", "工号", v.text(CODE_LIMIT), ("工号", "人员编号", "编号", "code"), required=True),
        Field("name", "姓名", v.text(NAME_LIMIT), ("姓名", "name"), required=True),
        Field(
            "kind", "类别", v.word_parser(InspectorKind, _KIND),
            ("类别", "人员类别", "部门类别", "kind"), required=True,
        ),
        Field("level", "层级", v.word_parser(InspectionLevel, _LEVEL), ("层级", "级别", "level")),
        Field(
            "district", "区县", v.text(60), ("区县", "所属区县", "县市区", "区县名称", "district"),
            is_reference=True,
        ),
        Field("unit", "单位", v.text(UNIT_LIMIT), ("单位", "工作单位", "所在单位"), default=""),
        Field(
            "qualifications", "资格", v.text(QUALIFICATIONS_LIMIT), ("资格", "资格证件", "资质"),
            default="",
        ),
        Field("can_lead", "可带队", v.boolean, ("可带队", "能否带队", "带队"), default=False),
        Field("phone", "电话", _phones, ("电话", "手机", "手机号", "联系电话"), default=""),
        Field("account", "关联账号", v.text(64), ("关联账号", "账号", "登录名"), is_reference=True),
        Field(
            AVOID, "回避学校", v.text(AVOID_LIMIT), ("回避学校", "回避学校代码"), is_reference=True
        ),
    ),
    needs_place=False,
    sheet=SHEET,
)  # fmt: skip

EXPLAINED: tuple[tuple[str, str, str, str], ...] = (
    ("工号", "必填", "每人一个，不重复；再次导入按工号更新。请保持文本格式，开头的 0 才不会丢。", "D0012"),
    ("姓名", "必填", f"不超过 {NAME_LIMIT} 个字。", "王某某"),
    ("类别", "必填", "、".join(kind.label for kind in InspectorKind) + "，选一个。", "教育"),
    ("层级", "可空", "市级或县级；空着按登记人的层级：市级督查员登记市级，区县专干登记县级。", "县级"),
    ("区县", "可空", "填区县名称或代码，交叉检查时回避本区县；区县专干登记的都是本区县，可空。", "某某区"),
    ("单位", "可空", f"工作单位，不超过 {UNIT_LIMIT} 个字。", "某某区教体局"),
    ("资格", "可空", "资格证件，几样用顿号隔开。", "责任督学证、消防监督员证"),
    ("可带队", "可空", "是或否；每队至少一名可带队人员。空着为否。", "是"),
    ("电话", "可空", PHONE_RULE + "只有登记人员名册的角色看得到。", "138 0000 0000"),
    ("关联账号", "可空", "登录名，本人用它查看本队路线；须是督查员、区县专干或警校联动账号，一人一个。", "wang"),
    ("回避学校", "可空", "申报回避的学校代码，几所用顿号隔开。曾任职的学校在人员页登记，要写离任日。", "3206020001、3206020002"),
)  # fmt: skip
"""Column, whether it must be filled, how, and an example: the template's second sheet."""

FIELD_NOTES = (
    "空着的格子不会抹掉库里已有的内容；回避学校只增不减，移除请在人员页写明原因。",
    "有一处错误整个文件都不导入；同一文件再导一次不会改变任何数据。",
)


def read_people(path: Path) -> CleanBatch:
    """Read a file of inspectors; bad cells stay in, marked, with a problem each.

    ``stated[AVOID]`` still holds text: ``split_codes`` takes it apart. Raises ``UserError``
    where the file as a whole cannot be used.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(
            f"「{path.name}」不是人员名册能用的格式。", "请下载模板填写，存为 xlsx 或 csv。"
        )
    if path.suffix.lower() == ".xlsx":
        _check_upload(path)
    table = read_table(path, INSPECTORS)
    if len(table) > MAX_ROWS:
        raise UserError(
            f"「{path.name}」有 {len(table):,} 行，超过上限 {MAX_ROWS:,} 行。",
            "请拆成几个文件后分别导入。",
        )
    headers = list(table.frame.columns)
    found = match_columns(headers, INSPECTORS, columns={}, values={}, datum=Datum.WGS84)
    if "code" not in found:
        raise UserError(
            f"「{path.name}」里没有「工号」列。文件现有列：{'、'.join(headers) or '（无）'}。",
            "请下载模板，把内容粘贴到对应的列里再导入。",
        )
    return validate(table, INSPECTORS, source=SHEET)


def _check_upload(path: Path) -> None:
    unpacked = sum(entry.file_size for entry in check_zip(path, called="表格文件"))
    if unpacked > MAX_UNPACKED_MB << 20:
        raise UserError(
            f"表格文件「{path.name}」展开后有 {unpacked >> 20} MB，不像人员名册，已拒绝。",
            "请只保留名册这一个工作表，另存后再导入。",
        )
    check_xlsx_ranges(path, most_cells=MAX_CELLS)


def split_codes(text: str | None) -> tuple[str, ...]:
    """Return the school codes of a cell, each once, in order."""
    parts = _BETWEEN_CODES.split(plain(text)) if text else []
    return tuple(dict.fromkeys(part for part in parts if part))

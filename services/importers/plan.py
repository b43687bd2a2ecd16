"""Compare clean rows with what is stored: which are new, changed, the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.words import Datum, DistrictLevel
from geo.datum import to_wgs84
from services.importers.clean import CleanBatch
from services.importers.datum_check import datum_warning, district_warning, matches_by_datum
from services.importers.gazetteer import Gazetteer
from services.importers.problems import CellProblem, suggestion
from services.importers.values import plain

LOCATION = ("district_id", "township_id")
REFERENCES = {"district": "district_id", "township": "township_id", "parent": "parent_id"}


@dataclass(frozen=True)
class Plan:
    """What to write: ``insert`` and ``update`` frames in table columns (``update`` has ``id``)."""

    insert: pd.DataFrame
    update: pd.DataFrame
    same: int


def resolve_area(batch: CleanBatch, gazetteer: Gazetteer) -> None:
    """Turn the file's district and township names into ids; refuse unknown districts."""
    stated = batch.stated
    none = pd.Series([None] * len(batch), dtype=object)
    districts = stated.pop("district") if "district" in stated else none
    townships = stated.pop("township") if "township" in stated else none
    if districts.isna().all() and townships.isna().all():
        return
    if gazetteer.districts.empty:
        message = "库中还没有区划，区县和乡镇街道暂未对应；导入区划后会按位置自动补上。"
        batch.problems.append(CellProblem(message, is_blocking=False))
        return
    county = gazetteer.county_ids(districts)
    column = batch.headers.get("district", "区县")
    unknown = (districts.notna() & county.isna()).to_numpy()
    messages = {word: _unknown_district(word, gazetteer) for word in districts[unknown].unique()}
    batch.refuse(
        unknown, [messages[word] for word in districts[unknown]], column=column, values=districts
    )
    stated["district_id"] = county
    if townships.notna().any():
        _resolve_townships(batch, gazetteer, townships, county)


def _unknown_district(word: str, gazetteer: Gazetteer) -> str:
    if gazetteer.county_names.count(plain(word)) > 1:
        return f"名录中有多个「{word}」，请改填区划代码。"
    return f"区县「{word}」不在名录中{suggestion(plain(word), gazetteer.county_names)}"


def adopt_known_districts(batch: CleanBatch, districts: pd.DataFrame) -> None:
    """Let a district known under the same name and parent keep its stored code.

    Boundaries, official codes and names come from different offices; where one side's
    code was minted by an import, the name decides that both mean one district.

    Args:
        batch: districts of one level, parents resolved to ``parent_id``.
        districts: stored ones: ``code, name, level, parent_id``.
    """
    stated = batch.stated
    none = pd.Series([None] * len(batch), dtype=object)
    level = stated.get("level", none)
    level = level.where(level.notna(), batch.derived.get("level", none))
    parent = stated.get("parent_id", none)
    mine = pd.DataFrame({"name": stated["name"], "level": level, "parent": parent}).astype(object)
    mine["parent"] = mine["parent"].map(lambda one: 0 if pd.isna(one) else int(one))
    theirs = districts[["name", "level", "code"]].astype(object)
    theirs["parent"] = districts["parent_id"].map(lambda one: 0 if pd.isna(one) else int(one))
    for rows in (mine, theirs):  # only townships of one name occur twice in a city
        rows.loc[rows["level"].ne(DistrictLevel.TOWNSHIP), "parent"] = 0
    by_name = theirs.drop_duplicates(["name", "level", "parent"], keep=False).set_index(
        ["name", "level", "parent"]
    )["code"]
    wanted = pd.MultiIndex.from_frame(mine[["name", "level", "parent"]])
    stored = pd.Series(by_name.reindex(wanted).to_numpy(dtype=object))
    codes = stated["code"]
    minted = codes.str.contains(":") | stored.str.contains(":").eq(True)
    adopted = (
        stored.notna() & minted & ~codes.isin(districts["code"]) & ~mine.duplicated(keep=False)
    )
    adopted &= ~stored.isin(codes)
    if adopted.any():
        stated["code"] = codes.where(~adopted, stored)
        batch.notes.append(f"{int(adopted.sum())} 个区划与已有的同名区划对应，沿用原代码。")


def _resolve_townships(
    batch: CleanBatch, gazetteer: Gazetteer, townships: pd.Series, county: pd.Series
) -> None:
    if gazetteer.townships.empty:
        return
    found = gazetteer.township_ids(townships, county)
    unknown = (townships.notna() & found.isna()).to_numpy()
    batch.refuse(
        unknown,
        [f"乡镇街道「{word}」不在该区县名录中，已改按位置确定。" for word in townships[unknown]],
        column=batch.headers.get("township", "乡镇街道"),
        values=townships,
        is_blocking=False,
    )
    batch.stated["township_id"] = found


def resolve_named(
    batch: CleanBatch, field: str, id_column: str, known: pd.DataFrame, *, label: str
) -> None:
    """Turn the words of ``field`` into ids of ``known`` (``id, code, name``); warn if unknown."""
    if field not in batch.stated:
        return
    words = batch.stated.pop(field)
    table: dict[str, int] = {}
    for names in (known["name"].map(plain), known["code"].astype(str)):
        once = ~names.duplicated(keep=False)
        table.update(zip(names[once], known["id"][once].astype(int), strict=True))
    ids = pd.Series([None if w is None else table.get(plain(w)) for w in words], dtype=object)
    unknown = (words.notna() & ids.isna()).to_numpy()
    batch.refuse(
        unknown,
        [f"{label}「{word}」不在名录中，暂未对应。" for word in words[unknown]],
        column=batch.headers.get(field, label),
        values=words,
        is_blocking=False,
    )
    batch.stated[id_column] = ids


def check_datum(
    batch: CleanBatch, datum: Datum, gazetteer: Gazetteer, known_schools: pd.DataFrame
) -> None:
    """Warn when what is already known fits another datum better. Call after resolving."""
    warnings = []
    if batch.kind.name == "schools" and "name" in batch.stated and len(known_schools):
        total, counts = matches_by_datum(
            batch.stated["name"], batch.raw_lon, batch.raw_lat, known_schools
        )
        warnings.append(datum_warning(datum, total, counts))
    if "district_id" in batch.stated:
        told = batch.stated["district_id"]
        rows = (told.notna() & ~np.isnan(batch.raw_lon)).to_numpy()
        inside = {}
        for one in Datum:
            lon, lat = to_wgs84(batch.raw_lon[rows], batch.raw_lat[rows], one)
            here, _ = gazetteer.locate(lon, lat)
            inside[one] = int((here.to_numpy() == told[rows].to_numpy()).sum())
        warnings.append(district_warning(datum, int(rows.sum()), inside))
    batch.problems += [CellProblem(w, is_blocking=False) for w in warnings if w]


def refuse_incomplete(batch: CleanBatch, existing: pd.DataFrame) -> None:
    """Refuse rows that would be new records but lack what a new record needs."""
    known = batch.stated["code"].isin(existing.index).to_numpy()
    # A code that could not be read may well be that of a known record, which lacks nothing.
    lacking = (batch.incomplete != "") & ~known & ~batch.is_unread("code")
    for column in dict.fromkeys(batch.incomplete_column[lacking]):
        at = lacking & (batch.incomplete_column == column)
        batch.refuse(at, list(batch.incomplete[at]), column=column)


def make_plan(batch: CleanBatch, existing: pd.DataFrame, gazetteer: Gazetteer | None) -> Plan:
    """Split the batch's rows into new, changed and same.

    A cell the file leaves empty never erases what is stored. District and township come
    from the file, else from the place: for new rows, rows that have none, and rows that
    moved.

    Args:
        batch: rows without bad ones, references resolved to ids.
        existing: stored rows by code, with at least the batch's stated columns.
        gazetteer: to locate rows; ``None`` where the kind has no district.
    """
    stated = batch.stated
    codes = stated["code"]
    held = existing.reindex(codes.to_numpy()).reset_index(drop=True)
    held = held.astype(object).where(held.notna(), None)
    known = held["id"].notna().to_numpy()
    columns = [c for c in stated.columns if c != "code"]
    merged = pd.DataFrame({"code": codes})
    for name in columns:
        told = stated[name].astype(object)
        merged[name] = told.where(told.notna(), held[name])
    if gazetteer is not None:
        moved = _differs(merged, held, [c for c in ("lon", "lat", "geometry") if c in columns])
        where = dict(zip(LOCATION, gazetteer.locate(batch.lon, batch.lat), strict=True))
        for name in LOCATION:
            told = stated[name] if name in stated else pd.Series([None] * len(batch), dtype=object)
            stays = held[name].where(~pd.Series(moved & where[name].notna().to_numpy()), None)
            value = told.where(told.notna(), stays)
            merged[name] = value.where(value.notna(), where[name])
        columns = list(dict.fromkeys([*columns, *LOCATION]))
    changed = known & _differs(merged, held, columns)
    update = merged.loc[changed, columns].assign(id=held.loc[changed, "id"])
    return Plan(_new_rows(batch, merged, ~known), update, int((known & ~changed).sum()))


def _new_rows(batch: CleanBatch, merged: pd.DataFrame, is_new: NDArray[np.bool_]) -> pd.DataFrame:
    new = merged[is_new].copy()
    for name in batch.derived.columns:
        guess = batch.derived.loc[is_new, name].astype(object)
        new[name] = new[name].where(new[name].notna(), guess) if name in new else guess
    if batch.kind.name == "districts":
        new["is_reporting_unit"] = new["level"].ne(DistrictLevel.TOWNSHIP).astype(object)
    return new


def _differs(left: pd.DataFrame, right: pd.DataFrame, columns: list[str]) -> NDArray[np.bool_]:
    """Tell which rows differ in any of ``columns``; null equals null."""
    result = np.zeros(len(left), dtype=bool)
    for name in columns:
        a, b = left[name].to_numpy(dtype=object), right[name].to_numpy(dtype=object)
        none_a, none_b = pd.isna(a), pd.isna(b)
        result |= (none_a != none_b) | (~none_a & ~none_b & np.asarray(a != b, dtype=bool))
    return result

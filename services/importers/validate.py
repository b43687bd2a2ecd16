"""Turn a raw table into clean rows: match columns, read cells, place on the map, give codes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import shapely

from domain.errors import UserError
from domain.words import Datum
from services.importers.clean import CleanBatch
from services.importers.codes import key_texts, mint, place_keys
from services.importers.kinds import Field, Kind
from services.importers.match import find_id_column, match_columns
from services.importers.places import PlaceColumns, place_geometries, place_points
from services.importers.table import RawTable
from services.importers.values import Skip
from services.importers.words import guess_from_name


def validate(
    table: RawTable,
    kind: Kind,
    *,
    source: str,
    columns: Mapping[str, str] | None = None,
    values: Mapping[str, str] | None = None,
    datum: Datum = Datum.WGS84,
    may_be_abroad: bool = False,
) -> CleanBatch:
    """Read every cell of ``table`` as ``kind``; geometry must already be in degrees.

    Args:
        table: what a reader returned.
        kind: what the rows are.
        source: prefix of minted codes.
        columns: {field: header}, overriding the guesses.
        values: {field: constant}, for what no column says.
        datum: which datum the coordinates are in.
        may_be_abroad: accept places outside China (data known to be WGS 84).

    Returns:
        Clean rows with the problems found; bad rows stay in, marked.

    Raises:
        UserError: a column is missing altogether.
        WrongAsAWhole: the coordinates are; it lists the other faults found so far, too.
    """
    values = dict(values or {})
    headers = match_columns(
        list(table.frame.columns), kind, columns=columns or {}, values=values, datum=datum
    )
    explicit = {kind.resolve(word).name for word in (columns or {})}
    if table.geometry is not None and not {"lon", "lat"} & explicit:
        headers.pop("lon", None)
        headers.pop("lat", None)
    _require_columns(table, kind, headers, values)
    batch = _empty_batch(table, kind, headers)
    skip = np.zeros(len(table), dtype=bool)
    for field in kind.fields:
        skip |= _read_field(batch, table, field, headers, values)
    if skip.any():
        batch.keep(~skip)
    geometry = None if table.geometry is None else table.geometry[~skip]
    if "lon" in headers and "lat" in headers:
        place = PlaceColumns(headers["lon"], headers["lat"])
        place_points(batch, place, datum, may_be_abroad=may_be_abroad)
    elif geometry is not None:
        place_geometries(batch, geometry, datum, may_be_abroad=may_be_abroad)
    elif kind.needs_place:
        batch.incomplete[batch.incomplete == ""] = "新记录必须有坐标，而文件没有坐标列。"
    _guess_and_default(batch)
    _require_cells(batch)
    _give_codes(batch, table, source, headers, ~skip)
    return batch


def _require_columns(
    table: RawTable, kind: Kind, headers: Mapping[str, str], values: Mapping[str, str]
) -> None:
    fixed = {kind.resolve(word).name for word in values}
    lacking = [
        f
        for f in kind.fields
        if f.required
        and f.name not in headers
        and f.name not in fixed
        and not (f.guess and "name" in headers)
    ]
    has_place = table.geometry is not None or {"lon", "lat"} <= set(headers)
    if "code" in headers and (lacking or not has_place):
        return  # such a file can still update known records
    if kind.needs_place and not has_place:
        lacking = [*lacking, *(f for f in kind.fields if f.name in ("lon", "lat"))]
    if not lacking and (has_place or not kind.needs_place):
        return
    needed = "、".join(f.label for f in lacking) or "几何"
    found = "、".join(table.frame.columns) or "（无）"
    example = lacking[0].name if lacking else "lon"
    raise UserError(
        f"缺少必需的列：{needed}。文件现有列：{found}。",
        f"若该内容在别的列里，请用 --column {example}=列名 指明；若全表相同，请用 --value {example}=值。",
    )


def _empty_batch(table: RawTable, kind: Kind, headers: dict[str, str]) -> CleanBatch:
    count = len(table)
    blank = np.full(count, "", dtype=object)
    unknown = np.full(count, np.nan)
    return CleanBatch(
        kind=kind,
        stated=pd.DataFrame(index=pd.RangeIndex(count)),
        derived=pd.DataFrame(index=pd.RangeIndex(count)),
        lon=unknown.copy(),
        lat=unknown.copy(),
        raw_lon=unknown.copy(),
        raw_lat=unknown.copy(),
        file_rows=table.rows,
        bad=np.zeros(count, dtype=bool),
        incomplete=blank.copy(),
        incomplete_column=blank.copy(),
        headers=headers,
        sheet=table.sheet,
        rows_read=count,
        notes=list(table.notes),
    )


def _read_field(
    batch: CleanBatch,
    table: RawTable,
    field: Field,
    headers: Mapping[str, str],
    values: Mapping[str, str],
) -> np.ndarray:
    """Read one field into ``stated``; return which rows say they are of another sort."""
    nothing = np.zeros(len(batch), dtype=bool)
    constant = next((v for w, v in values.items() if batch.kind.resolve(w) is field), None)
    if constant is not None:
        parsed, wrong = field.parse(pd.Series([constant], dtype=object))
        if wrong.iloc[0]:
            raise UserError(
                f"固定值 {field.name}={constant} 不对：{wrong.iloc[0]}", "请改正后重试。"
            )
        batch.stated[field.name] = pd.Series([parsed.iloc[0]] * len(batch), dtype=object)
        return nothing
    if field.name not in headers:
        return nothing
    header = headers[field.name]
    cells = table.frame[header]
    clean, wrong = field.parse(cells)
    mask = wrong.ne("").to_numpy()
    batch.refuse(mask, wrong[mask], column=header, values=cells)
    batch.unread[field.name] = mask
    skip = clean.map(lambda one: isinstance(one, Skip)).to_numpy(dtype=bool)
    if skip.any():
        for label, count in clean[skip].map(lambda one: one.label).value_counts().items():
            batch.skipped[str(label)] = batch.skipped.get(str(label), 0) + int(count)
        clean = clean.where(~skip, None)
    batch.stated[field.name] = clean.where(clean.notna(), None)
    return np.asarray(skip, dtype=bool)


def _guess_and_default(batch: CleanBatch) -> None:
    """Fill what the file does not say, for new records only."""
    for field in batch.kind.fields:
        if field.guess is None and field.default is None:
            continue
        value = pd.Series([field.default] * len(batch), dtype=object)
        if field.guess is not None and "name" in batch.stated:
            guess = guess_from_name(field.guess, batch.stated["name"])
            value = guess.where(guess.notna(), value)
        batch.derived[field.name] = value.where(value.notna(), None)


def _require_cells(batch: CleanBatch) -> None:
    for field in batch.kind.fields:
        if not field.required:
            continue
        told = batch.stated.get(field.name, pd.Series([None] * len(batch), dtype=object))
        derived = batch.derived.get(field.name)
        missing = told.isna() if derived is None else told.isna() & derived.isna()
        free = missing.to_numpy() & (batch.incomplete == "") & ~batch.is_unread(field.name)
        batch.incomplete[free] = f"{field.label}为空，请补填。"
        batch.incomplete_column[free] = batch.headers.get(field.name, field.label)


def _give_codes(
    batch: CleanBatch,
    table: RawTable,
    source: str,
    headers: Mapping[str, str],
    kept: np.ndarray,
) -> None:
    """Give each row its code: the file's own, else ``<source>:<id>``; refuse repeats."""
    none = pd.Series([None] * len(batch), dtype=object)
    codes = batch.stated.get("code", none)
    column = headers.get("code", "")
    lacking = codes.isna()
    if lacking.any():
        keys = none
        id_column = find_id_column(list(table.frame.columns), headers.values())
        if id_column is not None:
            keys = key_texts(table.frame[id_column][kept].reset_index(drop=True))
            column = column or id_column
        elif table.feature_ids is not None:
            keys = pd.Series(table.feature_ids[kept].astype(str), dtype=object)
        if keys.isna().any():
            by_place = place_keys(
                batch.stated.get("name", none), _kind_words(batch), _bounds(batch)
            )
            keys = keys.where(keys.notna(), by_place)
        minted = pd.Series([mint(source, str(k)) for k in keys], dtype=object)
        codes = codes.where(~lacking, minted)
    batch.stated["code"] = codes
    again = codes.duplicated(keep="first")
    if again.any():
        first_row = pd.Series(batch.file_rows).groupby(codes, sort=False).transform("first")
        batch.refuse(
            again.to_numpy(),
            [f"代码「{c}」与第 {r} 行重复，请删去其一或改正代码。" for c, r in zip(codes[again], first_row[again], strict=True)],
            column=column,
            values=codes,
        )  # fmt: skip


def _kind_words(batch: CleanBatch) -> pd.Series:
    for name in ("kind", "road_class", "level"):
        if name in batch.stated:
            return batch.stated[name].map(lambda word: None if word is None else str(word))
    return pd.Series([None] * len(batch), dtype=object)


def _bounds(batch: CleanBatch) -> np.ndarray:
    field = batch.kind.geometry_field
    if field and field in batch.stated and not batch.kind.has_point:
        return np.asarray(
            shapely.bounds(shapely.from_wkb(batch.stated[field].to_numpy(dtype=object)))
        )
    return np.column_stack([batch.lon, batch.lat, batch.lon, batch.lat])

"""Inspectors by file: template, upload, every fault at once, then one press."""

from __future__ import annotations

import streamlit as st

from components import session
from components.inspector_state import attempt, back_button, go
from domain.access import Actor
from domain.errors import UserError
from services.importers.inspectors import FIELD_NOTES, MAX_FILE_MB, MAX_ROWS, SUFFIXES
from services.inspector_import import PeopleReport, check_people_file, import_people
from services.inspectors import own_level

_FILE = "inspector-file"


def draw_import(actor: Actor) -> None:
    """Draw the steps; nothing is written before the last press."""
    back_button()
    st.markdown("#### 导入名册")
    st.caption(f"登记为{own_level(actor).label}人员，按工号更新。" + "".join(FIELD_NOTES))
    st.link_button(
        "① 下载模板",
        "/files/inspectors-template.xlsx",
        icon=":material/download:",
        help="第一张表填人员，第二张表说明每一列怎么填",
    )
    file = st.file_uploader(
        f"② 上传填好的表（xlsx 或 csv，不超过 {MAX_FILE_MB} MB、{MAX_ROWS:,} 人）",
        type=[suffix.lstrip(".") for suffix in SUFFIXES],
        max_upload_size=MAX_FILE_MB,
        key=_FILE,
    )
    if file is None:
        return
    try:
        report = check_people_file(
            actor, session.house(), file_name=file.name, content=file.getvalue()
        )
    except UserError as error:
        st.error(f"**{error.message}** {error.next_step}")
        return
    _show_report(report)


def _show_report(report: PeopleReport) -> None:
    blocking = sum(problem.is_blocking for problem in report.problems)
    if report.is_refused:
        st.error(
            f"**读入 {report.read} 行，有 {blocking} 处错误，一行也没有导入。** "
            "请在表里逐处改好，再上传一次。"
        )
    else:
        st.markdown(
            f"读入 **{report.read}** 行：新增 **{report.new}** 人，更新 **{report.changed}** 人，"
            f"没有变化 **{report.same}** 人；新增回避登记 **{report.ties}** 条。"
        )
    for note in report.notes:
        st.caption(note)
    if report.problems:
        st.dataframe(
            report.problem_table(),
            hide_index=True,
            key="inspector-problems",
            column_config={
                "row": st.column_config.NumberColumn("行", format="%d", width="small"),
                "column": st.column_config.TextColumn("列", width="small"),
                "message": st.column_config.TextColumn("问题与改法", width="large"),
                "value": st.column_config.TextColumn("内容", width="small"),
                "sheet": st.column_config.TextColumn("工作表", width="small"),
            },
        )
    if report.is_refused:
        return
    if not report.changes_anything:
        st.info("内容与名册一致，不用导入。")
        return
    st.button("③ 导入", type="primary", on_click=_import, key="inspector-import")


def _import() -> None:
    """Import the uploaded file (a widget callback)."""
    file = session.recall(_FILE)
    if file is None:
        return

    def run(actor: Actor) -> str:
        report = import_people(actor, session.house(), file_name=file.name, content=file.getvalue())
        return (
            f"已导入：新增 {report.new} 人，更新 {report.changed} 人，"
            f"没有变化 {report.same} 人；新增回避登记 {report.ties} 条。"
        )

    if attempt(run):
        go()

"""数据与导入: what is loaded, which files brought it, and what was wrong with them."""

from __future__ import annotations

import streamlit as st

from components import session, theme
from components.guard import guard
from domain.access import Permission
from services.import_log import count_holdings, list_problems, list_runs

actor = guard(Permission.VIEW_IMPORTS)

st.subheader("数据与导入")
st.caption(
    "数据由管理员在服务器上用 manage.py import 导入；每次导入留有记录，出错的单元格逐条列出。"
)
holdings = count_holdings(actor, session.house())
for column, held in zip(st.columns(len(holdings)), holdings.itertuples(), strict=True):
    date = f"最新数据日期 {held.as_of:%Y-%m-%d}" if held.as_of else "数据日期未登记"
    column.metric(held.kind, f"{held.rows:,}" if held.rows else "尚无", help=date)

runs = list_runs(actor, session.house())
if runs.empty:
    theme.show_empty(
        "还没有导入记录", ["演示城市由系统生成，不经导入。导入第一个文件后，这里会逐次列出。"]
    )
    st.stop()
chosen = st.dataframe(
    runs,
    hide_index=True,
    on_select="rerun",
    selection_mode="single-row",
    key="import-runs",
    column_config={
        "id": st.column_config.NumberColumn("编号", format="%d", width="small"),
        "started_at": st.column_config.DatetimeColumn("时间", format="YYYY-MM-DD HH:mm"),
        "kind": "种类",
        "file_name": "文件",
        "status": "结果",
        "started_by": "账号",
        "rows_read": st.column_config.NumberColumn("读入（行）", format="localized"),
        "rows_new": st.column_config.NumberColumn("新增", format="localized"),
        "rows_changed": st.column_config.NumberColumn("变更", format="localized"),
        "rows_same": st.column_config.NumberColumn("相同", format="localized"),
        "rows_refused": st.column_config.NumberColumn("拒绝", format="localized"),
    },
)
picked = chosen.selection.rows
if not picked:
    st.caption("点选一行，查看该次导入的问题清单。")
    st.stop()
run = runs.iloc[picked[0]]
problems = list_problems(actor, session.house(), run_id=int(run["id"]))
st.markdown(f"**第 {run['id']} 次导入的问题（{len(problems)} 条）**")
if problems.empty:
    st.success("这次导入没有发现问题。")
    st.stop()
st.dataframe(
    problems,
    hide_index=True,
    column_config={
        "sheet": "工作表",
        "row": st.column_config.NumberColumn("行", format="%d"),
        "column": "列",
        "value": "内容",
        "message": st.column_config.TextColumn("问题与建议", width="large"),
        "is_blocking": st.column_config.CheckboxColumn("阻止导入"),
    },
)

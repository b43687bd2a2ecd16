"""审计日志: who did what, and whether the chain of events is whole."""

from __future__ import annotations

import streamlit as st

from components import session
from components.guard import guard
from domain.access import Permission
from services.audit_log import list_events, verify_audit

actor = guard(Permission.VIEW_AUDIT)

st.subheader("审计日志")
st.caption(
    "每次写入与登录都在同一事务中记下一条，并以哈希与前一条相连；任何改动或删除都会在核验时指出。"
)
if st.button("核验整条记录链", type="primary"):
    report = verify_audit(actor, session.house())
    if report.broken_at is None:
        st.success(f"共 {report.events} 条，前后相连，未被改动。最末哈希 {report.head[:16]}…")
    else:
        st.error(f"第 {report.broken_at} 条起不可信：{report.reason}。请保留现场并联系管理员。")
events = list_events(actor, session.house(), limit=500)
if events.empty:
    st.info("还没有任何记录。登录、导入、修改之后，这里会逐条列出。")
    st.stop()
events["time"] = events["time"].dt.tz_convert("Asia/Shanghai")
st.dataframe(
    events,
    hide_index=True,
    height=620,
    column_config={
        "seq": st.column_config.NumberColumn("序号", format="%d"),
        "time": st.column_config.DatetimeColumn("时间", format="YYYY-MM-DD HH:mm:ss"),
        "actor": "账号",
        "kind": None,
        "what": "事项",
        "subject": "对象",
        "data": st.column_config.TextColumn("内容", width="large"),
        "hash": st.column_config.TextColumn("哈希", width="small"),
    },
)

"""A thousand simulated draws of a plan: start, progress, cancel, and what they show."""

from __future__ import annotations

import streamlit as st

from components import plan_charts as charts
from components import session
from components.guard import guard
from components.plan_preview import light
from components.plan_state import attempt
from domain.access import Permission
from services.jobs import JobState
from services.plans.preview import PlanOutlook
from services.plans.simulate import (
    DRAWS,
    FAR_SHARE,
    FAR_Z,
    SimulationFacts,
    look_at_simulation,
    simulation_key,
    start_simulation,
    stop_simulation,
)

POLL = "1s"
_OUTLOOK = "plan-outlook"


def show_simulation(outlook: PlanOutlook) -> None:
    """Show the simulation of this frame and rule, polled only while it runs."""
    session.remember(_OUTLOOK, outlook)
    actor = guard(Permission.VIEW_PLANS)
    key = simulation_key(outlook)
    job = look_at_simulation(actor, key=key)
    if job is not None and job.state is JobState.RUNNING:
        _running(key)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        again = (
            "再看一遍没有必要：种子固定，结果相同。" if job and job.state is JobState.DONE else ""
        )
        if not again:
            st.button("模拟 1,000 次抽取", on_click=_start, key="plan-simulate")
        st.caption(
            f"真抽 {DRAWS:,} 次给大家看机会是否兑现；种子与正式抽取无关，透露不出结果。{again}"
        )
    if job is None:
        return
    if job.fault:
        st.error(job.fault)
    if isinstance(job.result, SimulationFacts):
        _show(job.result)


def _start() -> None:
    actor = guard(Permission.VIEW_PLANS)
    outlook = session.recall(_OUTLOOK)
    if isinstance(outlook, PlanOutlook):
        attempt(lambda: _begin(actor, outlook))


def _begin(actor: object, outlook: PlanOutlook) -> None:
    start_simulation(actor, outlook=outlook)  # type: ignore[arg-type]


def _stop(key: str) -> None:
    stop_simulation(guard(Permission.VIEW_PLANS), key=key)


@st.fragment(run_every=POLL)
def _running(key: str) -> None:
    actor = guard(Permission.VIEW_PLANS)
    job = look_at_simulation(actor, key=key)
    if job is None or job.state is not JobState.RUNNING:
        st.rerun()
    share = job.done / job.total if job.total else 0.0
    st.progress(share, text=f"模拟抽取 {job.done:,} / {job.total or DRAWS:,} 次")
    st.button("取消模拟", on_click=_stop, args=(key,), key="plan-simulate-stop")


def _show(facts: SimulationFacts) -> None:
    if not facts.draws:
        st.info("模拟在第一批完成前就取消了，没有结果。")
        return
    if facts.draws < facts.wanted:
        st.info(f"模拟已取消：以下是已完成的 {facts.draws:,} 次。")
    light("red" if facts.outside else "", _sentence(facts))
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.vega_lite_chart(charts.count_heat(facts), width="stretch", theme=None)
        st.caption("格中是这个所数在模拟里出现的比例，颜色越深越常见；红线是预期数。")
    with right:
        st.vega_lite_chart(charts.z_bars(facts), width="stretch", theme=None)
        st.caption("蓝条是各校实际，红线是纯随机应有的样子；两者相合，说明谁也没有被偏袒。")


def _sentence(facts: SimulationFacts) -> str:
    bounds = (
        "各区县抽到的所数没有一次超出至少、至多"
        if not facts.outside
        else f"有 {facts.outside:,} 次区县所数超出至少、至多，请停用并报告管理员"
    )
    return (
        f"<b>{facts.draws:,} 次里，{bounds}</b>；{facts.tested:,} 所学校中，"
        f"被抽次数偏离预期超过 {FAR_Z:g} 个标准差的有 {facts.far} 所"
        f"（纯随机约 {facts.tested * FAR_SHARE:.1f} 所），最大偏离 {facts.worst:.1f}。"
    )

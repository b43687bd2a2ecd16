"""The product's look: the one place that holds styles for Streamlit's own page."""

from __future__ import annotations

import streamlit as st

_CSS = """<style>
[data-testid="stMainBlockContainer"]{padding:4.4rem 1rem .4rem;max-width:none}
[data-testid="stMainBlockContainer"]>div>[data-testid="stVerticalBlock"],
[data-testid="stMainBlockContainer"]>[data-testid="stVerticalBlock"]{gap:.2rem}
[data-testid="stSidebarUserContent"]{padding:.2rem 0 2rem}
[data-testid="stSidebarHeader"]{height:0;min-height:0;padding:0;margin:0}
[data-testid="stSidebarCollapseButton"]{position:absolute;right:.5rem;top:4.1rem;z-index:1}
[data-testid="stSidebarUserContent"] [data-testid="stVerticalBlock"]{gap:.55rem}
/* The sidebar lies under the bar on top and begins below it. */
[data-testid="stSidebar"]{z-index:999970}
[data-testid="stSidebarContent"]{padding-top:4.3rem}
iframe[title="streamlit_folium.st_folium"]{height:calc(100vh - 6.2rem)!important;min-height:380px;
border:1px solid #d5dce4;border-radius:8px}
.st-key-panel{flex:none!important;height:calc(100vh - 5.2rem);min-height:380px;overflow-y:auto;padding-right:.3rem}
.st-key-panel [data-testid="stVerticalBlock"]{gap:.35rem}
.st-key-panel button[kind="tertiary"]{justify-content:flex-start;text-align:left;padding:.2rem .35rem;
border-radius:.35rem}
.st-key-panel button[kind="tertiary"]>div{justify-content:flex-start;text-align:left}
.st-key-panel button[kind="tertiary"] [data-testid="stMarkdownContainer"]{text-align:left}
.st-key-rows button[kind="tertiary"]{border-bottom:1px solid #e6ebf1;border-radius:0}
.st-key-rows button[kind="tertiary"]:hover{background:#eef4fb}
.st-key-rows button p{line-height:1.45}
.csm-card{color:#14233a;font-size:.92rem;line-height:1.5}
.csm-card h2{font-size:1.22rem;margin:0 0 .1rem;padding:0;line-height:1.35}
.csm-card h3{font-size:.95rem;margin:.9rem 0 .3rem;padding:0 0 0 .5rem;border-left:3px solid #0b5cad}
.csm-card p{margin:.1rem 0}
.csm-card .facts{color:#42536a}
.csm-card .code,.csm-card .foot,.csm-card small{color:#6a788a;font-size:.8rem}
.csm-card .unknown{color:#7b8794;font-style:normal}
.csm-card .why{display:flex;gap:.8rem;align-items:center;margin:.6rem 0 .5rem}
.csm-card .score{flex:0 0 4.2rem;height:4.2rem;border-radius:.6rem;display:flex;flex-direction:column;
align-items:center;justify-content:center;line-height:1.15}
.csm-card .score b{font-size:1.75rem}
.csm-card .sentence{font-size:1rem;font-weight:600}
.csm-card .bars>div{display:flex;align-items:center;gap:.5rem;margin:.18rem 0}
.csm-card .bars label{width:2.4rem;color:#42536a}
.csm-card .bars i{flex:1;height:.72rem;background:#e9eef4;border-radius:.36rem;overflow:hidden}
.csm-card .bars i.none{background:repeating-linear-gradient(45deg,#e9eef4 0 5px,#f7f9fb 5px 10px)}
.csm-card .bars i{display:flex}
.csm-card .bars s{display:block;height:100%;background:repeating-linear-gradient(45deg,#7fa9d3 0 4px,#d5e3f1 4px 8px)}
.csm-card .bars u{display:block;height:100%;background:#0b5cad}
.csm-card .bars b{width:2.4rem;text-align:right;font-variant-numeric:tabular-nums}
.csm-card .next{background:#f2f6fb;border-radius:.4rem;padding:.35rem .6rem;margin:.4rem 0}
.csm-card details{margin:.3rem 0}
.csm-card summary{cursor:pointer;color:#0b5cad}
.csm-card table{width:100%;border-collapse:collapse;font-size:.88rem}
.csm-card td,.csm-card th{border:0;border-bottom:1px solid #e6ebf1;padding:.24rem .2rem;text-align:left;
font-weight:400;vertical-align:top}
.csm-card .near td:first-child{color:#42536a;white-space:nowrap;width:1%;padding-right:.6rem}
.csm-card .near td:last-child,.csm-card .inputs td:last-child{text-align:right;white-space:nowrap;
font-variant-numeric:tabular-nums}
.csm-card .inputs small{display:block}
.csm-card .inputs .part td{background:#f2f6fb;font-weight:600}
.csm-card .wide{overflow-x:auto}
.csm-card .six th{font-size:.76rem;color:#42536a;text-align:center;min-width:2.4rem;padding:.2rem .1rem}
.csm-card .six th:first-child{text-align:left;min-width:3rem}
.csm-card .six td{text-align:center;font-weight:600}
.csm-card .six .ok{color:#1f7a55}
.csm-card .six .faded{background:#fdf3cf;color:#6b5200}
.csm-card .six .damaged{background:#fde3c8;color:#8a4300}
.csm-card .six .missing{background:#c1121f;color:#fff}
.csm-card .six .na{color:#9aa6b2}
.csm-card .grid{display:grid;grid-template-columns:1fr 1fr;gap:.15rem .9rem}
.csm-card .grid div{display:flex;justify-content:space-between;border-bottom:1px solid #e6ebf1;
padding:.16rem 0;gap:.5rem}
.csm-card .grid span{color:#42536a}
.csm-card .grid b{font-weight:600;text-align:right}
.csm-card ul,.csm-card ol{margin:.2rem 0;padding-left:1.1rem}
.csm-card li{margin:.25rem 0}
.csm-card .timeline{list-style:none;padding-left:0}
.csm-card time{color:#42536a;font-variant-numeric:tabular-nums}
.csm-card .late{color:#c1121f;font-style:normal;font-weight:600}
.csm-empty{text-align:center;padding:12vh 1.5rem;color:#42536a}
.csm-empty h2{color:#14233a;font-size:1.4rem;padding:0 0 .6rem}
.csm-empty code{background:#eef2f7;padding:.1rem .4rem;border-radius:.3rem}
[data-testid="stExpandSidebarButton"]{width:auto!important}
[data-testid="stExpandSidebarButton"]::after{content:"筛选";font-size:.9rem;color:#fff}
/* Where the page menu itself moves into the sidebar, the button leads to both. */
@media(max-width:767px){[data-testid="stExpandSidebarButton"]::after{content:"菜单"}}
/* Streamlit's own words on an upload are English and cannot be set. */
[data-testid="stFileUploaderDropzone"] button p,[data-testid="stFileUploaderDropzoneInstructions"] span{font-size:0}
[data-testid="stFileUploaderDropzone"] button p::after{content:"选择文件";font-size:1rem}
[data-testid="stFileUploaderDropzoneInstructions"] span::after{content:"或把文件拖到这里";font-size:.85rem}
@media(max-width:1100px){
.st-key-split [data-testid="stHorizontalBlock"]{flex-wrap:wrap}
.st-key-split [data-testid="stHorizontalBlock"]>[data-testid="stColumn"]{min-width:100%}
.st-key-panel{height:auto;overflow:visible}
iframe[title="streamlit_folium.st_folium"]{height:62vh!important}
}
@media(max-width:640px){
[data-testid="stMainBlockContainer"]{padding:4.2rem .5rem .6rem}
iframe[title="streamlit_folium.st_folium"]{height:62vh!important}
.st-key-panel{height:auto;overflow:visible}
}
</style>"""


def apply() -> None:
    """Put the styles on the page."""
    st.html(_CSS)


def show_empty(title: str, lines: list[str]) -> None:
    """Show an empty state: what is not here and the way on. ``lines`` are our own texts."""
    body = "".join(f"<p>{line}</p>" for line in lines)
    st.html(f'<div class="csm-empty"><h2>{title}</h2>{body}</div>')

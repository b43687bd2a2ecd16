"""Synonyms of the field's words, Chinese and English, map tags of OpenStreetMap among them.

``None`` = understood but says nothing; ``Skip`` = another sort of thing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from domain.words import (
    AlarmState,
    DistrictLevel,
    FacilityKind,
    FacilityState,
    LegalForm,
    Ownership,
    PostKind,
    RoadClass,
    SchoolKind,
    SchoolStatus,
    WaterAccess,
    WaterBank,
    WaterGrade,
    WaterKind,
    Word,
)
from services.importers.values import Skip

Synonyms = Mapping[str, Word | Skip | None]

DISTRICT_LEVEL: Synonyms = {
    "district": DistrictLevel.COUNTY,
    "区": DistrictLevel.COUNTY,
    "县": DistrictLevel.COUNTY,
    "县级": DistrictLevel.COUNTY,
    "地级市": DistrictLevel.CITY,
    "市级": DistrictLevel.CITY,
    "乡镇": DistrictLevel.TOWNSHIP,
    "街道": DistrictLevel.TOWNSHIP,
    "乡": DistrictLevel.TOWNSHIP,
    "镇": DistrictLevel.TOWNSHIP,
    "street": DistrictLevel.TOWNSHIP,
    "subdistrict": DistrictLevel.TOWNSHIP,
    "town": DistrictLevel.TOWNSHIP,
}

SCHOOL_KIND: Synonyms = {
    "school": None,
    "学校": None,
    "college": None,
    "university": None,
    "幼儿": SchoolKind.KINDERGARTEN,
    "幼托": SchoolKind.KINDERGARTEN,
    "primary school": SchoolKind.PRIMARY,
    "elementary": SchoolKind.PRIMARY,
    "初级中学": SchoolKind.JUNIOR,
    "junior high": SchoolKind.JUNIOR,
    "middle school": SchoolKind.JUNIOR,
    "高级中学": SchoolKind.SENIOR,
    "普通高中": SchoolKind.SENIOR,
    "senior high": SchoolKind.SENIOR,
    "high school": SchoolKind.SENIOR,
    "九年制": SchoolKind.NINE_YEAR,
    "九年一贯制学校": SchoolKind.NINE_YEAR,
    "十二年制": SchoolKind.TWELVE_YEAR,
    "十二年一贯制学校": SchoolKind.TWELVE_YEAR,
    "完中": SchoolKind.COMPLETE_SECONDARY,
    "中职学校": SchoolKind.VOCATIONAL,
    "职业高中": SchoolKind.VOCATIONAL,
    "中等职业学校": SchoolKind.VOCATIONAL,
    "特殊教育": SchoolKind.SPECIAL,
    "特殊教育学校": SchoolKind.SPECIAL,
    "未知": SchoolKind.UNKNOWN,
}

OWNERSHIP: Synonyms = {
    "公立": Ownership.PUBLIC,
    "私立": Ownership.PRIVATE,
    "公办学校": Ownership.PUBLIC,
    "民办学校": Ownership.PRIVATE,
    "government": Ownership.PUBLIC,
    "未知": Ownership.UNKNOWN,
}
LEGAL_FORM: Synonyms = {"企业": LegalForm.COMPANY, "民非": LegalForm.NON_PROFIT}
SCHOOL_STATUS: Synonyms = {
    "正常": SchoolStatus.ACTIVE,
    "开办": SchoolStatus.ACTIVE,
    "撤销": SchoolStatus.CLOSED,
    "关闭": SchoolStatus.CLOSED,
}
ALARM: Synonyms = {
    "无": AlarmState.NONE,
    "已安装": AlarmState.INSTALLED,
    "联网": AlarmState.NETWORKED,
}

WATER_KIND: Synonyms = {
    "water": None,
    "水面": None,
    "stream": WaterKind.RIVER,
    "riverbank": WaterKind.RIVER,
    "oxbow": WaterKind.RIVER,
    "河": WaterKind.RIVER,
    "河道": WaterKind.RIVER,
    "江": WaterKind.RIVER,
    "溪": WaterKind.RIVER,
    "运河": WaterKind.CANAL,
    "水渠": WaterKind.CANAL,
    "lagoon": WaterKind.LAKE,
    "湖": WaterKind.LAKE,
    "basin": WaterKind.POND,
    "池塘": WaterKind.POND,
    "水塘": WaterKind.POND,
    "鱼塘": WaterKind.POND,
    "坑塘水面": WaterKind.POND,
    "drain": WaterKind.DITCH,
    "沟": WaterKind.DITCH,
    "weir": WaterKind.OTHER,
    "dam": WaterKind.OTHER,
    "waterfall": WaterKind.OTHER,
    "lock_gate": WaterKind.OTHER,
    "lock": WaterKind.CANAL,
    "dock": WaterKind.OTHER,
    "moat": WaterKind.CANAL,
    "wastewater": WaterKind.OTHER,
    "fountain": WaterKind.OTHER,
    "reflecting_pool": WaterKind.POND,
    "fish_pass": WaterKind.OTHER,
    "rapids": WaterKind.RIVER,
    "tidal_channel": WaterKind.RIVER,
    "其他": WaterKind.OTHER,
}
WATER_GRADE: Synonyms = {
    "重大": WaterGrade.MAJOR,
    "较大": WaterGrade.LARGER,
    "一般": WaterGrade.GENERAL,
    "一级": WaterGrade.MAJOR,
    "二级": WaterGrade.LARGER,
    "三级": WaterGrade.GENERAL,
    "i": WaterGrade.MAJOR,
    "ii": WaterGrade.LARGER,
    "iii": WaterGrade.GENERAL,
    "i级": WaterGrade.MAJOR,
    "ii级": WaterGrade.LARGER,
    "iii级": WaterGrade.GENERAL,
}
WATER_ACCESS: Synonyms = {"开放": WaterAccess.OPEN, "封闭": WaterAccess.FENCED}
WATER_BANK: Synonyms = {"陡坡": WaterBank.STEEP, "硬化": WaterBank.REVETMENT}

_OTHER_HIGHWAY = (
    "level_crossing stop give_way motorway_junction motorway_junctio turning_circle turning_loop "
    "mini_roundabout street_lamp traffic_mirror milestone passing_place toll_gantry rest_area "
    "emergency_bay elevator bus_stop traffic_sign other"
)
FACILITY_KIND: Synonyms = {
    "traffic_signals": FacilityKind.SIGNAL,
    "traffic_signal": FacilityKind.SIGNAL,
    "红绿灯": FacilityKind.SIGNAL,
    "信号灯": FacilityKind.SIGNAL,
    "pedestrian_crossing": FacilityKind.CROSSING,
    "zebra": FacilityKind.CROSSING,
    "人行横道": FacilityKind.CROSSING,
    "斑马线": FacilityKind.CROSSING,
    "过街设施": FacilityKind.CROSSING,
    "speed_camera": FacilityKind.ENFORCEMENT,
    "电子警察": FacilityKind.ENFORCEMENT,
    "测速": FacilityKind.ENFORCEMENT,
    "违停抓拍": FacilityKind.ENFORCEMENT,
    "限速标志": FacilityKind.SPEED_SIGN,
    "减速标志": FacilityKind.SPEED_SIGN,
    "学校标志": FacilityKind.SCHOOL_SIGN,
    "注意行人": FacilityKind.PEDESTRIAN_SIGN,
    "注意儿童标志": FacilityKind.PEDESTRIAN_SIGN,
    "禁停标志": FacilityKind.NO_PARKING,
    "禁停标线": FacilityKind.NO_PARKING,
    "其他": FacilityKind.OTHER,
    **dict.fromkeys(_OTHER_HIGHWAY.split(), FacilityKind.OTHER),
}
FACILITY_STATE: Synonyms = {
    "正常": FacilityState.OK,
    "良好": FacilityState.OK,
    "破损": FacilityState.DAMAGED,
    "褪色": FacilityState.FADED,
    "无": FacilityState.MISSING,
    "未设置": FacilityState.MISSING,
}

POST_KIND: Synonyms = {
    "police": PostKind.POLICE_STATION,
    "police station": PostKind.POLICE_STATION,
    "公安派出所": PostKind.POLICE_STATION,
    "警务室": PostKind.POLICE_BOX,
    "岗亭": PostKind.POLICE_BOX,
    "警务站": PostKind.POLICE_BOX,
    "护学": PostKind.SCHOOL_GUARD,
    "巡逻": PostKind.PATROL_POINT,
    "水域看护": PostKind.WATER_WATCH,
}

_NOT_ROADS = (
    "footway path cycleway steps pedestrian bridleway corridor elevator platform via_ferrata "
    "construction proposed planned abandoned razed raceway escape bus_guideway services "
    "rest_area crossing traffic_island no"
)
_NOT_A_ROAD = Skip("非机动车道路")
ROAD_CLASS: Synonyms = {
    **dict.fromkeys(("motorway", "motorway_link", "trunk_link"), RoadClass.TRUNK),
    "primary_link": RoadClass.PRIMARY,
    "secondary_link": RoadClass.SECONDARY,
    **dict.fromkeys(
        ("tertiary", "tertiary_link", "residential", "unclassified", "road", "busway"),
        RoadClass.BRANCH,
    ),
    **dict.fromkeys(("living_street", "service"), RoadClass.INTERNAL),
    "track": RoadClass.RURAL,
    "高速": RoadClass.TRUNK,
    "国道": RoadClass.TRUNK,
    "省道": RoadClass.TRUNK,
    "快速路": RoadClass.TRUNK,
    "县道": RoadClass.SECONDARY,
    "乡道": RoadClass.RURAL,
    "村道": RoadClass.RURAL,
    **dict.fromkeys(
        _NOT_ROADS.split(),
        _NOT_A_ROAD,
    ),
}

NAME_RULES: Mapping[type[Word], tuple[tuple[Word, str], ...]] = {
    SchoolKind: (
        (SchoolKind.KINDERGARTEN, r"幼儿园|幼稚园|托幼|kindergarten|preschool|nursery"),
        (SchoolKind.SPECIAL, r"特殊教育|培智|盲人学校|聋人学校|盲校|聋校|special education"),
        (SchoolKind.TEACHING_POINT, r"教学点|teaching point"),
        (SchoolKind.VOCATIONAL, r"职业|中专|技校|技工|职高|中等专业|vocational"),
        (SchoolKind.TWELVE_YEAR, r"十二年|12年一贯"),
        (SchoolKind.NINE_YEAR, r"九年|9年一贯|nine-year"),
        (SchoolKind.COMPLETE_SECONDARY, r"完全中学"),
        (SchoolKind.PRIMARY, r"小学|primary school|elementary|primary"),
        (SchoolKind.JUNIOR, r"初级中学|初中|junior"),
        (SchoolKind.SENIOR, r"高级中学|高中|senior high"),
    ),
    WaterKind: (
        (WaterKind.RESERVOIR, r"水库|reservoir"),
        (WaterKind.CANAL, r"渠|运河|canal"),
        (WaterKind.DITCH, r"沟|排水|ditch|drain"),
        (WaterKind.RIVER, r"[河江溪]|river|creek"),
        (WaterKind.LAKE, r"湖|海$|淀|lake"),
        (WaterKind.POND, r"塘|池|潭|pond"),
    ),
    PostKind: (
        (PostKind.POLICE_STATION, r"派出所|公安局|公安分局|police"),
        (PostKind.POLICE_BOX, r"岗亭|警务室|警务站"),
        (PostKind.SCHOOL_GUARD, r"护学"),
        (PostKind.WATER_WATCH, r"水域|看护点"),
        (PostKind.PATROL_POINT, r"巡逻"),
    ),
    DistrictLevel: ((DistrictLevel.TOWNSHIP, r"(?:街道|镇|乡|地区)(?:办事处)?$"),),
}
"""First rule that matches wins; a name without a plain hint stays unguessed."""


def guess_from_name(enum: type[Word], names: pd.Series) -> pd.Series:
    """Guess a word from each name, ``None`` where no rule matches."""
    guess = pd.Series([None] * len(names), index=names.index, dtype=object)
    text = names.astype(object).where(names.notna(), "").astype(str)
    for member, pattern in NAME_RULES.get(enum, ()):
        hit = guess.isna() & text.str.contains(pattern, flags=re.IGNORECASE, regex=True)
        guess[hit] = member
    return guess

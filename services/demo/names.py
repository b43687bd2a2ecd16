"""Invented names: no word here is meant to name a real city, county, road or school."""

from __future__ import annotations

from typing import Final

import numpy as np

from services.demo.plane import Array, objects

CITY_NAME: Final = "澄安市"
URBAN_DISTRICTS: Final = ("澄中区", "岚桥区", "云圩区", "芦汀区")
COUNTIES: Final = ("柳堰县", "禾陂县", "涟圩县", "穗原县")
RIVER: Final = "澄水河"
CANALS: Final = ("引澄干渠", "东岚渠", "芦汀排涝渠", "禾陂灌渠", "穗原总干渠")

_FIRST: Final = (
    "栖梧枫荷芷蘅蓼菱芦苇桐槐榆柏棠棣榴柚橘蒲芸萱茗穗稻禾粟麦岚霁晴曦昀朗煦暄沁澜漪汐"
    "沐澄泓沅浣洵涵淇湄溪霞虹霖露霜鹭雁鹤鸢鹂莺"
)
_SECOND: Final = "荫陂堰圩汀渚渡埠塘湾岸洲浦坞墩岗坪垄畈原野陌桥亭台阁苑庭坊里巷郊屏峰岭谷"
_VILLAGE_END: Final = ("庄", "圩", "庙", "楼", "塘", "桥", "集", "湾", "岗", "铺")
_SURNAME: Final = (
    "柳杨韩罗谢冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方"
    "石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
KINDERGARTEN_WORDS: Final = (
    "禾苗", "晨露", "星芽", "萤火", "童沐", "小满", "麦穗", "青团", "木槿", "蒲公英",
    "山雀", "桃夭", "云朵", "春笋", "彩石", "小筑", "米粒", "松果", "风铃", "竹蜻蜓",
)  # fmt: skip
_DIGITS: Final = "零一二三四五六七八九"


def chinese_number(value: int) -> str:
    """Write 1–99 in Chinese numerals, larger ones in Arabic digits."""
    if value < 10:
        return _DIGITS[value]
    if value < 100:
        tens, ones = divmod(value, 10)
        return ("" if tens == 1 else _DIGITS[tens]) + "十" + (_DIGITS[ones] if ones else "")
    return str(value)


def place_words(rng: np.random.Generator, count: int) -> Array:
    """Return place words of two characters, all different as long as there are enough."""
    pairs = np.array([a + b for a in _FIRST for b in _SECOND], dtype=object)
    order = rng.permutation(len(pairs))
    chosen: Array = pairs[order[np.arange(count) % len(pairs)]]
    return chosen


def village_words(rng: np.random.Generator, count: int) -> Array:
    """Return village names such as 柳家圩, all different as long as there are enough."""
    pairs = np.array([f"{a}家{b}" for a in _SURNAME for b in _VILLAGE_END], dtype=object)
    chosen: Array = pairs[rng.permutation(len(pairs))[np.arange(count) % len(pairs)]]
    return chosen


def told_apart(names: Array) -> Array:
    """Number the second and later bearers of one name."""
    _, code = np.unique(names.astype(str), return_inverse=True)
    order = np.argsort(code, kind="stable")
    sorted_code = code[order]
    starts = np.flatnonzero(np.r_[True, sorted_code[1:] != sorted_code[:-1]])
    run = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    nth = np.empty(len(order), dtype=int)
    nth[order] = run + 1
    return objects(
        [
            name if n == 1 else f"{name}（{chinese_number(n)}分部）"
            for name, n in zip(names.tolist(), nth.tolist(), strict=True)
        ]
    )


_GIVEN: Final = (
    "文海明志安宁嘉言思远立新建平春生晓云秋实雅琴雪梅永康国栋家辉少华玉兰桂英振东若水子墨"
    "承泽景行知行书恒清和怀瑾守正德润长风"
)


def person_names(rng: np.random.Generator, count: int) -> list[str]:
    """Return invented names of people, all different as long as there are enough."""
    given = [_GIVEN[k : k + 2] for k in range(0, len(_GIVEN), 2)]
    pairs = [family + name for family in _SURNAME for name in given]
    return [pairs[k] for k in rng.permutation(len(pairs))[np.arange(count) % len(pairs)].tolist()]

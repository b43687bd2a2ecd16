"""What inspectors of the demo city find: items of an invented checklist, written for it.

Kinds of finding follow DOMAIN.md §2 [nt19]; the sentences and item numbers are our own.
``{n}`` is a small number, ``{side}`` a side of the campus, ``{place}`` a place on it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from domain.words import HazardCategory as Cat
from domain.words import Severity as Grave


class Item(NamedTuple):
    """One checklist item: where it belongs, what is written, how grave, how often, who has it."""

    code: str
    category: Cat
    text: str
    severity: Grave
    weight: float
    needs: str = ""


SIDES: Final = ("东侧", "西侧", "南侧", "北侧")
PLACES: Final = ("教学楼", "综合楼", "食堂", "门卫室", "体育馆", "图书楼", "操场看台", "行政楼")

_ROWS: Final[tuple[tuple[Cat, str, Grave, float], ...]] = (
    (Cat.DEFENCE, "监控室 {n} 路摄像头黑屏，{side}围墙一带无画面", Grave.LARGER, 3.0),
    (Cat.DEFENCE, "监控录像时钟与标准时间相差 {n} 分钟，未及时校准", Grave.GENERAL, 2.6),
    (Cat.DEFENCE, "{side}周界报警触发后无声光提示，接警端无记录", Grave.LARGER, 2.0),
    (Cat.DEFENCE, "一键报警按下后 {n} 分钟内无回拨，近期无实测记录", Grave.LARGER, 1.8),
    (Cat.DEFENCE, "保安员 {n} 人年龄超过 50 岁，未见体检和培训证明", Grave.GENERAL, 2.4),
    (Cat.DEFENCE, "上学时段由教师顶岗值守校门，专职保安配备不足", Grave.GENERAL, 2.4),
    (Cat.DEFENCE, "防暴器械柜上锁，钥匙不在岗，{n} 件器械缺失", Grave.GENERAL, 1.5),
    (Cat.DEFENCE, "监控录像仅保存 {n} 天，达不到规定时长", Grave.GENERAL, 1.6),
    (Cat.DEFENCE, "{side}围墙有约 {n} 米高度不足，墙外堆物可攀爬", Grave.LARGER, 1.0),
    (Cat.GATE, "外来人员进校未登记，访客登记本空缺 {n} 天", Grave.GENERAL, 3.0),
    (Cat.GATE, "校门防冲撞设施 {n} 处损坏，放学时段未摆放", Grave.LARGER, 1.6),
    (Cat.GATE, "放学时段校门值班领导不在岗，仅 {n} 名教师维持秩序", Grave.GENERAL, 2.0),
    (Cat.GATE, "{side}侧门未上锁且无人值守，可随意出入", Grave.LARGER, 1.4),
    (Cat.GATE, "家长接送区未划定，校门前滞留超过 {n} 分钟", Grave.GENERAL, 1.2),
    (Cat.GATE, "快递、外卖人员可直接进入校园，门卫未核验", Grave.GENERAL, 1.2),
    (Cat.FIRE, "{place}{n} 层{side}消火栓无水，水压表读数为零", Grave.MAJOR, 1.3),
    (Cat.FIRE, "{place}{n} 具灭火器压力不足，未按期检查", Grave.GENERAL, 3.0),
    (Cat.FIRE, "{place}疏散通道堆放杂物，{side}安全出口被锁闭", Grave.MAJOR, 1.2),
    (Cat.FIRE, "{place}{n} 处应急照明和疏散指示标志不亮", Grave.GENERAL, 2.4),
    (Cat.FIRE, "消防控制室值班人员无证上岗，值班记录缺 {n} 天", Grave.LARGER, 1.3),
    (Cat.FIRE, "{place}火灾报警主机有 {n} 个故障点未排除", Grave.LARGER, 1.2),
    (Cat.FIRE, "{place}外窗防护栏未留逃生口，共 {n} 处", Grave.LARGER, 1.3),
    (Cat.FIRE, "电动自行车在{place}门厅停放充电 {n} 辆", Grave.LARGER, 1.4),
    (Cat.FOOD, "食堂近 {n} 天无食品留样，留样柜温度未记录", Grave.LARGER, 1.9),
    (Cat.FOOD, "食堂从业人员 {n} 人健康证过期", Grave.LARGER, 1.3),
    (Cat.FOOD, "食堂库房有 {n} 种食材标签不清，生熟混放", Grave.GENERAL, 1.7),
    (Cat.FOOD, "陪餐记录缺 {n} 天，未公示当周食谱", Grave.GENERAL, 1.6),
    (Cat.FOOD, "餐具消毒记录不全，消毒柜 {n} 台故障", Grave.GENERAL, 1.3),
    (Cat.FOOD, "饮水机滤芯超期 {n} 个月未更换，无水质检测报告", Grave.GENERAL, 1.2),
    (Cat.FOOD, "食堂燃气间报警器失效，{n} 处软管超期", Grave.MAJOR, 0.9),
    (Cat.BUILDING, "{place}{side}外墙面砖空鼓脱落约 {n} 平方米，未设警戒", Grave.LARGER, 1.5),
    (Cat.BUILDING, "{place}{n} 层栏杆松动，高度不足", Grave.LARGER, 1.4),
    (Cat.BUILDING, "{place}屋面渗漏，{n} 间教室吊顶受潮变形", Grave.GENERAL, 1.4),
    (Cat.BUILDING, "{place}安全鉴定报告过期，{side}墙体有裂缝", Grave.MAJOR, 0.6),
    (Cat.BUILDING, "运动场地 {n} 处破损，篮球架底座锈蚀", Grave.GENERAL, 1.5),
    (Cat.BUILDING, "{place}配电箱未上锁，{n} 个回路无漏电保护", Grave.LARGER, 1.6),
    (Cat.BUILDING, "校园施工区与教学区隔离不到位，{side}有缺口", Grave.LARGER, 0.8),
    (Cat.TRAFFIC, "校车 {n} 辆逃生锤缺失，随车照管员未持证", Grave.LARGER, 0.9),
    (Cat.TRAFFIC, "校车未按备案路线行驶 {n} 次，抄告未整改", Grave.LARGER, 0.7),
    (Cat.TRAFFIC, "校门前减速带缺失，{side}来车方向无限速标志", Grave.GENERAL, 1.8),
    (Cat.TRAFFIC, "校门前斑马线磨损不清，{n} 处需重新施划", Grave.GENERAL, 1.8),
    (Cat.TRAFFIC, "校内人车未分流，上学时段 {n} 辆机动车穿行", Grave.LARGER, 1.3),
    (Cat.TRAFFIC, "校门 50 米内违停车辆 {n} 辆，无禁停标线", Grave.GENERAL, 1.6),
    (Cat.SURROUNDINGS, "校门{side}流动摊贩 {n} 处占道经营", Grave.GENERAL, 1.8),
    (Cat.SURROUNDINGS, "{side}出租房密集，与校园围墙距离不足 {n} 米", Grave.GENERAL, 0.9),
    (Cat.SURROUNDINGS, "{side}发现疑似未备案台球厅，距校门约 {n}0 米", Grave.GENERAL, 0.7),
    (Cat.SURROUNDINGS, "{side}工地塔吊臂回转范围覆盖校园上空", Grave.MAJOR, 0.4),
    (Cat.SURROUNDINGS, "校门{side}线缆低垂，净高不足 {n} 米", Grave.GENERAL, 1.0),
    (Cat.WATER, "{side}约 {n}00 米处坑塘无警示牌和救生器材", Grave.LARGER, 1.2),
    (Cat.WATER, "防溺水“一日两提醒”记录缺 {n} 天", Grave.GENERAL, 1.3),
    (Cat.WATER, "水域包靠责任人未公示，巡查记录空缺 {n} 周", Grave.GENERAL, 0.9),
    (Cat.WATER, "校内景观水池水深超过 {n}0 厘米，无防护栏", Grave.LARGER, 0.6),
    (Cat.LABORATORY, "危险化学品柜未实行双人双锁，台账缺 {n} 笔", Grave.MAJOR, 0.8),
    (Cat.LABORATORY, "实验室洗眼器无水，{n} 间未配灭火毯", Grave.GENERAL, 1.0),
    (Cat.LABORATORY, "废液桶未分类，存放超过 {n} 个月未处置", Grave.LARGER, 0.8),
    (Cat.LABORATORY, "实验室通风橱 {n} 台故障仍在使用", Grave.GENERAL, 0.8),
    (Cat.DORMITORY, "宿舍楼{n} 层夜间安全出口上锁", Grave.MAJOR, 0.9),
    (Cat.DORMITORY, "宿舍内发现违规电器 {n} 件，有私拉电线", Grave.LARGER, 1.5),
    (Cat.DORMITORY, "宿管员夜间巡查记录缺 {n} 晚", Grave.GENERAL, 1.2),
    (Cat.DORMITORY, "宿舍床铺护栏高度不足，共 {n} 张", Grave.GENERAL, 1.0),
    (Cat.MANAGEMENT, "应急预案未修订，仍为 {n} 年前版本", Grave.GENERAL, 1.6),
    (Cat.MANAGEMENT, "本学期应急疏散演练少 {n} 次，无过程记录", Grave.GENERAL, 1.7),
    (Cat.MANAGEMENT, "安全责任书未签到岗位，缺 {n} 份", Grave.GENERAL, 1.5),
    (Cat.MANAGEMENT, "隐患排查台账与现场不符，{n} 项未登记", Grave.GENERAL, 1.6),
    (Cat.MANAGEMENT, "未配专职保卫干部，由 {n} 名教师兼任", Grave.GENERAL, 1.1),
    (Cat.MANAGEMENT, "安全培训记录缺 {n} 人次，新入职教职工未培训", Grave.GENERAL, 1.2),
    (Cat.MANAGEMENT, "上次督查发现的问题整改后反弹，{place}复查不合格", Grave.LARGER, 0.9),
)

_LETTERS: Final = {
    Cat.DEFENCE: "SF", Cat.GATE: "XM", Cat.FIRE: "XF", Cat.FOOD: "SP", Cat.BUILDING: "XS", Cat.TRAFFIC: "JT",
    Cat.SURROUNDINGS: "ZB", Cat.WATER: "SY", Cat.LABORATORY: "SS", Cat.DORMITORY: "SH", Cat.MANAGEMENT: "GL",
}  # fmt: skip
_NEEDS: Final = {Cat.LABORATORY: "laboratory", Cat.DORMITORY: "dormitory"}


def _numbered() -> tuple[Item, ...]:
    nth: dict[Cat, int] = {}
    items = []
    for category, text, severity, weight in _ROWS:
        nth[category] = nth.get(category, 0) + 1
        code = f"YS-{_LETTERS[category]}-{nth[category]:02d}"
        items.append(Item(code, category, text, severity, weight, _NEEDS.get(category, "")))
    return tuple(items)


ITEMS: Final = _numbered()

"""The field's vocabulary: stable English values, Chinese labels for people."""

from __future__ import annotations

from enum import StrEnum


class Word(StrEnum):
    """An enum whose value is stored and whose ``label`` is shown.

    Stored values never change; labels may be reworded at any time.
    """

    label: str

    def __new__(cls, value: str, label: str = "") -> Word:
        """Make a member from its stored value and its label."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member


class DistrictLevel(Word):
    CITY = "city", "市"
    COUNTY = "county", "区县"
    TOWNSHIP = "township", "乡镇街道"


class SchoolKind(Word):
    KINDERGARTEN = "kindergarten", "幼儿园"
    PRIMARY = "primary", "小学"
    JUNIOR = "junior", "初中"
    SENIOR = "senior", "高中"
    NINE_YEAR = "nine_year", "九年一贯制"
    TWELVE_YEAR = "twelve_year", "十二年一贯制"
    COMPLETE_SECONDARY = "complete_secondary", "完全中学"
    TEACHING_POINT = "teaching_point", "教学点"
    VOCATIONAL = "vocational", "中职"
    SPECIAL = "special", "特教"
    UNKNOWN = "unknown", "学段未知"


class Ownership(Word):
    PUBLIC = "public", "公办"
    PRIVATE = "private", "民办"
    UNKNOWN = "unknown", "办别未知"


class LegalForm(Word):
    PUBLIC_INSTITUTION = "public_institution", "事业单位"
    NON_PROFIT = "non_profit", "民办非企业单位"
    COMPANY = "company", "企业法人"


class SchoolStatus(Word):
    ACTIVE = "active", "在办"
    SUSPENDED = "suspended", "停办"
    CLOSED = "closed", "撤并"


class GateKind(Word):
    MAIN = "main", "主校门"
    SIDE = "side", "侧门"
    VEHICLE = "vehicle", "车行门"


class RoadClass(Word):
    TRUNK = "trunk", "干线公路"
    PRIMARY = "primary", "主干路"
    SECONDARY = "secondary", "次干路"
    BRANCH = "branch", "支路"
    RURAL = "rural", "乡村道路"
    INTERNAL = "internal", "内部道路"


class AlarmState(Word):
    NONE = "none", "未安装"
    INSTALLED = "installed", "已安装未联网"
    NETWORKED = "networked", "已与公安联网"


class WaterKind(Word):
    RIVER = "river", "河流"
    CANAL = "canal", "渠道"
    LAKE = "lake", "湖泊"
    RESERVOIR = "reservoir", "水库"
    POND = "pond", "坑塘"
    DITCH = "ditch", "沟渠"
    OTHER = "other", "其他水域"


class WaterGrade(Word):
    """Danger grade of a water. Source: a local rule, DOMAIN.md §2 [local]."""

    MAJOR = "major", "Ⅰ级重大"
    LARGER = "larger", "Ⅱ级较大"
    GENERAL = "general", "Ⅲ级一般"


class WaterAccess(Word):
    OPEN = "open", "无围护"
    PARTLY = "partly", "部分围护"
    FENCED = "fenced", "全围护"


class WaterBank(Word):
    STEEP = "steep", "陡岸"
    GENTLE = "gentle", "缓坡"
    REVETMENT = "revetment", "硬质护岸"


class FacilityKind(Word):
    """The six kinds a gate should have, then others seen on roads."""

    SPEED_SIGN = "speed_sign", "限速减速标志"
    SCHOOL_SIGN = "school_sign", "前方学校标志"
    PEDESTRIAN_SIGN = "pedestrian_sign", "注意行人标志"
    ENFORCEMENT = "enforcement", "非现场执法设备"
    CROSSING = "crossing", "行人过街设施"
    NO_PARKING = "no_parking", "禁停标志标线"
    SIGNAL = "signal", "交通信号灯"
    OTHER = "other", "其他设施"


SIX_FACILITY_KINDS: tuple[FacilityKind, ...] = (
    FacilityKind.SPEED_SIGN,
    FacilityKind.SCHOOL_SIGN,
    FacilityKind.PEDESTRIAN_SIGN,
    FacilityKind.ENFORCEMENT,
    FacilityKind.CROSSING,
    FacilityKind.NO_PARKING,
)


class FacilityState(Word):
    OK = "ok", "完好"
    DAMAGED = "damaged", "损坏"
    FADED = "faded", "褪色不清"
    MISSING = "missing", "缺失"
    NOT_APPLICABLE = "not_applicable", "不适用"


class PostKind(Word):
    SCHOOL_GUARD = "school_guard", "护学岗"
    POLICE_STATION = "police_station", "派出所"
    POLICE_BOX = "police_box", "治安岗亭"
    PATROL_POINT = "patrol_point", "巡逻点"
    WATER_WATCH = "water_watch", "水域看护点"


POLICE_POST_KINDS: tuple[PostKind, ...] = (PostKind.POLICE_STATION, PostKind.POLICE_BOX)


class SessionKind(Word):
    ARRIVAL = "arrival", "上学"
    DISMISSAL = "dismissal", "放学"
    EVENT = "event", "重大活动"


class PostRole(Word):
    LEADER = "leader", "带班领导"
    TEACHER = "teacher", "教师"
    GUARD = "guard", "保安员"
    POLICE = "police", "警察"
    VOLUNTEER = "volunteer", "志愿者"


class InspectionLevel(Word):
    CITY = "city", "市级"
    COUNTY = "county", "县级"


class Channel(Word):
    """How an inspection came about. The first four: DOMAIN.md §2 [plan22 §19]."""

    JOINT = "joint", "多部门联合督查"
    SPECIAL = "special", "专项督查"
    THIRD_PARTY = "third_party", "第三方机构抽查"
    CROSS = "cross", "县市区交叉检查"
    ROUTINE = "routine", "日常督查"
    SUPERVISOR = "supervisor", "责任督学"
    LOOK_BACK = "look_back", "回头看"


class NoticeMode(Word):
    UNANNOUNCED = "unannounced", "四不两直"
    ANNOUNCED = "announced", "事先通知"


class HazardSource(Word):
    INSPECTION = "inspection", "督查发现"
    SELF_CHECK = "self_check", "学校自查"
    COMPLAINT = "complaint", "群众投诉"
    POLICE = "police", "公安通报"


class HazardCategory(Word):
    DEFENCE = "defence", "三防建设"
    GATE = "gate", "校门秩序"
    FIRE = "fire", "消防"
    FOOD = "food", "食品"
    BUILDING = "building", "校舍"
    TRAFFIC = "traffic", "校车交通"
    SURROUNDINGS = "surroundings", "周边环境"
    WATER = "water", "水域"
    LABORATORY = "laboratory", "实验室"
    DORMITORY = "dormitory", "宿舍"
    MANAGEMENT = "management", "安全管理"


class Severity(Word):
    MAJOR = "major", "重大隐患"
    LARGER = "larger", "较大隐患"
    GENERAL = "general", "一般隐患"


class HazardStage(Word):
    FOUND = "found", "发现"
    FEEDBACK = "feedback", "反馈"
    RECTIFICATION = "rectification", "整改"
    VERIFICATION = "verification", "查验"
    EVALUATION = "evaluation", "评价"
    CLOSED = "closed", "销号"


class DeadlineClass(Word):
    IMMEDIATE = "immediate", "立行立改"
    TERM = "term", "限期整改"
    LISTED = "listed", "挂牌督办"


class RiskLevel(Word):
    """Colours: red, orange, yellow, blue (DOMAIN.md §5)."""

    MAJOR = "major", "重大"
    LARGER = "larger", "较大"
    GENERAL = "general", "一般"
    LOW = "low", "低"
    UNKNOWN = "unknown", "数据不足"


class InspectionStatus(Word):
    """Where a school stands in this year's inspections, worst first."""

    OVERDUE = "overdue", "有逾期隐患"
    OPEN = "open", "有未销号隐患"
    CLOSED = "closed", "隐患已销号"
    VISITED = "visited", "已督查无隐患"
    NOT_YET = "not_yet", "本年未督查"


class Coverage(Word):
    """Which levels have inspected a school this year."""

    BOTH = "both", "市县两级已督查"
    CITY = "city", "仅市级已督查"
    COUNTY = "county", "仅县级已督查"
    NONE = "none", "本年未督查"


class MeasuredFrom(Word):
    CAMPUS = "campus", "校园边界"
    GATE = "gate", "校门"
    POINT = "point", "学校点位"


class Datum(Word):
    WGS84 = "wgs84", "WGS 84 / CGCS2000"
    GCJ02 = "gcj02", "GCJ-02（高德、腾讯）"
    BD09 = "bd09", "BD-09（百度）"


class DrawForm(Word):
    QUICK = "quick", "简易抽取"
    SEALED = "sealed", "封存抽取"


class DrawStatus(Word):
    """Where a draw stands. A quick draw knows only committed, drawn and void."""

    COMMITTED = "committed", "已承诺未抽取"
    VALUED = "valued", "公开值已定"
    DEPARTED = "departed", "已出发（封存中）"
    DRAWN = "drawn", "已抽取"
    VOID = "void", "已作废"


class PlanStatus(Word):
    DRAFT = "draft", "拟定中"
    SUBMITTED = "submitted", "待批准"
    APPROVED = "approved", "已批准"
    CANCELLED = "cancelled", "已撤销"


class LegalReason(Word):
    """The only reasons for which an active school may be left out of a frame (DRAW.md §6)."""

    EXAM = "exam", "考试期间"
    VACATION = "vacation", "放假停课"
    DISASTER = "disaster", "灾害或疫情停课"
    RELOCATED = "relocated", "整体搬迁、施工停用"
    COMPANY = "company", "企业法人，依法不纳入此类检查"


class MustVisitReason(Word):
    ZERO_REPORT = "zero_report", "零报告单位优先督查"
    LISTED = "listed", "挂牌督办隐患"
    REPORTED = "reported", "举报或突发情况"
    LEADER = "leader", "领导交办"


class InspectorKind(Word):
    EDUCATION = "education", "教育"
    POLICE = "police", "公安"
    HEALTH = "health", "卫生健康"
    MARKET = "market", "市场监管"
    FIRE = "fire", "消防救援"
    SUPERVISOR = "supervisor", "责任督学"
    EXPERT = "expert", "专家"


class TieKind(Word):
    """Why an inspector stays away from a school."""

    DECLARED = "declared", "申报的回避"
    FORMER = "former", "曾任职"


class StopOutcome(Word):
    """What became of a school on a route."""

    VISITED = "visited", "已督查"
    LOST = "lost", "未能督查"


class SealedEventKind(Word):
    REPLACED = "replaced", "替补"
    NO_SHOW = "no_show", "人员未到"


class ValueSource(Word):
    """Where a quick draw's public value comes from (DRAW.md §5)."""

    TYPED = "typed", "录入公开值"
    SYSTEM = "system", "系统随机"


class Role(Word):
    LEADER = "leader", "局领导"
    INSPECTOR = "inspector", "督查员"
    DISTRICT = "district", "区县专干"
    TOWNSHIP = "township", "乡镇街道"
    SCHOOL = "school", "学校"
    POLICE = "police", "警校联动"
    AUDITOR = "auditor", "审计"
    ADMIN = "admin", "管理员"

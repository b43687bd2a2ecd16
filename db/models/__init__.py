"""All tables, one file an aggregate. Importing this package registers them all."""

from db.models.accounts import Account, SignIn, SignInTry
from db.models.audit import AuditEvent
from db.models.city import City, DataVersion, District, RoadSegment, RuleSet
from db.models.draws import ChainEntry, Draw, DrawnSchool
from db.models.imports import ImportProblem, ImportRun
from db.models.inspections import Hazard, Inspection
from db.models.patrol import PatrolPost, PostSession
from db.models.risk import SchoolRisk
from db.models.rounds import Custodian, Departure, RouteMember, RouteStop, SealedEvent, SealedRound
from db.models.sampling import Inspector, InspectorTie, SamplingPlan
from db.models.schools import (
    Complaint,
    DefenceState,
    DrillRecord,
    Gate,
    School,
    SelfCheck,
)
from db.models.surroundings import TrafficFacility, WaterBody

__all__ = [
    "Account",
    "AuditEvent",
    "ChainEntry",
    "City",
    "Complaint",
    "Custodian",
    "DataVersion",
    "DefenceState",
    "Departure",
    "District",
    "Draw",
    "DrawnSchool",
    "DrillRecord",
    "Gate",
    "Hazard",
    "ImportProblem",
    "ImportRun",
    "Inspection",
    "Inspector",
    "InspectorTie",
    "PatrolPost",
    "PostSession",
    "RoadSegment",
    "RouteMember",
    "RouteStop",
    "RuleSet",
    "SamplingPlan",
    "School",
    "SchoolRisk",
    "SealedEvent",
    "SealedRound",
    "SelfCheck",
    "SignIn",
    "SignInTry",
    "TrafficFacility",
    "WaterBody",
]

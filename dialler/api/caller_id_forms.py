"""How pools of caller ids and their numbers look as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from dialler.api.forms import Json, moment
from dialler.domain.caller_id import CallerId, CallerIdPool
from dialler.domain.caller_id_choice import STATES
from dialler.domain.caller_id_rate import CallerIdCounts, added
from dialler.engine.caller_id_outlook import SPANS, NumberOutlook, PoolOutlook


def settings_json(pool: CallerIdPool) -> Json:
    """Return what a supervisor may change of a pool."""
    return {"name": pool.name, **asdict(pool.settings)}


def pool_json(outlook: PoolOutlook, campaigns: Sequence[str]) -> Json:
    """Return a pool, and how it does; `low` are numbers in use that are answered less than it."""
    states = [each.state for each in outlook.numbers]
    return {
        "pool_id": outlook.pool.pool_id,
        **settings_json(outlook.pool),
        "created_at": moment(outlook.pool.created_at),
        "numbers": len(outlook.numbers),
        "states": {state: states.count(state) for state in STATES},
        "campaigns": list(campaigns),
        "day": outlook.today.isoformat(),
        **{name: counts_json(added(each.spans[name] for each in outlook.numbers)) for name in SPANS},
        "low": [each.caller_id.number for each in outlook.low],
        "worst_ratio": outlook.worst_ratio,
    }


def number_json(each: NumberOutlook, pool: CallerIdPool) -> Json:
    """Return a number: what it may be used for, where it stands, and how its calls are answered."""
    use = each.use
    return {
        "number": each.caller_id.number,
        "pool": pool.name,
        "state": each.state,
        **told(each.caller_id),
        "free_at": moment(each.free_at) if each.state != "free" else None,
        "last_at": None if use is None else moment(use.last_at),
        **{name: counts_json(counts) for name, counts in each.spans.items()},
        "z": each.judgement.z,
        "ratio": each.judgement.ratio,
        "is_low": each.judgement.is_low,
    }


def told(caller_id: CallerId) -> Json:
    """Return what a supervisor may change of a number."""
    return {
        "areas": list(caller_id.areas),
        "trunks": list(caller_id.trunks),
        "calls_per_day_max": caller_id.calls_per_day_max,
        "rest_s": caller_id.rest_s,
        "off_reason": caller_id.off_reason,
        "off_until": moment(caller_id.off_until),
    }


def counts_json(counts: CallerIdCounts) -> Mapping[str, object]:
    """Return counts; the rate is of those that somebody may have seen, null where there is none."""
    return {**asdict(counts), "answer_rate": counts.rate}

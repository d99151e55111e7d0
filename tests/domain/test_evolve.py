from dataclasses import FrozenInstanceError, dataclass, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialler.domain.call import Call
from dialler.domain.evolve import evolve, made
from dialler.domain.session import Evidence, SessionStatus
from tests.support.values import a_session

CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(SessionStatus),
        "agent": st.none() | st.text(max_size=5),
        "evidence": st.builds(Evidence, cause=st.none() | st.integers(0, 127)),
    },
)


@given(CHANGES)
def test_an_evolved_value_is_the_replaced_one_and_the_old_one_stays(changes: dict[str, object]) -> None:
    session = a_session()
    before = replace(session)
    assert evolve(session, **changes) == replace(session, **changes)  # type: ignore[arg-type]
    assert session == before


def test_an_evolved_value_is_as_frozen_as_the_first() -> None:
    with pytest.raises(FrozenInstanceError):
        evolve(a_session(), agent="a").agent = "b"  # type: ignore[misc]


def test_a_value_made_of_all_its_fields_is_the_one_that_is_born() -> None:
    session = a_session()
    assert made(type(session), {one.name: getattr(session, one.name) for one in fields(session)}) == session


def test_a_name_that_is_no_field_is_refused() -> None:
    with pytest.raises(TypeError, match="Call has no field agnet"):
        evolve(Call(call_id="c"), agnet="a")


@dataclass(frozen=True, slots=True)
class Slotted:
    field: int


@dataclass(frozen=True)
class PartlySlotted(Slotted):
    other: int = 0


@dataclass(frozen=True)
class Checked:
    field: int

    def __post_init__(self) -> None:
        assert self.field > 0


@pytest.mark.parametrize("value", [Slotted(1), PartlySlotted(1), Checked(1)])
def test_a_class_whose_copy_would_lack_fields_or_checks_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="slots"):
        evolve(value, field=2)

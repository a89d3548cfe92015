"""The AWS cron dialect: what is accepted, when it fires, how it reads."""

import calendar
import dataclasses
import itertools
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sfnflow.schedule import Cron, Pick, ScheduleError, in_words, next_fires, parse

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
ALL_DATES = Pick("dates", tuple(range(1, 32)))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def refusal(expression: str) -> str:
    with pytest.raises(ScheduleError) as caught:
        parse(expression)
    return str(caught.value)


# --- reading -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0", (0,)),
        ("07", (7,)),
        ("*", tuple(range(60))),
        ("*/15", (0, 15, 30, 45)),
        ("0/15", (0, 15, 30, 45)),
        ("5/15", (5, 20, 35, 50)),
        ("59/15", (59,)),
        ("0/90", (0,)),
        ("5-30/5", (5, 10, 15, 20, 25, 30)),
        ("10-10", (10,)),
        ("58-2", (0, 1, 2, 58, 59)),
        ("50-10/10", (0, 10, 50)),
        ("30,0,30", (0, 30)),
        ("0-3,20/20,59", (0, 1, 2, 3, 20, 40, 59)),
    ],
)
def test_values_lists_ranges_and_steps(text: str, numbers: tuple[int, ...]) -> None:
    assert parse(f"{text} 0 * * ? *").minutes == numbers


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("*", ALL_DATES),
        ("1,15", Pick("dates", (1, 15))),
        ("1/10", Pick("dates", (1, 11, 21, 31))),
        ("L", Pick("last_day", (0,))),
        ("L-3", Pick("last_day", (3,))),
        ("L-30", Pick("last_day", (30,))),
        ("15W", Pick("near", (15,))),
        ("LW", Pick("last_near")),
        ("lw", Pick("last_near")),
    ],
)
def test_day_of_month(text: str, day: Pick) -> None:
    assert parse(f"0 0 {text} * ? *").day == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("*", Pick("weekdays", (1, 2, 3, 4, 5, 6, 7))),
        ("1", Pick("weekdays", (1,))),
        ("SUN", Pick("weekdays", (1,))),
        ("mon-fri", Pick("weekdays", (2, 3, 4, 5, 6))),
        ("2-6", Pick("weekdays", (2, 3, 4, 5, 6))),
        ("MON,4,SAT", Pick("weekdays", (2, 4, 7))),
        ("SAT-MON", Pick("weekdays", (1, 2, 7))),
        ("2/2", Pick("weekdays", (2, 4, 6))),
        ("L", Pick("weekdays", (7,))),
        ("6L", Pick("last_weekday", (6,))),
        ("FRIL", Pick("last_weekday", (6,))),
        ("3#2", Pick("nth", (3, 2))),
        ("TUE#2", Pick("nth", (3, 2))),
        ("wed#5", Pick("nth", (4, 5))),
    ],
)
def test_day_of_week(text: str, day: Pick) -> None:
    assert parse(f"0 0 ? * {text} *").day == day


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("JAN,feb,12", (1, 2, 12)),
        ("JUN-8", (6, 7, 8)),
        ("NOV-FEB", (1, 2, 11, 12)),
        ("1/3", (1, 4, 7, 10)),
    ],
)
def test_months(text: str, months: tuple[int, ...]) -> None:
    assert parse(f"0 0 1 {text} ? *").months == months


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("1970", (1970,)),
        ("2199", (2199,)),
        ("2024-2026", (2024, 2025, 2026)),
        ("2190/5", (2190, 2195)),
        ("*", tuple(range(1970, 2200))),
    ],
)
def test_years(text: str, years: tuple[int, ...]) -> None:
    assert parse(f"0 0 1 1 ? {text}").years == years


@pytest.mark.parametrize(
    "written",
    ["0 9 ? * mon *", "cron(0 9 ? * MON *)", "  cron( 0  9 ?\t* MON * ) ", "0 9 ? * MON *\n"],
)
def test_the_expression_is_kept_bare_and_in_capitals(written: str) -> None:
    assert parse(written).expression == "0 9 ? * MON *"
    assert parse(written) == parse("0 9 ? * MON *")


def test_a_cron_is_frozen_and_hashable() -> None:
    cron = parse("0 * * * ? *")
    with pytest.raises(dataclasses.FrozenInstanceError):
        cron.expression = "x"  # type: ignore[misc]
    assert len({cron, parse("cron(0 * * * ? *)")}) == 1


# --- refusing ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "field", "given", "allowed"),
    [
        ("60 * * * ? *", "minutes", "60", "0-59"),
        ("-1 * * * ? *", "minutes", "-1", "0-59"),
        ("? * * * ? *", "minutes", "?", "0-59"),
        ("*/0 * * * ? *", "minutes", "*/0", "0-59"),
        ("/5 * * * ? *", "minutes", "/5", "0-59"),
        ("5/ * * * ? *", "minutes", "5/", "0-59"),
        ("1,,2 * * * ? *", "minutes", "1,,2", "0-59"),
        ("1-2-3 * * * ? *", "minutes", "1-2-3", "0-59"),
        ("*-5 * * * ? *", "minutes", "*-5", "0-59"),
        ("1.5 * * * ? *", "minutes", "1.5", "0-59"),
        ("٣ * * * ? *", "minutes", "٣", "0-59"),
        ("99999 * * * ? *", "minutes", "99999", "0-59"),
        ("L * * * ? *", "minutes", "L", "0-59"),
        ("0 24 * * ? *", "hours", "24", "0-23"),
        ("0 9-24 * * ? *", "hours", "9-24", "0-23"),
        ("0 0 0 * ? *", "day-of-month", "0", "1-31"),
        ("0 0 32 * ? *", "day-of-month", "32", "1-31"),
        ("0 0 32W * ? *", "day-of-month", "32W", "1-31"),
        ("0 0 W * ? *", "day-of-month", "W", "1-31"),
        ("0 0 ٣W * ? *", "day-of-month", "٣W", "1-31"),
        ("0 0 1-5W * ? *", "day-of-month", "1-5W", "1-31"),
        ("0 0 1,15W * ? *", "day-of-month", "1,15W", "1-31"),
        ("0 0 1,L * ? *", "day-of-month", "1,L", "1-31"),
        ("0 0 L-31 * ? *", "day-of-month", "L-31", "1-31"),
        ("0 0 L-0 * ? *", "day-of-month", "L-0", "1-31"),
        ("0 0 6L * ? *", "day-of-month", "6L", "1-31"),
        ("0 0 3#2 * ? *", "day-of-month", "3#2", "1-31"),
        ("0 0 1,? * ? *", "day-of-month", "1,?", "1-31"),
        ("0 0 1 13 ? *", "month", "13", "JAN-DEC"),
        ("0 0 1 0 ? *", "month", "0", "JAN-DEC"),
        ("0 0 1 JANUARY ? *", "month", "JANUARY", "JAN-DEC"),
        ("0 0 1 ? ? *", "month", "?", "JAN-DEC"),
        ("0 0 ? * 0 *", "day-of-week", "0", "1-7"),
        ("0 0 ? * 8 *", "day-of-week", "8", "SUN-SAT"),
        ("0 0 ? * 8L *", "day-of-week", "8L", "SUN-SAT"),
        ("0 0 ? * MONDAY *", "day-of-week", "MONDAY", "SUN-SAT"),
        ("0 0 ? * 3#6 *", "day-of-week", "3#6", "3#2"),
        ("0 0 ? * 3#0 *", "day-of-week", "3#0", "3#2"),
        ("0 0 ? * 3# *", "day-of-week", "3#", "3#2"),
        ("0 0 ? * #2 *", "day-of-week", "#2", "3#2"),
        ("0 0 ? * 3#1,6#3 *", "day-of-week", "3#1,6#3", "3#2 alone"),
        ("0 0 ? * MON,FRIL *", "day-of-week", "MON,FRIL", "FRIL 3#2 alone"),
        ("0 0 ? * 15W *", "day-of-week", "15W", "1-7"),
        ("0 0 1 1 ? 1969", "year", "1969", "1970-2199"),
        ("0 0 1 1 ? 2200", "year", "2200", "1970-2199"),
        ("0 0 1 1 ? 2026-2024", "year", "2026-2024", "1970-2199"),
        ("0 0 1 1 ? ?", "year", "?", "1970-2199"),
    ],
)
def test_a_bad_field_is_named_with_what_it_may_hold(
    expression: str, field: str, given: str, allowed: str
) -> None:
    line = next(line for line in refusal(expression).splitlines() if line.startswith(f"  {field}:"))
    assert repr(given) in line
    assert allowed in line.partition("allowed:")[2]


def test_every_bad_field_is_reported_at_once() -> None:
    message = refusal("60 24 32 13 8 2200")
    for field in ("minutes", "hours", "day-of-month", "month", "day-of-week", "year"):
        assert f"\n  {field}:" in message
    assert "exactly one" in message
    assert "https://docs.aws.amazon.com/" in message


@pytest.mark.parametrize(
    ("expression", "field"),
    [
        ("0 9 * * * *", "day-of-week"),
        ("0 9 15 * * *", "day-of-week"),
        ("0 9 * * MON *", "day-of-month"),
    ],
)
def test_without_a_question_mark_its_place_is_named(expression: str, field: str) -> None:
    message = refusal(expression)
    assert "exactly one" in message
    assert f"write '?' for {field}" in message


@pytest.mark.parametrize("expression", ["0 9 15 * MON *", "0 9 ? * ? *"])
def test_no_place_is_named_when_the_intent_is_unclear(expression: str) -> None:
    message = refusal(expression)
    assert "exactly one" in message
    assert "write" not in message


@pytest.mark.parametrize(
    ("unix", "aws"),
    [
        ("*/5 * * * *", "0/5 * * * ? *"),
        ("0 * * * *", "0 * * * ? *"),
        ("0 */6 * * *", "0 0/6 * * ? *"),
        ("0 9 */2 * *", "0 9 1/2 * ? *"),
        ("0 0 1 */3 *", "0 0 1 1/3 ? *"),
        ("0 0 1,15 jan *", "0 0 1,15 JAN ? *"),
        ("30 9 * * 1-5", "30 9 ? * MON-FRI *"),
        ("30 9 * * mon-fri", "30 9 ? * MON-FRI *"),
        ("0 2 * * 0", "0 2 ? * SUN *"),
        ("0 2 * * 7", "0 2 ? * SUN *"),
        ("0 2 * * 5-7", "0 2 ? * SUN,FRI,SAT *"),
        ("0 2 * * 0,6", "0 2 ? * SUN,SAT *"),
        ("0 2 * * */2", "0 2 ? * SUN,TUE,THU,SAT *"),
        ("0 2 * * 1-5/2", "0 2 ? * MON,WED,FRI *"),
        ("cron(0 2 * * *)", "0 2 * * ? *"),
        ("0 9 ? * 2-6", "0 9 ? * 2-6 *"),
        ("0 9 * * ?", "0 9 * * ? *"),
    ],
)
def test_five_fields_are_translated(unix: str, aws: str) -> None:
    message = refusal(unix)
    assert "six fields" in message
    assert f"write {aws!r}" in message
    assert parse(aws).expression == aws


@pytest.mark.parametrize("unix", ["0 9 * * 8", "61 * * * *", "0 9 * * FRI#2", "a b c d e"])
def test_nonsense_in_five_fields_is_not_translated(unix: str) -> None:
    message = refusal(unix)
    assert "six fields" in message
    assert "write" not in message


def test_unix_either_day_semantics_are_not_translated() -> None:
    message = refusal("0 9 1 * 1")
    assert "two AWS schedules" in message
    assert "write" not in message


@pytest.mark.parametrize(
    ("expression", "count"),
    [("", 0), ("cron()", 0), ("@daily", 1), ("rate(5 minutes)", 2), ("0 0 12 * * ? *", 7)],
)
def test_any_other_number_of_fields(expression: str, count: int) -> None:
    assert f"{expression!r} has {count}" in refusal(expression)


def test_a_schedule_error_is_a_value_error() -> None:
    assert issubclass(ScheduleError, ValueError)


# --- firing --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 * * * ? *", [utc(2024, 1, 1, 1), utc(2024, 1, 1, 2), utc(2024, 1, 1, 3)]),
        ("0 0 * * ? *", [utc(2024, 1, 2), utc(2024, 1, 3), utc(2024, 1, 4)]),
        ("0 0 ? * SUN *", [utc(2024, 1, 7), utc(2024, 1, 14), utc(2024, 1, 21)]),
        ("0 0 L * ? *", [utc(2024, 1, 31), utc(2024, 2, 29), utc(2024, 3, 31)]),
        ("0 0 L-2 * ? *", [utc(2024, 1, 29), utc(2024, 2, 27), utc(2024, 3, 29)]),
        ("0 0 L-29 2,4 ? *", [utc(2024, 4, 1), utc(2025, 4, 1), utc(2026, 4, 1)]),
        ("0 0 31 * ? *", [utc(2024, 1, 31), utc(2024, 3, 31), utc(2024, 5, 31)]),
        ("0 0 29 2 ? *", [utc(2024, 2, 29), utc(2028, 2, 29), utc(2032, 2, 29)]),
        ("0 0 LW * ? 2026", [utc(2026, 1, 30), utc(2026, 2, 27), utc(2026, 3, 31)]),
        ("0 0 1W * ? 2026", [utc(2026, 1, 1), utc(2026, 2, 2), utc(2026, 3, 2)]),
        ("0 0 1W 6,8 ? 2024", [utc(2024, 6, 3), utc(2024, 8, 1)]),
        ("0 0 15W 6,9 ? 2024", [utc(2024, 6, 14), utc(2024, 9, 16)]),
        ("0 0 31W 1-5 ? 2026", [utc(2026, 1, 30), utc(2026, 3, 31), utc(2026, 5, 29)]),
        ("0 0 ? * 3#2 *", [utc(2024, 1, 9), utc(2024, 2, 13), utc(2024, 3, 12)]),
        ("0 0 ? * MON#5 *", [utc(2024, 1, 29), utc(2024, 4, 29), utc(2024, 7, 29)]),
        ("0 0 ? * 6L *", [utc(2024, 1, 26), utc(2024, 2, 23), utc(2024, 3, 29)]),
        ("0 0 ? * L *", [utc(2024, 1, 6), utc(2024, 1, 13), utc(2024, 1, 20)]),
        ("0 0 1 1 ? 2198-2199", [utc(2198, 1, 1), utc(2199, 1, 1)]),
        ("0 0 1 1 ? 2098/1", [utc(2098, 1, 1), utc(2099, 1, 1), utc(2100, 1, 1)]),
        ("59 23 31 12 ? 2199", [utc(2199, 12, 31, 23, 59)]),
    ],
)
def test_fires(expression: str, expected: list[datetime]) -> None:
    assert next_fires(parse(expression), EPOCH, 3) == expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (utc(2024, 5, 5, 9, 59, 59, 999999), utc(2024, 5, 5, 10)),
        (utc(2024, 5, 5, 10), utc(2024, 5, 5, 11)),
        (utc(2024, 5, 5, 10, 0, 30), utc(2024, 5, 5, 11)),
        (utc(2024, 12, 31, 23, 0), utc(2025, 1, 1)),
        (utc(2024, 12, 31, 23, 59, 59), utc(2025, 1, 1)),
        (datetime(2024, 5, 5, 12, tzinfo=ZoneInfo("Europe/Oslo")), utc(2024, 5, 5, 11)),
    ],
)
def test_strictly_after(after: datetime, expected: datetime) -> None:
    assert next_fires(parse("0 * * * ? *"), after, 1) == [expected]


def test_a_year_that_begins_with_a_fire() -> None:
    fires = next_fires(parse("0 0 1 1 ? 2024-2025"), utc(2000, 1, 1), 5)
    assert fires == [utc(2024, 1, 1), utc(2025, 1, 1)]


@pytest.mark.parametrize(
    ("expression", "after"),
    [
        ("0 0 * * ? 2023", EPOCH),
        ("0 0 * * ? *", utc(2199, 12, 31)),
        ("0 0 * * ? *", utc(5000, 1, 1)),
        ("0 0 30 2 ? *", EPOCH),
        ("* * 31W 2,4,6,9,11 ? *", EPOCH),
        ("* * L-30 2,4 ? *", EPOCH),
        ("0 0 ? 2 MON#5 2025-2027", EPOCH),
    ],
)
def test_a_schedule_that_never_fires_again(expression: str, after: datetime) -> None:
    assert next_fires(parse(expression), after, 3) == []


def test_count_is_an_upper_bound() -> None:
    cron = parse("0 0 1 * ? 2024")
    assert next_fires(cron, EPOCH, 0) == []
    assert len(next_fires(cron, EPOCH, 100)) == 11
    with pytest.raises(ValueError, match="islice"):
        next_fires(cron, EPOCH, -1)


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(ValueError, match="timezone-aware"):
        next_fires(parse("0 * * * ? *"), datetime(2024, 1, 1), 1)


@pytest.mark.parametrize("tz", ["Mars/Olympus", "../etc/passwd", "", "America", "/etc/localtime"])
def test_an_unknown_timezone_is_refused(tz: str) -> None:
    with pytest.raises(ScheduleError, match="IANA"):
        next_fires(parse("0 * * * ? *"), EPOCH, 1, tz)


def test_results_carry_the_zone_asked_for() -> None:
    cron = parse("30 9 ? * MON-FRI *")
    assert next_fires(cron, EPOCH, 1)[0].tzinfo is UTC
    zone = ZoneInfo("America/Los_Angeles")
    (fire,) = next_fires(cron, EPOCH, 1, "America/Los_Angeles")
    assert (fire.tzinfo, fire.isoformat()) == (zone, "2024-01-01T09:30:00-08:00")


NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("expression", "tz", "after", "expected"),
    [
        # 02:30 does not exist on 2024-03-10, and the offset moves from -5 to -4.
        (
            "30 2 * * ? *",
            "America/New_York",
            utc(2024, 3, 8, 12),
            [utc(2024, 3, 9, 7, 30), utc(2024, 3, 11, 6, 30), utc(2024, 3, 12, 6, 30)],
        ),
        (
            "30 * * * ? *",
            "America/New_York",
            utc(2024, 3, 10, 6),
            [utc(2024, 3, 10, 6, 30), utc(2024, 3, 10, 7, 30), utc(2024, 3, 10, 8, 30)],
        ),
        # 01:30 happens twice on 2024-11-03; it runs at the first.
        (
            "30 1 * * ? *",
            "America/New_York",
            utc(2024, 11, 2, 12),
            [utc(2024, 11, 3, 5, 30), utc(2024, 11, 4, 6, 30), utc(2024, 11, 5, 6, 30)],
        ),
        (
            "30 1 * * ? *",
            "America/New_York",
            datetime(2024, 11, 3, 1, 15, tzinfo=NEW_YORK, fold=1),
            [utc(2024, 11, 4, 6, 30), utc(2024, 11, 5, 6, 30), utc(2024, 11, 6, 6, 30)],
        ),
        (
            "0/30 * * * ? *",
            "America/New_York",
            datetime(2024, 11, 3, 1, 0, tzinfo=NEW_YORK, fold=1),
            [utc(2024, 11, 3, 7), utc(2024, 11, 3, 7, 30), utc(2024, 11, 3, 8)],
        ),
        # Lord Howe shifts by half an hour; Sao Paulo skipped a midnight in 2018.
        (
            "15 2 * * ? *",
            "Australia/Lord_Howe",
            utc(2024, 10, 4, 16),
            [utc(2024, 10, 6, 15, 15), utc(2024, 10, 7, 15, 15), utc(2024, 10, 8, 15, 15)],
        ),
        (
            "0 0 * * ? *",
            "America/Sao_Paulo",
            utc(2018, 11, 2, 12),
            [utc(2018, 11, 3, 3), utc(2018, 11, 5, 2), utc(2018, 11, 6, 2)],
        ),
        # New Year in Kiritimati is New Year's Eve in UTC.
        ("0 0 1 1 ? 2025", "Pacific/Kiritimati", EPOCH, [utc(2024, 12, 31, 10)]),
        ("0 0 1 1 ? 2024", "Pacific/Honolulu", EPOCH, [utc(2024, 1, 1, 10)]),
    ],
)
def test_clock_changes(expression: str, tz: str, after: datetime, expected: list[datetime]) -> None:
    fires = next_fires(parse(expression), after, 3, tz)
    assert [fire.astimezone(UTC) for fire in fires] == expected


# --- against brute force -------------------------------------------------------------------

Matcher = Callable[[datetime], bool]

MINUTES: list[tuple[str, Matcher]] = [
    ("0", lambda t: t.minute == 0),
    ("0/15", lambda t: t.minute % 15 == 0),
    ("7/20", lambda t: t.minute in (7, 27, 47)),
    ("5-30/5", lambda t: 5 <= t.minute <= 30 and t.minute % 5 == 0),
    ("55-4", lambda t: t.minute >= 55 or t.minute <= 4),
    ("1,2,58", lambda t: t.minute in (1, 2, 58)),
    ("*", lambda t: True),
]
HOURS: list[tuple[str, Matcher]] = [
    ("*", lambda t: True),
    ("0", lambda t: t.hour == 0),
    ("23", lambda t: t.hour == 23),
    ("8-17", lambda t: 8 <= t.hour <= 17),
    ("22-2", lambda t: t.hour >= 22 or t.hour <= 2),
    ("1/5", lambda t: t.hour % 5 == 1),
]
MONTHS: list[tuple[str, Matcher]] = [
    ("*", lambda t: True),
    ("FEB", lambda t: t.month == 2),
    ("2/2", lambda t: t.month % 2 == 0),
    ("12-3", lambda t: t.month in (12, 1, 2, 3)),
]


def month_days(when: date) -> list[date]:
    last = calendar.monthrange(when.year, when.month)[1]
    return [when.replace(day=day) for day in range(1, last + 1)]


def nearest(when: date, target: int) -> bool:
    days = month_days(when)
    working = [day.day for day in days if day.isoweekday() <= 5]
    return target <= len(days) and when.day == min(working, key=lambda day: abs(day - target))


def same_weekday(when: date) -> list[int]:
    return [day.day for day in month_days(when) if day.isoweekday() == when.isoweekday()]


DAYS: list[tuple[str, str, Callable[[date], bool]]] = [
    ("*", "?", lambda d: True),
    ("?", "*", lambda d: True),
    ("1", "?", lambda d: d.day == 1),
    ("31", "?", lambda d: d.day == 31),
    ("29-31", "?", lambda d: d.day >= 29),
    ("1/7", "?", lambda d: d.day % 7 == 1),
    ("28-2", "?", lambda d: d.day >= 28 or d.day <= 2),
    ("L", "?", lambda d: d.day == len(month_days(d))),
    ("L-1", "?", lambda d: d.day == len(month_days(d)) - 1),
    ("L-29", "?", lambda d: d.day == len(month_days(d)) - 29),
    ("1W", "?", lambda d: nearest(d, 1)),
    ("2W", "?", lambda d: nearest(d, 2)),
    ("15W", "?", lambda d: nearest(d, 15)),
    ("29W", "?", lambda d: nearest(d, 29)),
    ("31W", "?", lambda d: nearest(d, 31)),
    ("LW", "?", lambda d: nearest(d, len(month_days(d)))),
    ("?", "SUN", lambda d: d.isoweekday() == 7),
    ("?", "2-6", lambda d: d.isoweekday() <= 5),
    ("?", "FRI-MON", lambda d: d.isoweekday() in (5, 6, 7, 1)),
    ("?", "1/3", lambda d: d.isoweekday() in (7, 3, 6)),
    ("?", "L", lambda d: d.isoweekday() == 6),
    ("?", "1L", lambda d: d.isoweekday() == 7 and d.day == same_weekday(d)[-1]),
    ("?", "FRIL", lambda d: d.isoweekday() == 5 and d.day == same_weekday(d)[-1]),
    ("?", "7#1", lambda d: d.isoweekday() == 6 and d.day == same_weekday(d)[0]),
    ("?", "1#2", lambda d: d.isoweekday() == 7 and d.day == same_weekday(d)[1]),
    ("?", "MON#5", lambda d: d.isoweekday() == 1 and same_weekday(d)[4:] == [d.day]),
]


@pytest.mark.parametrize(("dates", "weekdays", "matches"), DAYS)
def test_days_against_a_calendar(
    dates: str, weekdays: str, matches: Callable[[date], bool]
) -> None:
    start, days = date(2023, 12, 31), 12 * 366
    expected = [day for n in range(1, days) if matches(day := start + timedelta(days=n))]
    cron = parse(f"0 12 {dates} * {weekdays} *")
    fires = next_fires(cron, datetime(2023, 12, 31, 13, tzinfo=UTC), len(expected))
    assert [fire.date() for fire in fires] == expected


def sampled_schedules() -> list[tuple[str, Matcher]]:
    parts = list(itertools.product(MINUTES, HOURS, DAYS, MONTHS))
    schedules: list[tuple[str, Matcher]] = []
    for (m, on_m), (h, on_h), (dates, weekdays, on_day), (month, on_month) in random.Random(
        20240229
    ).sample(parts, 50):

        def matches(
            t: datetime,
            on: tuple[Matcher, ...] = (on_m, on_h, on_month),
            on_day: Callable[[date], bool] = on_day,
        ) -> bool:
            return all(test(t) for test in on) and on_day(t.date())

        schedules.append((f"{m} {h} {dates} {month} {weekdays} *", matches))
    return schedules


def every_minute(start: datetime, days: int) -> list[datetime]:
    return [start + timedelta(minutes=n) for n in range(1, days * 1440)]


LEAP_WINDOW = every_minute(utc(2024, 1, 28, 22, 17), 34)


@pytest.mark.parametrize(("expression", "matches"), sampled_schedules())
def test_against_every_minute(expression: str, matches: Matcher) -> None:
    expected = [minute for minute in LEAP_WINDOW if matches(minute)]
    fires = next_fires(parse(expression), utc(2024, 1, 28, 22, 17), len(expected) + 1)
    assert fires[: len(expected)] == expected
    assert all(fire > LEAP_WINDOW[-1] for fire in fires[len(expected) :])


@pytest.mark.parametrize("start", [utc(2024, 3, 9, 3, 31), utc(2024, 11, 2, 3, 31)])
@pytest.mark.parametrize(("minutes", "on_minute"), MINUTES)
@pytest.mark.parametrize(("hours", "on_hour"), HOURS)
def test_against_every_minute_of_a_clock_change(
    start: datetime, minutes: str, on_minute: Matcher, hours: str, on_hour: Matcher
) -> None:
    local = [minute.astimezone(NEW_YORK) for minute in every_minute(start, 3)]
    expected = [m for m in local if m.fold == 0 and on_minute(m) and on_hour(m)]
    cron = parse(f"{minutes} {hours} * * ? *")
    fires = next_fires(cron, start, len(expected), "America/New_York")
    assert [fire.astimezone(UTC) for fire in fires] == [m.astimezone(UTC) for m in expected]


# --- words ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 * * * ? *", "every hour at :00"),
        ("5 * ? * * *", "every hour at :05"),
        ("* * * * ? *", "every minute"),
        ("0/15 * * * ? *", "every 15 minutes"),
        ("*/15 * * * ? *", "every 15 minutes"),
        ("0,30 * * * ? *", "every 30 minutes"),
        ("5/20 * * * ? *", "every 20 minutes from :05"),
        ("0 0 * * ? *", "every day at 00:00 UTC"),
        ("0 0 ? * SUN-SAT *", "every day at 00:00 UTC"),
        ("0 9,17 * * ? *", "every day at 09:00 and 17:00 UTC"),
        ("0/30 9 * * ? *", "every day at 09:00 and 09:30 UTC"),
        ("0 0/2 * * ? *", "every 2 hours from 00:00 UTC"),
        ("30 1/3 * * ? *", "every 3 hours from 01:30 UTC"),
        ("0 0 ? * SUN *", "every Sunday at 00:00 UTC"),
        ("0 0 ? * 2,4,6 *", "every Monday, Wednesday and Friday at 00:00 UTC"),
        ("30 9 ? * MON-FRI *", "weekdays at 09:30 UTC"),
        ("0 8 1 * ? *", "day 1 of every month at 08:00 UTC"),
        ("0 8 1,15 * ? *", "days 1 and 15 of every month at 08:00 UTC"),
        ("0 8 L * ? *", "the last day of every month at 08:00 UTC"),
        ("0 8 LW * ? *", "the last weekday of every month at 08:00 UTC"),
        ("0 8 ? * FRIL *", "the last Friday of every month at 08:00 UTC"),
        ("0 8 ? * 3#2 *", "the second Tuesday of every month at 08:00 UTC"),
    ],
)
def test_words(expression: str, words: str) -> None:
    assert in_words(parse(expression)) == words
    assert in_words(parse(expression), "UTC") == words


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("30 9 ? * MON-FRI *", "weekdays at 09:30 America/Los_Angeles"),
        ("0 * * * ? *", "every hour at :00 America/Los_Angeles"),
        ("0/15 * * * ? *", "every 15 minutes"),
        ("0 0 1 1 ? 2026", "cron(0 0 1 1 ? 2026) America/Los_Angeles"),
    ],
)
def test_words_in_a_zone(expression: str, words: str) -> None:
    assert in_words(parse(expression), "America/Los_Angeles") == words


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 * * ? 2026",
        "0 0 * JAN ? *",
        "0 0 15W * ? *",
        "0 0 L-3 * ? *",
        "0 0 1-20 * ? *",
        "0 * ? * MON-FRI *",
        "0/45 * * * ? *",
        "0/10 8-17 ? * MON-FRI *",
        "0 0/5 * * ? *",
        "1,2 * * * ? *",
    ],
)
def test_a_rare_shape_is_quoted_not_approximated(expression: str) -> None:
    assert in_words(parse(expression)) == f"cron({expression}) UTC"


def test_words_of_metaflows_own_shorthands() -> None:
    crons: list[Cron] = [parse(x) for x in ("0 * * * ? *", "0 0 * * ? *", "0 0 ? * SUN *")]
    assert [in_words(cron) for cron in crons] == [
        "every hour at :00",
        "every day at 00:00 UTC",
        "every Sunday at 00:00 UTC",
    ]

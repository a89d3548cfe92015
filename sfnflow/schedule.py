"""The cron dialect of Amazon EventBridge: read it, list its next fires, say it in words.

Grammar: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
That page does not spell out `FRIL`, `LW`, `L-3`, steps of weekdays or ranges that wrap (`SAT-MON`);
they are read as Quartz reads them:
https://www.quartz-scheduler.org/documentation/quartz-2.3.0/tutorials/crontrigger.html
"""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from typing import Literal
from zoneinfo import ZoneInfo

_DOCS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html"
_DAY_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_WEEKDAYS = tuple(name[:3].upper() for name in _DAY_NAMES)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

Kind = Literal[
    "any", "values", "dates", "weekdays", "last_day", "near", "last_near", "last_weekday", "nth"
]


class ScheduleError(ValueError):
    """A schedule that AWS would refuse; the message says what is wrong and what to write."""


@dataclass(frozen=True)
class Pick:
    """What one field picks: `numbers` in AWS numbering (Sunday is 1), meaning as `kind` says.

    `last_day` (days before the last), `near` (`15W`), `last_near` (`LW`, no number),
    `last_weekday` (`6L`) and `nth` (weekday, which) only occur in the day fields.
    """

    kind: Kind
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Cron:
    """One schedule, as `parse` makes it. `day` is the day field that is not `?`."""

    expression: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    day: Pick
    months: tuple[int, ...]
    years: tuple[int, ...]


@dataclass(frozen=True)
class _Rule:
    name: str
    low: int
    high: int
    allowed: str
    kind: Kind = "values"
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        if text in self.names:
            return self.low + self.names.index(text)
        if re.fullmatch(r"\d{1,4}", text, re.ASCII) and self.low <= int(text) <= self.high:
            return int(text)
        raise ScheduleError(f"{text!r} is not a value of this field")


_YEAR = _Rule("year", 1970, 2199, "1970-2199 with , - * /")
_DATE_TEXT = "1-31 with , - * /, or one of ? L L-3 LW 15W alone"
_DATE = _Rule("day-of-month", 1, 31, _DATE_TEXT, "dates")
_WEEKDAY_TEXT = "1-7 (1 is Sunday) or SUN-SAT with , - * /, or one of ? L FRIL 3#2 alone"
_WEEKDAY = _Rule("day-of-week", 1, 7, _WEEKDAY_TEXT, "weekdays", _WEEKDAYS)
_RULES = (
    _Rule("minutes", 0, 59, "0-59 with , - * /"),
    _Rule("hours", 0, 23, "0-23 with , - * /"),
    _DATE,
    _Rule("month", 1, 12, "1-12 or JAN-DEC with , - * /", names=_MONTHS),
    _WEEKDAY,
    _YEAR,
)
_UNIX_WEEKDAY = _Rule("day-of-week", 0, 7, "0-7 or SUN-SAT", "weekdays", _WEEKDAYS)
_ALL_WEEK, _WORK_WEEK = (1, 2, 3, 4, 5, 6, 7), (2, 3, 4, 5, 6)
_PART = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d{1,4}))?", re.ASCII)


def parse(expression: str) -> Cron:
    """Read an AWS cron expression, with or without `cron(...)` around it, in any letter case.

    Raises ScheduleError naming every wrong field at once, what it held and what it may hold;
    a five-field (unix) expression gets its AWS translation where there is one.
    """
    inner = re.fullmatch(r"cron\((.*)\)", expression.strip(), re.DOTALL)
    texts = (inner[1] if inner else expression).upper().split()
    if len(texts) != len(_RULES):
        raise ScheduleError(_count_problem(expression, texts))
    picks: list[Pick] = []
    problems: list[str] = []
    for rule, text in zip(_RULES, texts, strict=True):
        try:
            picks.append(_read(rule, text))
        except ScheduleError as why:
            problems.append(f"{rule.name}: {text!r} is refused ({why}); allowed: {rule.allowed}")
    problems += _day_problems(texts)
    if problems:
        listed = "".join(f"\n  {problem}" for problem in problems)
        raise ScheduleError(f"{expression!r} is not an AWS cron expression:{listed}\nSee {_DOCS}")
    minutes, hours, date, months, weekday, years = picks
    day = weekday if date.kind == "any" else date
    return Cron(" ".join(texts), minutes.numbers, hours.numbers, day, months.numbers, years.numbers)


def _read(rule: _Rule, text: str) -> Pick:
    if rule.kind != "values" and text == "?":
        return Pick("any")
    if rule is _DATE and re.fullmatch(r"L|L-\d+|\w+W", text, re.ASCII):
        return _read_special_date(text)
    if rule is _WEEKDAY and re.fullmatch(r"\w*L|\w+#\w+", text, re.ASCII):
        return _read_special_weekday(text)
    return Pick(rule.kind, _values(rule, text))


def _read_special_date(text: str) -> Pick:
    if text == "LW":
        return Pick("last_near")
    if text.endswith("W"):
        return Pick("near", (_DATE.number(text[:-1]),))
    back = 0 if text == "L" else _DATE.number(text[2:])
    if back > 30:
        raise ScheduleError("no month has a day that far before its last")
    return Pick("last_day", (back,))


def _read_special_weekday(text: str) -> Pick:
    if text == "L":
        return Pick("weekdays", (7,))
    if text.endswith("L"):
        return Pick("last_weekday", (_WEEKDAY.number(text[:-1]),))
    weekday, _, nth = text.partition("#")
    if nth not in ("1", "2", "3", "4", "5"):
        raise ScheduleError("after # comes 1 to 5, which week of the month")
    return Pick("nth", (_WEEKDAY.number(weekday), int(nth)))


def _values(rule: _Rule, text: str) -> tuple[int, ...]:
    return tuple(sorted({n for part in text.split(",") for n in _part_values(rule, part)}))


def _part_values(rule: _Rule, part: str) -> list[int]:
    match = _PART.fullmatch(part)
    if match is None or (match[1] == "*" and match[2]):
        raise ScheduleError(f"{part!r} is not a value, a range or a step")
    first, last, step = match.groups()
    if step is not None and int(step) == 0:
        raise ScheduleError("a step is 1 or more")
    low = rule.low if first == "*" else rule.number(first)
    open_ended = first == "*" or step is not None
    high = rule.number(last) if last else rule.high if open_ended else low
    if high < low and rule is _YEAR:
        raise ScheduleError(f"{part!r} runs backwards")
    size = rule.high - rule.low + 1
    offsets = range(0, (high - low) % size + 1, int(step or 1))
    return [rule.low + (low - rule.low + offset) % size for offset in offsets]


def _day_problems(texts: list[str]) -> list[str]:
    date, weekday = texts[2], texts[4]
    if (date == "?") != (weekday == "?"):
        return []
    problem = f"day-of-month {date!r}, day-of-week {weekday!r}: exactly one of the two must be '?'"
    if "*" not in (date, weekday):
        return [problem]
    return [f"{problem}; write '?' for {'day-of-week' if weekday == '*' else 'day-of-month'}"]


def _count_problem(expression: str, texts: list[str]) -> str:
    names = " ".join(rule.name for rule in _RULES)
    problem = f"AWS cron takes six fields ({names}), {expression!r} has {len(texts)}"
    hint = _unix_hint(texts) if len(texts) == len(_RULES) - 1 else ""
    return f"{problem}{hint}. See {_DOCS}"


def _unix_hint(texts: list[str]) -> str:
    if "?" not in texts and "*" not in (texts[2], texts[4]):
        return "; unix cron fires when either day field matches, which takes two AWS schedules"
    try:
        return f"; in AWS cron, write {_from_unix(texts)!r}"
    except ScheduleError:
        return ""


def _from_unix(texts: list[str]) -> str:
    """The six-field form. Unix counts weekdays from Sunday 0 (or 7).

    With a `?` in it the expression is AWS's already and only the year is missing.
    """
    minutes, hours, date, month, weekday = texts
    if "?" not in texts:
        date, weekday = (date, "?") if weekday == "*" else ("?", _unix_weekdays(weekday))
    fields = (minutes, hours, date, month, weekday, "*")
    starts = [text.replace("*/", f"{rule.low}/") for rule, text in zip(_RULES, fields, strict=True)]
    return parse(" ".join(starts)).expression


def _unix_weekdays(text: str) -> str:
    days = sorted({number % 7 for number in _values(_UNIX_WEEKDAY, text)})
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return f"{_WEEKDAYS[days[0]]}-{_WEEKDAYS[days[-1]]}"
    return ",".join(_WEEKDAYS[day] for day in days)


def next_fires(cron: Cron, after: datetime, count: int, tz: str | None = None) -> list[datetime]:
    """The first `count` fires strictly after `after`, as aware datetimes in `tz` (None: UTC).

    Fewer, or none, when the schedule ends. At a clock change EventBridge Scheduler skips a local
    time that does not exist and runs a repeated one once (here the first), per
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html. Raises ValueError
    for a naive `after` or a negative `count`, ScheduleError for a `tz` not in the IANA database.
    """
    if after.utcoffset() is None:
        raise ValueError(f"after must be a timezone-aware datetime, got {after!r}")
    return list(islice(_fires(cron, after.astimezone(UTC), _zone(tz)), count))


def _zone(tz: str | None) -> tzinfo:
    if tz is None:
        return UTC
    try:
        return ZoneInfo(tz)
    except (KeyError, ValueError, OSError) as error:
        raise ScheduleError(f"timezone {tz!r} is not an IANA name such as 'Europe/Oslo'") from error


def _fires(cron: Cron, after: datetime, zone: tzinfo) -> Iterator[datetime]:
    for wall in _wall_fires(cron, after.astimezone(zone).replace(tzinfo=None)):
        # In UTC, because datetimes of one zone compare by wall clock and ignore the fold.
        instant = wall.replace(tzinfo=zone).astimezone(UTC)
        fire = instant.astimezone(zone)
        if instant > after and fire.replace(tzinfo=None) == wall:
            yield fire


def _wall_fires(cron: Cron, after: datetime) -> Iterator[datetime]:
    # Here, so that importing this module stays light.
    from croniter import croniter

    fields = _croniter_fields(cron)
    start = after.replace(second=0, microsecond=0, fold=0)
    # Year by year, because croniter's own year field ends in 2099.
    for year in (year for year in cron.years if year >= start.year):
        begin = max(start, datetime(year, 1, 1) - timedelta(minutes=1))
        clock = croniter(fields, begin, max_years_between_matches=1)
        fire: datetime
        for fire in clock.all_next(datetime):
            if fire.year > year:
                break
            if _falls_on(cron.day, fire):
                yield fire
            else:
                clock.set_current(fire.replace(hour=23, minute=59))


def _croniter_fields(cron: Cron) -> str:
    date, weekday = _croniter_days(cron.day)
    return " ".join([_join(cron.minutes), _join(cron.hours), date, _join(cron.months), weekday])


def _croniter_days(day: Pick) -> tuple[str, str]:
    """croniter's two day fields; every day for L, L-3, 15W and LW, which `_falls_on` then sifts.

    croniter has a 15W of its own, but it moves 31W into the shorter months.
    """
    match day.kind:
        case "dates":
            return _join(day.numbers), "*"
        case "weekdays":
            return "*", _join(tuple(number - 1 for number in day.numbers))
        case "last_weekday":
            return "*", f"L{day.numbers[0] - 1}"
        case "nth":
            return "*", f"{day.numbers[0] - 1}#{day.numbers[1]}"
        case _:
            return "*", "*"


def _join(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))


def _falls_on(day: Pick, when: datetime) -> bool:
    last = calendar.monthrange(when.year, when.month)[1]
    match day.kind:
        case "last_day":
            return when.day == last - day.numbers[0]
        case "near":
            return when.day == _nearest_weekday(when.year, when.month, day.numbers[0])
        case "last_near":
            return when.day == _nearest_weekday(when.year, when.month, last)
        case _:
            return True


def _nearest_weekday(year: int, month: int, date: int) -> int | None:
    last = calendar.monthrange(year, month)[1]
    if date > last:
        return None
    match calendar.weekday(year, month, date):
        case calendar.SATURDAY:
            return date - 1 if date > 1 else date + 2
        case calendar.SUNDAY:
            return date + 1 if date < last else date - 2
        case _:
            return date


def in_words(cron: Cron, tz: str | None = None) -> str:
    """The schedule in a few words, such as "weekdays at 09:30 UTC"; `tz` None is UTC.

    A shape that has no short name comes back as `cron(<expression>) <zone>`, never approximated.
    """
    zone = tz or "UTC"
    always = len(cron.months) == len(_MONTHS) and len(cron.years) == _YEAR.high - _YEAR.low + 1
    days = _days_in_words(cron.day) if always else None
    words = _all_day_words(cron, zone) if days == "every day" else None
    times = [f"{hour:02}:{minute:02}" for hour in cron.hours for minute in cron.minutes]
    if words is None and days and len(times) <= 4:
        words = f"{days} at {_and(times)} {zone}"
    return words or f"cron({cron.expression}) {zone}"


def _all_day_words(cron: Cron, zone: str) -> str | None:
    minute, hour = cron.minutes[0], cron.hours[0]
    every_minutes, every_hours = _interval(cron.minutes, 60), _interval(cron.hours, 24)
    if every_hours == 1 and every_minutes == 60:
        # Zones differ by half hours too, so :00 there need not be :00 UTC.
        return f"every hour at :{minute:02}" + ("" if zone == "UTC" else f" {zone}")
    if every_hours == 1 and every_minutes:
        start = f" from :{minute:02}" if minute else ""
        return "every minute" if every_minutes == 1 else f"every {every_minutes} minutes{start}"
    if every_hours and every_minutes == 60 and len(cron.hours) > 4:
        return f"every {every_hours} hours from {hour:02}:{minute:02} {zone}"
    return None


def _interval(numbers: tuple[int, ...], cycle: int) -> int | None:
    """The step between numbers that divide the whole cycle evenly, or None."""
    step = cycle // len(numbers)
    return step if numbers == tuple(range(numbers[0], cycle, step)) else None


def _days_in_words(day: Pick) -> str | None:
    numbers = day.numbers
    match day.kind:
        case "dates" if len(numbers) == 31:
            return "every day"
        case "dates" if len(numbers) <= 4:
            plural = "s" if len(numbers) > 1 else ""
            return f"day{plural} {_and(list(map(str, numbers)))} of every month"
        case "weekdays":
            named = {_ALL_WEEK: "every day", _WORK_WEEK: "weekdays"}
            return named.get(numbers) or f"every {_and([_DAY_NAMES[n - 1] for n in numbers])}"
        case "last_day" if numbers == (0,):
            return "the last day of every month"
        case "last_near":
            return "the last weekday of every month"
        case "last_weekday":
            return f"the last {_DAY_NAMES[numbers[0] - 1]} of every month"
        case "nth":
            which = ("first", "second", "third", "fourth", "fifth")[numbers[1] - 1]
            return f"the {which} {_DAY_NAMES[numbers[0] - 1]} of every month"
        case _:
            return None


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))

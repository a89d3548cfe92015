"""Reads the cron dialect of Amazon EventBridge.

Grammar: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
That page does not spell out `FRIL`, `LW`, `L-3`, steps of weekdays or ranges that wrap (`SAT-MON`);
they are read as Quartz reads them:
https://www.quartz-scheduler.org/documentation/quartz-2.3.0/tutorials/crontrigger.html
"""

import re
from dataclasses import dataclass
from typing import Literal

_DOCS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html"
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
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

    @property
    def all_year(self) -> bool:
        """Whether neither months nor years bound it."""
        return len(self.months) == _MONTH.size and len(self.years) == _YEAR.size


@dataclass(frozen=True)
class _Rule:
    name: str
    low: int
    high: int
    allowed: str
    kind: Kind = "values"
    names: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return self.high - self.low + 1

    def number(self, text: str) -> int:
        if text in self.names:
            return self.low + self.names.index(text)
        if re.fullmatch(r"\d{1,4}", text, re.ASCII) and self.low <= int(text) <= self.high:
            return int(text)
        raise ScheduleError(f"{text!r} is not a value of this field")


_YEAR = _Rule("year", 1970, 2199, "1970-2199 with , - * /")
_MONTH = _Rule("month", 1, 12, "1-12 or JAN-DEC with , - * /", names=_MONTHS)
_DATE_TEXT = "1-31 with , - * /, or one of ? L L-3 LW 15W alone"
_DATE = _Rule("day-of-month", 1, 31, _DATE_TEXT, "dates")
_WEEKDAY_TEXT = "1-7 (1 is Sunday) or SUN-SAT with , - * /, or one of ? L FRIL 3#2 alone"
_WEEKDAY = _Rule("day-of-week", 1, 7, _WEEKDAY_TEXT, "weekdays", _WEEKDAYS)
_RULES = (
    _Rule("minutes", 0, 59, "0-59 with , - * /"),
    _Rule("hours", 0, 23, "0-23 with , - * /"),
    _DATE,
    _MONTH,
    _WEEKDAY,
    _YEAR,
)
_UNIX_WEEKDAY = _Rule("day-of-week", 0, 7, "0-7 or SUN-SAT", "weekdays", _WEEKDAYS)
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
    offsets = range(0, (high - low) % rule.size + 1, int(step or 1))
    return [rule.low + (low - rule.low + offset) % rule.size for offset in offsets]


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

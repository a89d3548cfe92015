"""When a schedule fires next.

croniter walks the calendar; what its own dialect says otherwise than AWS is sifted here.
"""

import calendar
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo

from sfnflow.schedule.cron import Cron, Pick, ScheduleError


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

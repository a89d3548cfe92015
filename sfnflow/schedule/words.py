"""A schedule in words."""

from sfnflow.schedule.cron import Cron, Pick

_DAY_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_ALL_WEEK, _WORK_WEEK = (1, 2, 3, 4, 5, 6, 7), (2, 3, 4, 5, 6)


def in_words(cron: Cron, tz: str | None = None) -> str:
    """The schedule in a few words, such as "weekdays at 09:30 UTC"; `tz` None is UTC.

    A shape that has no short name comes back as `cron(<expression>) <zone>`, never approximated.
    """
    zone = tz or "UTC"
    days = _days_in_words(cron.day) if cron.all_year else None
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

"""The cron dialect of Amazon EventBridge: read it (`cron`), list its next fires, say it in words."""

from sfnflow.schedule.cron import Cron, Pick, ScheduleError, parse
from sfnflow.schedule.fires import next_fires
from sfnflow.schedule.words import in_words

__all__ = ["Cron", "Pick", "ScheduleError", "in_words", "next_fires", "parse"]

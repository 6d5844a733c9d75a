"""Packs and unpacks Python's dates, times, durations and time zones."""

import datetime
import functools
import zoneinfo


def zone_name(zone) -> str | float | None:
    """Return a time zone as its name, or its seconds from UTC; None for one of another kind."""
    if isinstance(zone, datetime.timezone):
        return zone.utcoffset(None).total_seconds()
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)
    return name if type(name) is str and name in _zones() else None


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def zone_from(zone):
    """Return the time zone that ``zone_name`` has told of."""
    if zone is None or isinstance(zone, (int, float)):
        return zone if zone is None else datetime.timezone(datetime.timedelta(seconds=zone))
    return zoneinfo.ZoneInfo(zone)


def with_zone(packer, tag, parts, zone):
    """Write a moment with its time zone, or refuse it where the zone is of no kind that can
    cross."""
    written = None if zone is None else zone_name(zone)
    if zone is not None and written is None:
        return packer.refuse(type(zone).__name__)
    return [tag, *parts, written]


def _write_zone(packer, value, depth):
    zone = zone_name(value)
    return packer.refuse(type(value).__name__) if zone is None else ["zone", zone]


def _write_datetime(packer, value, depth):
    zone = value.tzinfo
    parts = [
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
        value.fold,
    ]
    return with_zone(packer, "datetime", [parts], zone)


def _read_datetime(unpacker, parts, zone):
    *numbers, fold = parts
    return datetime.datetime(*numbers, tzinfo=zone_from(zone), fold=fold)


def _write_time(packer, value, depth):
    parts = [value.hour, value.minute, value.second, value.microsecond, value.fold]
    return with_zone(packer, "time", [parts], value.tzinfo)


def _read_time(unpacker, parts, zone):
    *numbers, fold = parts
    return datetime.time(*numbers, tzinfo=zone_from(zone), fold=fold)


WRITERS = {
    datetime.date: lambda packer, value, depth: ["date", value.toordinal()],
    datetime.datetime: _write_datetime,
    datetime.time: _write_time,
    datetime.timedelta: lambda packer, value, depth: [
        "timedelta",
        value.days,
        value.seconds,
        value.microseconds,
    ],
}
FAMILIES = [(datetime.tzinfo, _write_zone)]
READERS = {
    "date": lambda unpacker, ordinal: datetime.date.fromordinal(ordinal),
    "datetime": _read_datetime,
    "time": _read_time,
    "timedelta": lambda unpacker, *parts: datetime.timedelta(*parts),
    "zone": lambda unpacker, name: zone_from(name),
}

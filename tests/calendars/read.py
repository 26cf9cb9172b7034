"""Reads a calendar from stdin and prints what `icalendar` and `recurring-ical-events` find in it, as JSON.

Zones are read twice: by their names, from the zone database of Python, and under names that it does not know, so that the
definitions in the calendar alone say what a time means.
"""

import datetime
import json
import re
import sys

import icalendar
import recurring_ical_events


def instant(time):
    return time.dt.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def told(events):
    return sorted(
        (
            {
                "uid": str(event["UID"]),
                "sequence": int(event["SEQUENCE"]),
                "status": str(event["STATUS"]),
                "start": instant(event["DTSTART"]),
                "end": instant(event["DTEND"]),
            }
            for event in events
        ),
        key=lambda event: (event["start"], event["uid"]),
    )


text = sys.stdin.read()
renamed = re.sub(r"(TZID[:=])([A-Z][A-Za-z]+)/", r"\1Defined-Here/\2-", text)
found = {}
for zones, source in (("named", text), ("defined", renamed)):
    calendar = icalendar.Calendar.from_ical(source)
    found[f"icalendar, zones {zones}"] = told(calendar.walk("VEVENT"))
    occurrences = recurring_ical_events.of(calendar).between((1900, 1, 1), (2200, 1, 1))
    found[f"recurring-ical-events, zones {zones}"] = told(occurrences)
json.dump(found, sys.stdout)

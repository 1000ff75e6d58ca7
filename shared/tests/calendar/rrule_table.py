#!/usr/bin/env python3
"""Makes rrule.tsv: what python-dateutil's rrule says of rules, as `DTSTART RRULE days`.

    pip install python-dateutil==2.9.0.post0
    python3 rrule_table.py > rrule.tsv

Each row lists the days of a rule in the years 2026 to 2035, the first 40 of them. Only
rules whose DTSTART is their own first day are in it, as only those are taken over.
"""

import random
from datetime import datetime, timedelta

from dateutil.rrule import rrulestr

FROM, UNTIL, MOST = datetime(2026, 1, 1), datetime(2036, 1, 1), 40

BY_HAND = [
    "FREQ=DAILY;INTERVAL=10;COUNT=5",
    "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR",
    "FREQ=DAILY;BYMONTH=1;BYDAY=SU,SA",
    "FREQ=WEEKLY;UNTIL=20260401",
    "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,SU",
    "FREQ=WEEKLY;INTERVAL=2;WKST=MO;BYDAY=TU,SU",
    "FREQ=MONTHLY;BYDAY=1FR",
    "FREQ=MONTHLY;BYDAY=-1MO",
    "FREQ=MONTHLY;BYDAY=1SU,-1SU;INTERVAL=2",
    "FREQ=MONTHLY;BYMONTHDAY=31",
    "FREQ=MONTHLY;BYMONTHDAY=-1",
    "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-2",
    "FREQ=YEARLY",
    "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
    "FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO",
    "FREQ=YEARLY;BYDAY=20MO",
    "FREQ=YEARLY;BYDAY=-1SU",
    "FREQ=YEARLY;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;INTERVAL=4",
    "FREQ=YEARLY;BYMONTH=6,7",
    "FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=YEARLY;BYMONTHDAY=1,-1;COUNT=30",
    "FREQ=YEARLY;BYDAY=MO;BYSETPOS=1,-1",
]


def at_random(chance):
    freq = chance.choice(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
    parts = [f"FREQ={freq}"]
    days = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
    if chance.random() < 0.5:
        parts.append(f"INTERVAL={chance.randint(1, 5)}")
    has_by = False
    if chance.random() < 0.5:
        some = chance.sample(days, chance.randint(1, 4))
        if freq in ("MONTHLY", "YEARLY") and chance.random() < 0.6:
            some = [f"{chance.choice([1, 2, 3, 4, 5, -1, -2])}{d}" for d in some]
        parts.append("BYDAY=" + ",".join(some))
        has_by = True
    if chance.random() < 0.4 and freq != "WEEKLY":
        some = chance.sample([n for n in range(-31, 32) if n], chance.randint(1, 6))
        parts.append("BYMONTHDAY=" + ",".join(map(str, some)))
        has_by = True
    if chance.random() < 0.4:
        some = sorted(chance.sample(range(1, 13), chance.randint(1, 4)))
        parts.append("BYMONTH=" + ",".join(map(str, some)))
        has_by = True
    if has_by and freq in ("MONTHLY", "YEARLY") and chance.random() < 0.4:
        some = chance.sample([1, 2, 3, -1, -2], chance.randint(1, 2))
        parts.append("BYSETPOS=" + ",".join(map(str, some)))
    if freq == "WEEKLY" and chance.random() < 0.5:
        parts.append("WKST=" + chance.choice(days))
    if chance.random() < 0.3:
        parts.append(f"COUNT={chance.randint(1, 50)}")
    return ";".join(parts)


def row(rule, start):
    # Without an end, a rule that matches nothing is looked through to the year 9999.
    end = "" if "COUNT" in rule or "UNTIL" in rule else ";UNTIL=20360101"
    found = rrulestr(rule + end, dtstart=start)
    if next(iter(found), None) != start:
        return None
    days = found.between(FROM - timedelta(1), UNTIL - timedelta(1))[:MOST]
    return "\t".join([f"{start:%Y%m%d}", rule, " ".join(f"{day:%Y%m%d}" for day in days)])


def main():
    chance = random.Random(2445)
    rules = BY_HAND + [at_random(chance) for _ in range(45)]
    print("# Made by rrule_table.py with python-dateutil; do not edit.")
    for rule in rules:
        start = datetime(2026, 1, 1) + timedelta(chance.randint(-400, 60))
        for ahead in range(200):
            found = row(rule, start + timedelta(ahead))
            if found:
                print(found)
                break


main()

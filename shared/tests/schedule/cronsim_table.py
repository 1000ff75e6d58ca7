#!/usr/bin/env python3
"""Makes cronsim.tsv: what cronsim, which follows Debian's cron, says of many expressions.

    pip install cronsim tzdata && python3 cronsim_table.py > cronsim.tsv

Left out, because cronsim's answer is not Debian's or not defined: starts within a repeated
stretch, and expressions with a star in zones that move by less than an hour (it steps by
whole hours). An instant that cronsim gives twice, for two times of one gap, is one fire.
"""

import random
from datetime import datetime, timezone
from importlib.metadata import version
from zoneinfo import ZoneInfo, reset_tzpath

from cronsim import CronSim, CronSimError

FIXED = [
    "30 2 * * *", "0 0 * * *", "0,30 2 * * *", "15 0-3 * * *", "59 23 * * *", "5,50 1-3 * * *", "30 2 * * SUN",
    "0 12 L * *", "0 9 LW * *", "0 9 * * 1#1", "0 9 * * 5L", "0 0 13 * FRI", "0 0 29 2 *", "30 1 1-7 * 0", "30 3 */2 * SUN",
    "10 2 1 */3 *", "0 2 1-10 * */2",
]
TICKING = ["*/15 * * * *", "30 * * * *", "* 2 * * *", "0 */2 * * *", "*/20 1-3 * * *", "*/30 2 * * 7", "15 */6 1 * *"]
# Zone and days around whose changes the table looks.
CHANGES = {
    "UTC": ["2026-01-01", "2028-02-28"],
    "Europe/Berlin": ["2024-03-30", "2024-10-26", "2025-03-29", "2025-10-25"],
    "America/New_York": ["2024-03-09", "2024-11-02", "2007-03-10"],
    "America/Havana": ["2023-03-11", "2023-11-04"],
    "America/Sao_Paulo": ["2018-11-03", "2019-02-16"],
    "Africa/Cairo": ["2024-04-25", "2024-10-31"],
    "Asia/Beirut": ["2024-03-30", "2024-10-26"],
    "Africa/Casablanca": ["2024-03-09", "2024-04-13"],
    "Europe/Moscow": ["2011-03-26", "2014-10-25"],
    "Asia/Shanghai": ["1991-04-13", "1991-09-14"],
    "Antarctica/Troll": ["2024-03-30", "2024-10-26"],
    "Australia/Lord_Howe": ["2024-04-06", "2024-10-05"],
    "Asia/Pyongyang": ["2015-08-13", "2018-05-03"],
    "America/Caracas": ["2007-12-08", "2016-04-30"],
    "Pacific/Apia": ["2011-12-28", "2011-09-23", "2012-03-31"],
    "Pacific/Kwajalein": ["1993-08-19"],
}
# Zones in which cronsim's steps of a whole hour, or its start of each new day at midnight,
# land on local times that do not exist: no judge of expressions with a star there.
NO_TICKING = {"Australia/Lord_Howe", "Asia/Pyongyang", "America/Caracas"} | {
    "Africa/Cairo", "Asia/Beirut", "America/Havana", "America/Sao_Paulo", "Pacific/Apia", "Pacific/Kwajalein",
}


def field(rng, low, high):
    kind = rng.randrange(5)
    # Never `5-5/2`: cronsim takes it for `5/2`, Debian's cron does not.
    a, b = sorted(rng.sample(range(low, high + 1), 2))
    return ["*", f"*/{rng.randint(2, 9)}", f"{a}-{b}", f"{a}-{b}/{rng.randint(2, 5)}", f"{a},{b}"][kind]


def expressions(rng):
    yield from FIXED
    yield from TICKING
    for _ in range(24):
        yield " ".join(field(rng, *bounds) for bounds in [(0, 59), (0, 23), (1, 28), (1, 12), (0, 7)])


def fires(expr, zone, start):
    found = []
    for fire in CronSim(expr, start.astimezone(zone)):
        second = int(fire.timestamp())
        if second not in found:
            found.append(second)
        if len(found) == 6:
            break
    return found


def main():
    # The database of the package, not the machine's.
    reset_tzpath(())
    rng = random.Random(20260131)
    print(f"# cronsim {version('cronsim')}, tzdata {version('tzdata')}")
    for name, days in CHANGES.items():
        zone = ZoneInfo(name)
        for day in days:
            start = datetime.fromisoformat(day + "T05:07:09").replace(tzinfo=zone).astimezone(timezone.utc)
            for expr in expressions(rng):
                ticks = expr.startswith("*") or expr.split()[1].startswith("*")
                if ticks and name in NO_TICKING:
                    continue
                try:
                    found = fires(expr, zone, start)
                except CronSimError:
                    continue
                if found:
                    print(expr, name, int(start.timestamp()), " ".join(map(str, found)), sep="\t")


main()

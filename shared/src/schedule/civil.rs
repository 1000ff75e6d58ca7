//! The proleptic Gregorian calendar on integers, for the years that a schedule may name.
//!
//! Days are counted from 1970-01-01 and local times in seconds from its midnight, as if
//! every zone were UTC: only `walk` knows of offsets.

/// The first year a schedule may name.
pub(crate) const YEAR_MIN: u16 = 1970;
/// The last year a schedule may name.
pub(crate) const YEAR_MAX: u16 = 2199;
/// Days from 1970-01-01 to 2200-01-01: the first day that no schedule reaches.
pub(crate) const DAY_END: u32 = 84_006;
/// Seconds in a civil day.
pub(crate) const DAY: i64 = 86_400;

/// A date, its fields as people count them: month and day start at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date {
    pub year: u16,
    pub month: u8,
    pub day: u8,
}

/// The date of a day number. Neri and Schneider, "Euclidean affine functions and their
/// application to calendar algorithms" (2022), for days that are not negative.
pub(crate) fn date_of(day: u32) -> Date {
    let n1 = 4 * (day + 719_468) + 3;
    let century = n1 / 146_097;
    let n2 = (n1 % 146_097) | 3;
    let p2 = 2_939_745 * u64::from(n2);
    let year_of_century = (p2 >> 32) as u32;
    let day_of_year = (p2 as u32) / 2_939_745 / 4;
    let n3 = 2_141 * day_of_year + 197_913;
    let after_february = u32::from(day_of_year >= 306);
    Date {
        year: (100 * century + year_of_century + after_february) as u16,
        month: ((n3 >> 16) - 12 * after_february) as u8,
        day: ((n3 & 0xffff) / 2_141 + 1) as u8,
    }
}

/// The day number of a date from 1970 on.
pub(crate) fn day_of(year: u16, month: u8, day: u8) -> u32 {
    let (y, m) = if month > 2 {
        (u32::from(year), u32::from(month) - 3)
    } else {
        (u32::from(year) - 1, u32::from(month) + 9)
    };
    let century = y / 100;
    y * 1461 / 4 - century + century / 4 + (979 * m + 15) / 32 + u32::from(day) - 719_469
}

/// 0 for Sunday to 6 for Saturday. 1970-01-01 was a Thursday.
pub(crate) fn weekday_of(day: u32) -> u32 {
    (day + 4) % 7
}

/// 28 to 31.
pub(crate) fn days_in_month(year: u16, month: u8) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every day of the 230 years, against counting them one by one.
    #[test]
    fn dates_and_day_numbers_agree() {
        let (mut year, mut month, mut date) = (YEAR_MIN, 1, 1);
        for day in 0..DAY_END {
            assert_eq!(
                date_of(day),
                Date {
                    year,
                    month,
                    day: date
                },
                "day {day}"
            );
            assert_eq!(day_of(year, month, date), day);
            date += 1;
            if u32::from(date) > days_in_month(year, month) {
                date = 1;
                month += 1;
            }
            if month > 12 {
                month = 1;
                year += 1;
            }
        }
        assert_eq!((year, month, date), (YEAR_MAX + 1, 1, 1));
        assert_eq!(weekday_of(day_of(2026, 11, 21)), 6);
    }
}

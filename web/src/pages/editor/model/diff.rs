//! What differs between two texts, by lines.

/// How many lines without a change stand around one.
const CONTEXT: usize = 3;
/// Beyond so many pairs of lines the middle is told as replaced.
const PAIRS_MAX: usize = 4_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Same,
    Removed,
    Added,
    /// Lines that are left out; the text tells how many.
    Skipped,
}

impl Kind {
    pub fn sign(self) -> char {
        match self {
            Kind::Same | Kind::Skipped => ' ',
            Kind::Removed => '-',
            Kind::Added => '+',
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub kind: Kind,
    pub text: String,
}

/// All lines of both, the longest common ones once.
pub fn lines(old: &str, new: &str) -> Vec<Line> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[head..], &new[head..]);
    let tail = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    let (a, b) = (&a[..a.len() - tail], &b[..b.len() - tail]);
    let mut out = Vec::new();
    let mut tell = |kind, text: &str| {
        out.push(Line {
            kind,
            text: text.to_owned(),
        });
    };
    old[..head].iter().for_each(|line| tell(Kind::Same, line));
    let longest = longest(a, b);
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let at = |i: usize, j: usize| longest.as_ref().map_or(0, |l| l[i * (b.len() + 1) + j]);
        if i < a.len() && j < b.len() && a[i] == b[j] && longest.is_some() {
            tell(Kind::Same, a[i]);
            (i, j) = (i + 1, j + 1);
        } else if i < a.len() && (j == b.len() || at(i + 1, j) >= at(i, j + 1)) {
            tell(Kind::Removed, a[i]);
            i += 1;
        } else {
            tell(Kind::Added, b[j]);
            j += 1;
        }
    }
    old[old.len() - tail..]
        .iter()
        .for_each(|line| tell(Kind::Same, line));
    out
}

/// The length of the longest common part of what follows each pair of places.
fn longest(a: &[&str], b: &[&str]) -> Option<Vec<u32>> {
    if (a.len() + 1).saturating_mul(b.len() + 1) > PAIRS_MAX {
        return None;
    }
    let width = b.len() + 1;
    let mut table = vec![0_u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            table[i * width + j] = match a[i] == b[j] {
                true => table[(i + 1) * width + j + 1] + 1,
                false => table[(i + 1) * width + j].max(table[i * width + j + 1]),
            };
        }
    }
    Some(table)
}

/// The same with only a few lines around each change. Empty if nothing differs.
pub fn hunks(old: &str, new: &str) -> Vec<Line> {
    let all = lines(old, new);
    let is_near = |i: usize| {
        let around = i.saturating_sub(CONTEXT)..(i + CONTEXT + 1).min(all.len());
        all[around].iter().any(|line| line.kind != Kind::Same)
    };
    let mut out: Vec<Line> = Vec::new();
    let mut skipped = 0_usize;
    if !all.iter().any(|line| line.kind != Kind::Same) {
        return out;
    }
    let close = |skipped: &mut usize, out: &mut Vec<Line>| {
        if *skipped > 0 {
            out.push(Line {
                kind: Kind::Skipped,
                text: skipped.to_string(),
            });
            *skipped = 0;
        }
    };
    for (i, line) in all.iter().enumerate() {
        match is_near(i) {
            true => {
                close(&mut skipped, &mut out);
                out.push(line.clone());
            }
            false => skipped += 1,
        }
    }
    close(&mut skipped, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[Line]) -> String {
        lines
            .iter()
            .map(|l| format!("{}{}", l.kind.sign(), l.text))
            .collect::<Vec<_>>()
            .join("|")
    }

    #[test]
    fn what_differs_is_told() {
        assert_eq!(told(&lines("a\nb\nc\n", "a\nx\nc\nd\n")), " a|-b|+x| c|+d");
        assert_eq!(told(&lines("", "a\n")), "+a");
        assert_eq!(told(&lines("a\n", "")), "-a");
        assert_eq!(told(&lines("a\nb\na\nb\n", "b\na\nb\na\n")), "-a| b| a| b|+a");
        assert_eq!(told(&hunks("a\n", "a\n")), "");
    }

    #[test]
    fn what_is_far_from_a_change_is_counted() {
        let old: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let mut new = old.clone();
        new[10] = "x".into();
        assert_eq!(
            told(&hunks(&old.join("\n"), &new.join("\n"))),
            " 7| 7| 8| 9|-10|+x| 11| 12| 13| 6"
        );
    }

    #[test]
    fn texts_too_long_to_compare_are_replaced() {
        let old: String = (0..3000).map(|n| format!("a{n}\n")).collect();
        let new: String = (0..3000).map(|n| format!("b{n}\n")).collect();
        assert_eq!(lines(&old, &new).len(), 6000);
    }
}

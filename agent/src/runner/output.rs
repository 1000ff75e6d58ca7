//! A run's output on its way into the spool: head and tail are kept, the middle is
//! counted. Nothing is ever held whole: a piece goes to the spool as it comes, and what
//! turns out to be the middle is taken out of it again.

use std::collections::VecDeque;

use base64::{Engine, engine::general_purpose::STANDARD};
use shared::{
    id::RunId,
    report::{CHUNK_BYTES_MAX, Chunk, Gap, OutputSize, Stream},
    time::Time,
};

use crate::parts::SpoolWrite;

/// What is kept of one run's output.
pub struct Capture {
    run: RunId,
    /// How much of the head may still come.
    head_left: u64,
    tail_max: u64,
    /// The pieces behind the head, oldest first, with their bytes.
    tail: VecDeque<(u64, u64)>,
    tail_bytes: u64,
    seq: u64,
    size: OutputSize,
}

impl Capture {
    /// Keeps at most so many bytes: half of them from the beginning, half from the end.
    pub fn new(run: RunId, bytes_max: u64) -> Capture {
        Capture::from_seq(run, bytes_max, 0)
    }

    /// As [`Capture::new`], with pieces counted from `seq` on.
    pub fn from_seq(run: RunId, bytes_max: u64, seq: u64) -> Capture {
        let head = bytes_max.div_ceil(2);
        Capture {
            run,
            head_left: head,
            tail_max: bytes_max - head,
            tail: VecDeque::new(),
            tail_bytes: 0,
            seq,
            size: OutputSize::default(),
        }
    }

    /// A piece of output. Returns what the spool is to do.
    pub fn take(&mut self, stream: Stream, data: &[u8], at: Time) -> Vec<SpoolWrite> {
        self.size.bytes += data.len() as u64;
        let mut writes = Vec::new();
        let head = data
            .len()
            .min(usize::try_from(self.head_left).unwrap_or(usize::MAX));
        let (head, rest) = data.split_at(head);
        self.head_left -= head.len() as u64;
        for piece in head.chunks(CHUNK_BYTES_MAX) {
            writes.push(self.chunk(stream, piece, at));
        }
        // Of what is longer than the whole tail, the beginning need not be written at all.
        let kept = rest
            .len()
            .min(usize::try_from(self.tail_max).unwrap_or(usize::MAX));
        writes.extend(self.drop_whole_tail((rest.len() - kept) as u64));
        for piece in rest[rest.len() - kept..].chunks(CHUNK_BYTES_MAX) {
            self.tail.push_back((self.seq, piece.len() as u64));
            self.tail_bytes += piece.len() as u64;
            writes.push(self.chunk(stream, piece, at));
        }
        writes.extend(self.drop_middle());
        writes
    }

    /// Output that came next and is not kept, as so much came after it: with it, all that
    /// stood before it behind the head is the middle. Returns what the spool is to do.
    pub fn skip(&mut self, bytes: u64) -> Option<SpoolWrite> {
        self.size.bytes += bytes;
        self.drop_whole_tail(bytes)
    }

    /// Output that the spool did not take: it is counted as dropped.
    pub fn lost(&mut self, bytes: u64) {
        self.size.dropped += bytes;
    }

    pub fn size(&self) -> OutputSize {
        self.size
    }

    /// Once the head is full, how many bytes the tail may have: from here on, pieces push
    /// others out.
    pub fn tail_room(&self) -> Option<u64> {
        (self.head_left == 0).then_some(self.tail_max)
    }

    fn chunk(&mut self, stream: Stream, piece: &[u8], at: Time) -> SpoolWrite {
        let seq = self.seq;
        self.seq += 1;
        SpoolWrite::PutChunk(Chunk {
            run: self.run,
            seq,
            stream,
            at,
            data: STANDARD.encode(piece),
        })
    }

    /// For so many bytes behind the tail that are not kept. They take a number of their own:
    /// readers see by it that something is missing there.
    fn drop_whole_tail(&mut self, bytes: u64) -> Option<SpoolWrite> {
        if bytes == 0 {
            return None;
        }
        self.size.dropped += bytes + self.tail_bytes;
        self.tail_bytes = 0;
        let oldest = self.tail.front().map(|(seq, _)| *seq);
        self.tail.clear();
        let is_counted = oldest.is_none() && self.size.gap.is_some_and(|gap| gap.until == self.seq);
        if !is_counted {
            self.seq += 1;
        }
        let until = self.seq;
        let from = oldest.unwrap_or(until - 1);
        let first = self.size.gap.map_or(from, |gap| gap.from);
        self.size.gap = Some(Gap { from: first, until });
        let run = self.run;
        oldest.map(|from| SpoolWrite::DropChunks { run, from, until })
    }

    fn drop_middle(&mut self) -> Option<SpoolWrite> {
        let mut dropped: Option<Gap> = None;
        while self.tail_bytes > self.tail_max
            && let Some((seq, bytes)) = self.tail.pop_front()
        {
            self.tail_bytes -= bytes;
            self.size.dropped += bytes;
            let from = dropped.map_or(seq, |gap| gap.from);
            dropped = Some(Gap { from, until: seq + 1 });
        }
        let Gap { from, until } = dropped?;
        let first = self.size.gap.map_or(from, |gap| gap.from);
        self.size.gap = Some(Gap { from: first, until });
        Some(SpoolWrite::DropChunks {
            run: self.run,
            from,
            until,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::runner::gather::Gathered;

    fn run() -> RunId {
        "01HV5TQ4WM0000000000000001".parse().unwrap()
    }

    /// What a spool that does as it is told holds in the end, if so many pieces come between
    /// its writes.
    fn spooled(pieces: &[Vec<u8>], max: u64, together: usize) -> (BTreeMap<u64, Vec<u8>>, OutputSize, u64) {
        let mut capture = Capture::new(run(), max);
        let (mut held, mut most) = (BTreeMap::new(), 0);
        for pieces in pieces.chunks(together) {
            let mut gathered = Gathered::new(capture.tail_room());
            for piece in pieces {
                gathered.add(Stream::Stdout, piece.clone());
            }
            let (skipped, pieces) = gathered.into_pieces();
            let mut writes = Vec::from_iter(capture.skip(skipped));
            for (stream, piece) in pieces {
                writes.extend(capture.take(stream, &piece, Time::EPOCH));
            }
            for write in writes {
                match write {
                    SpoolWrite::PutChunk(c) => {
                        let data = STANDARD.decode(&c.data).unwrap();
                        assert!(data.len() <= CHUNK_BYTES_MAX);
                        assert!(held.insert(c.seq, data).is_none());
                    }
                    SpoolWrite::DropChunks { from, until, .. } => {
                        held.retain(|seq, _| !(from..until).contains(seq))
                    }
                    other => panic!("{other:?}"),
                }
            }
            most = most.max(held.values().map(|d| d.len() as u64).sum());
        }
        (held, capture.size(), most)
    }

    fn concat(held: &BTreeMap<u64, Vec<u8>>) -> Vec<u8> {
        held.values().flatten().copied().collect()
    }

    #[test]
    fn all_is_kept_within_the_limit() {
        let (held, size, _) = spooled(&[b"one\n".to_vec(), b"two\n".to_vec()], 100, 1);
        assert_eq!(concat(&held), b"one\ntwo\n");
        assert_eq!(
            size,
            OutputSize {
                bytes: 8,
                dropped: 0,
                gap: None
            }
        );
    }

    #[test]
    fn head_and_tail_are_kept_beyond_it() {
        let lines: Vec<Vec<u8>> = (0..100).map(|n| format!("{n:03}\n").into_bytes()).collect();
        let (held, size, _) = spooled(&lines, 40, 1);
        assert_eq!(
            String::from_utf8(concat(&held)).unwrap(),
            "000\n001\n002\n003\n004\n095\n096\n097\n098\n099\n"
        );
        assert_eq!(
            size,
            OutputSize {
                bytes: 400,
                dropped: 360,
                gap: Some(Gap { from: 5, until: 95 })
            }
        );
    }

    proptest! {
        #[test]
        fn never_more_than_the_limit_and_nothing_uncounted(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..60),
            max in 0..2000u64,
            together in 1..20usize,
        ) {
            let whole = pieces.concat();
            let (held, size, most) = spooled(&pieces, max, together);
            let held_bytes: u64 = held.values().map(|d| d.len() as u64).sum();
            prop_assert!(most <= max);
            prop_assert_eq!(size.bytes, whole.len() as u64);
            prop_assert_eq!(size.bytes - size.dropped, held_bytes);
            let kept = concat(&held);
            let head = kept.len().min(max.div_ceil(2) as usize);
            prop_assert_eq!(&kept[..head], &whole[..head]);
            prop_assert_eq!(&kept[head..], &whole[whole.len() - (kept.len() - head)..]);
            // Readers see where something is missing.
            prop_assert_eq!(size.gap.is_some(), size.dropped > 0);
            let gap = size.gap.unwrap_or(Gap { from: 0, until: 0 });
            let last = held.keys().next_back().copied().unwrap_or(0).max(gap.until);
            let seqs: Vec<u64> = (0..=last).filter(|seq| !(gap.from..gap.until).contains(seq)).collect();
            let missing = seqs.iter().filter(|seq| !held.contains_key(seq)).count();
            prop_assert!(missing <= 1 && held.keys().all(|seq| seqs.contains(seq)), "{:?} {:?}", gap, held.keys());
        }
    }
}

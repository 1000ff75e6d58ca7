//! Output that waits to become pieces.

use std::collections::VecDeque;

use shared::report::{CHUNK_BYTES_MAX, Stream};

/// The most that is held of one run's output, in bytes. A longer tail goes to the spool as it
/// comes.
const HELD_BYTES_MAX: usize = 8 << 20;
/// The most pieces: short ones take more room than their bytes.
const PIECES_MAX: usize = 1024;

/// What follows on the same stream is one piece, up to a piece's size.
pub struct Gathered {
    pieces: VecDeque<(Stream, Vec<u8>)>,
    bytes: usize,
    /// So many bytes are enough.
    full: usize,
    /// Only the newest of so many bytes are wanted, and older ones make way.
    newest: Option<usize>,
    /// How many made way.
    skipped: u64,
}

impl Gathered {
    /// For a run's head, of which all is wanted; or, given how long its tail may be, for what
    /// comes behind the head.
    pub fn new(tail_room: Option<u64>) -> Gathered {
        let tail_room = tail_room.map(|room| usize::try_from(room).unwrap_or(usize::MAX));
        let newest = tail_room.filter(|room| *room <= HELD_BYTES_MAX);
        Gathered {
            pieces: VecDeque::new(),
            bytes: 0,
            full: match (tail_room, newest) {
                (None, _) => CHUNK_BYTES_MAX,
                (Some(_), None) => HELD_BYTES_MAX,
                (Some(_), Some(_)) => usize::MAX,
            },
            newest,
            skipped: 0,
        }
    }

    pub fn add(&mut self, stream: Stream, data: Vec<u8>) {
        self.bytes += data.len();
        match self.pieces.back_mut() {
            Some((last, piece)) if *last == stream && piece.len() + data.len() <= CHUNK_BYTES_MAX => {
                piece.extend(data);
            }
            _ => self.pieces.push_back((stream, data)),
        }
        while let Some(newest) = self.newest
            && let Some((_, oldest)) = self.pieces.front()
            && self.bytes - oldest.len() >= newest
        {
            self.bytes -= oldest.len();
            self.skipped += oldest.len() as u64;
            self.pieces.pop_front();
        }
    }

    /// Whether it is to go to the spool before any more comes.
    pub fn is_full(&self) -> bool {
        self.bytes >= self.full || self.pieces.len() >= PIECES_MAX
    }

    /// How many bytes made way, and the pieces that came after them.
    pub fn into_pieces(mut self) -> (u64, VecDeque<(Stream, Vec<u8>)>) {
        let excess = self.newest.map_or(0, |newest| self.bytes.saturating_sub(newest));
        if let Some((_, oldest)) = self.pieces.front_mut() {
            oldest.drain(..excess);
        }
        (self.skipped + excess as u64, self.pieces)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_newest_are_held_and_the_rest_is_counted(
            all in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 1..40)), 0..60),
            room in prop::option::of(0..300u64),
        ) {
            let mut gathered = Gathered::new(room);
            for (is_stderr, data) in &all {
                let stream = if *is_stderr { Stream::Stderr } else { Stream::Stdout };
                gathered.add(stream, data.clone());
            }
            let whole: Vec<(bool, u8)> =
                all.iter().flat_map(|(is_stderr, data)| data.iter().map(|byte| (*is_stderr, *byte))).collect();
            let (skipped, pieces) = gathered.into_pieces();
            let held: Vec<(bool, u8)> = pieces
                .iter()
                .flat_map(|(stream, data)| data.iter().map(|byte| (*stream == Stream::Stderr, *byte)))
                .collect();
            let newest = room.map_or(whole.len(), |room| whole.len().min(room as usize));
            prop_assert_eq!(&held[..], &whole[whole.len() - newest..]);
            prop_assert_eq!(skipped as usize, whole.len() - newest);
        }
    }

    #[test]
    fn little_is_held_of_what_has_no_end() {
        for (tail_room, bytes_max) in [
            (None, CHUNK_BYTES_MAX),
            (Some(1 << 20), 1 << 20),
            (Some(1 << 29), HELD_BYTES_MAX),
        ] {
            let mut gathered = Gathered::new(tail_room);
            for _ in 0..1000 {
                if gathered.is_full() {
                    gathered = Gathered::new(tail_room);
                }
                gathered.add(Stream::Stdout, vec![0; 60_000]);
                let held: usize = gathered.pieces.iter().map(|(_, data)| data.len()).sum();
                assert!(held < bytes_max + CHUNK_BYTES_MAX, "{tail_room:?}: {held}");
            }
        }
        let mut gathered = Gathered::new(Some(1 << 20));
        for n in 0.. {
            if gathered.is_full() {
                assert_eq!(n, PIECES_MAX);
                break;
            }
            let stream = if n % 2 == 0 {
                Stream::Stdout
            } else {
                Stream::Stderr
            };
            gathered.add(stream, vec![0]);
        }
    }
}

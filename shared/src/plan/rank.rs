//! Weighted rendezvous hashing: which node a slot likes best.
//!
//! Each (slot, node) pair has a score; the slot goes to the node with the highest. A node
//! that joins wins the slots that like it best and no others; one that leaves loses only
//! its own. A node of twice the weight wins twice as many (Schindelhauer and Schomaker,
//! "Weighted distributed hash tables", 2005: score = weight / -ln(hash)).

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use crate::id::{JobId, NodeId};

/// A node's part of every score.
pub(super) fn node_hash(node: &NodeId) -> u64 {
    let mut hasher = SipHasher24::new();
    hasher.write(node.as_str().as_bytes());
    hasher.finish()
}

/// A job's part, for choosing several distinct nodes.
pub(super) fn job_key(job: JobId) -> u64 {
    mix(job.seed())
}

/// A slot's part, for choosing one node for it.
pub(super) fn slot_key(job: JobId, slot: u32) -> u64 {
    match slot {
        0 => job_key(job),
        slot => mix(job.seed() ^ mix(u64::from(slot))),
    }
}

/// How well a node suits; the higher the better. Never NaN.
pub(super) fn score(key: u64, node: u64, weight: u32) -> f64 {
    // 53 bits and a half: strictly between 0 and 1.
    let unit = ((mix(key ^ node) >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    f64::from(weight.max(1)) / -ln(unit)
}

/// Spreads every bit over all (the finalizer of splitmix64).
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The natural logarithm of a normal positive number, by basic arithmetic only: IEEE 754
/// defines that to the bit, so that leaders on different machines, and the console in a
/// browser, agree. (`f64::ln` is the platform's.)
fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mut mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa /= 2.0;
        exponent += 1;
    }
    // ln(m) = 2 artanh((m - 1) / (m + 1)); here the argument is at most 0.172.
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let series = (0..9)
        .rev()
        .fold(0.0, |sum, n| sum * square + 1.0 / f64::from(2 * n + 1));
    exponent as f64 * std::f64::consts::LN_2 + 2.0 * s * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_one() {
        for x in [
            1e-16,
            0.001,
            0.3,
            0.5,
            0.707,
            0.7072,
            0.999_999,
            0.999_999_999_999,
        ] {
            let (ours, theirs) = (ln(x), f64::ln(x));
            assert!(
                (ours - theirs).abs() <= theirs.abs() * 1e-12 + 1e-15,
                "{x}: {ours} {theirs}"
            );
        }
    }

    #[test]
    fn weights_are_shares() {
        let nodes = ["a", "b", "c"].map(|n| node_hash(&n.parse().unwrap()));
        let mut won = [0u32; 3];
        for key in 0..40_000 {
            let scores: Vec<f64> = nodes
                .iter()
                .zip([1, 1, 2])
                .map(|(n, w)| score(mix(key), *n, w))
                .collect();
            let best = (0..3).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
            won[best] += 1;
        }
        assert!(
            won[0].abs_diff(10_000) < 500 && won[1].abs_diff(10_000) < 500,
            "{won:?}"
        );
        assert!(won[2].abs_diff(20_000) < 500, "{won:?}");
    }

    #[test]
    fn scores_are_pinned() {
        // Masters of different versions must agree, or an upgrade would move every slot.
        let node = node_hash(&"db1".parse().unwrap());
        let job: JobId = "01HV5TQ4WM0000000000000000".parse().unwrap();
        expect_test::expect!["10a20a3efc51526e f5bf39fb37190ad5 14a8b354de874792 383.37021711241175"]
            .assert_eq(&format!(
                "{node:016x} {:016x} {:016x} {:?}",
                job_key(job),
                slot_key(job, 1),
                score(job_key(job), node, 2)
            ));
    }
}

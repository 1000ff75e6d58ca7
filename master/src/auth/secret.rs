//! Secrets: made from the host's randomness, stored only as SHA-256.
//!
//! A secret of 256 random bits needs no slow hash: nobody can guess what it hashes from.
//! Passwords do, and have their own module.

use std::{fmt::Write as _, hint::black_box};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use shared::host::Host;

/// What API tokens start with, so that scanners of leaked secrets know one.
pub const TOKEN_PREFIX: &str = "gnomon_";

/// Letters and digits that nobody mistakes for each other.
const READABLE: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// 256 random bits as 43 characters of base64url.
pub fn random(host: &Host) -> String {
    let mut bytes = [0; 32];
    for part in bytes.chunks_exact_mut(8) {
        part.copy_from_slice(&host.random.next_u64().to_le_bytes());
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A password for a person to copy: 100 random bits as four groups of five characters.
pub fn password(host: &Host) -> String {
    let mut bits = host.next_u128();
    let mut text = String::with_capacity(23);
    for i in 0..20 {
        if i > 0 && i % 5 == 0 {
            text.push('-');
        }
        text.push(char::from(READABLE[(bits & 31) as usize]));
        bits >>= 5;
    }
    text
}

/// SHA-256, in hex.
pub fn sha256(secret: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(secret.as_bytes()) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// What a browser repeats in a header with each write. It follows from the session's
/// secret, which no script can read, and so needs no place in the store.
pub fn csrf(session_secret: &str) -> String {
    sha256(&format!("gnomon csrf {session_secret}"))
}

/// Whether two texts are the same, in a time that tells nothing but their lengths.
pub fn same(a: &str, b: &str) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let differing = a
        .bytes()
        .zip(b.bytes())
        .fold(0u8, |all, (x, y)| black_box(all | (x ^ y)));
    black_box(differing) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_compare() {
        let host = Host::system();
        let (a, b) = (random(&host), random(&host));
        assert_ne!(a, b);
        assert_eq!(a.len(), 43);
        assert!(same(&a, &a.clone()) && !same(&a, &b) && !same(&a, &a[1..]));
        assert_eq!(password(&host).len(), 23);
        assert_ne!(csrf(&a), sha256(&a));
        // The value that every language's SHA-256 gives.
        assert_eq!(
            sha256("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}

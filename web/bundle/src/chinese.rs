//! The Chinese texts: a file of their own, as only who reads Chinese needs them.

use anyhow::{Result, bail};
use wasmparser::{Parser, Payload};

/// Where `web/src/locale/chinese.rs` puts them.
const SECTION: &str = "chinese";

/// All of them, as they stand in the compiled program.
pub fn texts(compiled: &[u8]) -> Result<Vec<u8>> {
    let mut texts = Vec::new();
    for payload in Parser::new(0).parse_all(compiled) {
        if let Payload::CustomSection(section) = payload?
            && section.name() == SECTION
        {
            texts.extend(section.data());
        }
    }
    if texts.is_empty() {
        bail!("the compiled program has no section `{SECTION}`");
    }
    Ok(texts)
}

//! The Chinese texts: a file of their own, as only who reads Chinese needs them.

use anyhow::{Result, bail};
use wasmparser::{Parser, Payload};

/// Where `web/src/locale/chinese.rs` puts them.
const SECTION: &str = "chinese";

/// All of them, as they stand in the compiled program. (What is delivered no longer has the
/// section: `plain` leaves out all of that kind.)
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

#[cfg(test)]
mod tests {
    use wasm_encoder::{CustomSection, Module};

    use super::*;

    fn module(sections: &[(&str, &str)]) -> Vec<u8> {
        let mut module = Module::new();
        for (name, text) in sections {
            module.section(&CustomSection {
                name: (*name).into(),
                data: text.as_bytes().into(),
            });
        }
        module.finish()
    }

    #[test]
    fn all_of_it_is_taken_and_nothing_else() {
        let compiled = module(&[
            (SECTION, "\u{1e}a\n一\n"),
            ("other", "x"),
            (SECTION, "\u{1e}b\n二\n"),
        ]);
        assert_eq!(texts(&compiled).unwrap(), "\u{1e}a\n一\n\u{1e}b\n二\n".as_bytes());
        assert!(texts(&module(&[("other", "x")])).is_err());
    }
}

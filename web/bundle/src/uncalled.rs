//! Takes out what a crate exports to JavaScript and no JavaScript calls: the linker keeps all
//! that is exported, and all that it needs.

use std::convert::Infallible;

use anyhow::Result;
use wasm_encoder::{
    CustomSection, ExportSection, Module,
    reencode::{Error, Reencode, utils},
};
use wasmparser::{CustomSectionReader, ExportSectionReader, Parser};

/// The classes of `wasm-streams`, which Leptos brings along for its own server's functions.
const CLASSES: &str = "IntoUnderlying";
/// Where wasm-bindgen's macros tell the bundler what to bind.
const BINDINGS: &str = "__wasm_bindgen_unstable";

/// The compiled program without these classes.
pub fn without(compiled: &[u8]) -> Result<Vec<u8>> {
    let mut module = Module::new();
    let parser = Parser::new(0);
    Without.parse_core_module(&mut module, parser, compiled)?;
    Ok(module.finish())
}

struct Without;

impl Reencode for Without {
    type Error = Infallible;

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result<(), Error> {
        let of_class = CLASSES.to_ascii_lowercase();
        for export in section {
            let export = export?;
            if !export.name.contains(&of_class) {
                utils::parse_export(self, exports, export)?;
            }
        }
        Ok(())
    }

    fn parse_custom_section(
        &mut self,
        module: &mut Module,
        section: CustomSectionReader<'_>,
    ) -> Result<(), Error> {
        if section.name() != BINDINGS {
            return utils::parse_custom_section(self, module, section);
        }
        let data = kept(section.data()).unwrap_or_else(|| section.data().to_vec());
        module.section(&CustomSection {
            name: BINDINGS.into(),
            data: data.into(),
        });
        Ok(())
    }
}

/// The bindings: of each use of the macro the format's version and what it binds, both with
/// their length before them. None if they are something else.
fn kept(mut bindings: &[u8]) -> Option<Vec<u8>> {
    let mut kept = Vec::new();
    while !bindings.is_empty() {
        let start = bindings;
        next(&mut bindings)?;
        let bound = next(&mut bindings)?;
        let has_class = bound
            .windows(CLASSES.len())
            .any(|name| name == CLASSES.as_bytes());
        if !has_class {
            kept.extend(&start[..start.len() - bindings.len()]);
        }
    }
    Some(kept)
}

fn next<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (item, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *bytes = rest;
    Some(item)
}

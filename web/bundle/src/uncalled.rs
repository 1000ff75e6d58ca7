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

#[cfg(test)]
mod tests {
    use wasm_encoder::{CodeSection, ExportKind, Function, FunctionSection, Instruction, TypeSection};
    use wasmparser::{Payload, Validator};

    use super::*;

    fn item(text: &str) -> Vec<u8> {
        let length = (text.len() as u32).to_le_bytes();
        [&length, text.as_bytes()].concat()
    }

    fn bindings(of: &[&str]) -> Vec<u8> {
        of.iter()
            .flat_map(|bound| [item("version"), item(bound)].concat())
            .collect()
    }

    fn module(bindings: Vec<u8>) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let (mut functions, mut exports, mut code) =
            (FunctionSection::new(), ExportSection::new(), CodeSection::new());
        for (i, name) in [
            "main",
            "intounderlyingsink_write",
            "__wbg_intounderlyingsink_free",
        ]
        .into_iter()
        .enumerate()
        {
            functions.function(0);
            exports.export(name, ExportKind::Func, i as u32);
            let mut body = Function::new([]);
            body.instruction(&Instruction::End);
            code.function(&body);
        }
        let mut module = Module::new();
        module
            .section(&types)
            .section(&functions)
            .section(&exports)
            .section(&code);
        module.section(&CustomSection {
            name: BINDINGS.into(),
            data: bindings.into(),
        });
        module.finish()
    }

    fn said(module: &[u8]) -> (Vec<String>, Vec<u8>) {
        Validator::new().validate_all(module).unwrap();
        let (mut exports, mut bindings) = (Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(module) {
            match payload.unwrap() {
                Payload::ExportSection(section) => {
                    exports.extend(section.into_iter().map(|export| export.unwrap().name.to_owned()));
                }
                Payload::CustomSection(section) => bindings = section.data().to_vec(),
                _ => {}
            }
        }
        (exports, bindings)
    }

    #[test]
    fn the_classes_go_and_the_rest_stays() {
        let before = module(bindings(&["fetch", "class IntoUnderlyingSink", "console"]));
        let (exports, left) = said(&without(&before).unwrap());
        assert_eq!(exports, ["main"]);
        assert_eq!(left, bindings(&["fetch", "console"]));
    }

    #[test]
    fn bindings_of_another_form_stay() {
        let other = b"\xff\xff\xff\xffIntoUnderlying".to_vec();
        assert_eq!(said(&without(&module(other.clone())).unwrap()).1, other);
    }
}

//! A module's own functions, and the module with them elsewhere.

use std::convert::Infallible;

use anyhow::Result;
use wasm_encoder::{
    CodeSection, FunctionSection, Module,
    reencode::{Error, Reencode},
};
use wasmparser::{
    CodeSectionReader, FunctionBody, FunctionSectionReader, ImportSectionReader, Parser, Payload, TypeRef,
};

pub struct Functions<'a> {
    /// How many others come before them.
    imported: u32,
    /// The type's index, and the body, of each.
    all: Vec<(u32, FunctionBody<'a>)>,
}

impl<'a> Functions<'a> {
    /// Those of a valid module.
    pub fn of(module: &'a [u8]) -> Result<Functions<'a>> {
        let mut types = Vec::new();
        let mut bodies = Vec::new();
        let mut imported = 0;
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(section) => imported = functions_in(section)?,
                Payload::FunctionSection(section) => {
                    types = section.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::CodeSectionEntry(body) => bodies.push(body),
                _ => {}
            }
        }
        Ok(Functions {
            imported,
            all: types.into_iter().zip(bodies).collect(),
        })
    }

    /// The index of each one's type.
    pub fn types(&self) -> impl Iterator<Item = u32> {
        self.all.iter().map(|(of_type, _)| *of_type)
    }

    pub fn bodies(&self) -> Vec<&'a [u8]> {
        self.all.iter().map(|(_, body)| body.as_bytes()).collect()
    }

    /// The module with each function at its place, wherever it is named. Places are counted
    /// from 0 without a gap; of those with the same one the first stays.
    pub fn placed(&self, module: &[u8], places: &[usize]) -> Result<Vec<u8>> {
        let own = places.iter().map(|place| self.imported + *place as u32);
        let mut at: Vec<Option<usize>> = vec![None; places.len()];
        for (function, &place) in places.iter().enumerate() {
            at[place].get_or_insert(function);
        }
        let mut placed = Placed {
            indexes: (0..self.imported).chain(own).collect(),
            functions: at
                .into_iter()
                .map_while(|function| Some(self.all[function?].clone()))
                .collect(),
        };
        let mut encoded = Module::new();
        placed.parse_core_module(&mut encoded, Parser::new(0), module)?;
        Ok(encoded.finish())
    }
}

fn functions_in(imports: ImportSectionReader<'_>) -> Result<u32> {
    let mut count = 0;
    for import in imports.into_imports() {
        if let TypeRef::Func(_) | TypeRef::FuncExact(_) = import?.ty {
            count += 1;
        }
    }
    Ok(count)
}

struct Placed<'a> {
    /// Each function's new index, by its old one.
    indexes: Vec<u32>,
    /// The own ones, in the new order.
    functions: Vec<(u32, FunctionBody<'a>)>,
}

impl Reencode for Placed<'_> {
    type Error = Infallible;

    fn function_index(&mut self, index: u32) -> Result<u32, Error> {
        Ok(self.indexes[index as usize])
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        _: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        for (of_type, _) in &self.functions {
            functions.function(*of_type);
        }
        Ok(())
    }

    fn parse_code_section(&mut self, code: &mut CodeSection, _: CodeSectionReader<'_>) -> Result<(), Error> {
        for (_, body) in std::mem::take(&mut self.functions) {
            self.parse_function_body(code, body)?;
        }
        Ok(())
    }
}

//! Leaves one of functions that are the same: many types have the same code in the end.

use std::collections::HashMap;

use anyhow::Result;

use crate::functions::Functions;

/// The same valid module with each function once, wherever it was named by another. Those that
/// call such ones may be the same then, too.
pub fn once(module: &[u8]) -> Result<Vec<u8>> {
    let mut module = module.to_vec();
    loop {
        let functions = Functions::of(&module)?;
        let (places, count) = places(&functions);
        if count == places.len() {
            return Ok(module);
        }
        module = functions.placed(&module, &places)?;
    }
}

/// Each function's place, the same for those that are the same, and how many there are.
fn places(functions: &Functions) -> (Vec<usize>, usize) {
    let mut known = HashMap::new();
    let all = functions.types().zip(functions.bodies());
    let places = all
        .map(|function| {
            let next = known.len();
            *known.entry(function).or_insert(next)
        })
        .collect();
    (places, known.len())
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        CodeSection, ExportKind, ExportSection, Function, FunctionSection, Instruction, Module, TypeSection,
        ValType,
    };
    use wasmparser::{Operator, Parser, Payload, Validator};

    use super::*;

    /// Functions of a type, which call others: no arguments, and one number each returns.
    fn module(functions: &[(u32, i32, &[u32])]) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], [ValType::I32]);
        types.ty().function([ValType::I32], [ValType::I32]);
        let (mut declared, mut exports, mut code) =
            (FunctionSection::new(), ExportSection::new(), CodeSection::new());
        for (i, (of_type, number, calls)) in functions.iter().enumerate() {
            declared.function(*of_type);
            exports.export(&format!("f{i}"), ExportKind::Func, i as u32);
            let mut body = Function::new([]);
            for call in *calls {
                body.instruction(&Instruction::Call(*call))
                    .instruction(&Instruction::Drop);
            }
            body.instruction(&Instruction::I32Const(*number))
                .instruction(&Instruction::End);
            code.function(&body);
        }
        let mut module = Module::new();
        module
            .section(&types)
            .section(&declared)
            .section(&exports)
            .section(&code);
        module.finish()
    }

    /// Which function each export is, and what each calls.
    fn said(module: &[u8]) -> (Vec<u32>, Vec<Vec<u32>>) {
        Validator::new().validate_all(module).unwrap();
        let (mut exports, mut calls) = (Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(module) {
            match payload.unwrap() {
                Payload::ExportSection(section) => {
                    exports.extend(section.into_iter().map(|export| export.unwrap().index));
                }
                Payload::CodeSectionEntry(body) => {
                    let operators = body.get_operators_reader().unwrap().into_iter();
                    let called = operators.filter_map(|operator| match operator.unwrap() {
                        Operator::Call { function_index } => Some(function_index),
                        _ => None,
                    });
                    calls.push(called.collect());
                }
                _ => {}
            }
        }
        (exports, calls)
    }

    #[test]
    fn the_same_function_stands_once_and_so_do_those_that_call_it() {
        let before = module(&[
            (0, 7, &[]),
            (0, 8, &[]),
            (0, 7, &[]),
            // The same but for which of the two they call.
            (0, 1, &[0]),
            (0, 1, &[2]),
            (0, 1, &[1]),
            // Another type.
            (1, 7, &[]),
        ]);
        let (exports, calls) = said(&once(&before).unwrap());
        assert_eq!(exports, [0, 1, 0, 2, 2, 3, 4]);
        assert_eq!(calls, [vec![], vec![], vec![0], vec![1], vec![]]);
    }

    #[test]
    fn where_all_differ_nothing_changes() {
        let before = module(&[(0, 1, &[]), (0, 2, &[0])]);
        assert_eq!(once(&before).unwrap(), before);
    }
}

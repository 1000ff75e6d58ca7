//! Puts a module's functions into an order in which like stands by like, so that it
//! compresses better: what compresses it finds a repetition the cheaper the nearer it is.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;

use crate::functions::Functions;

/// The same valid module with its own functions in another order, wherever they are named.
pub fn ordered(module: &[u8]) -> Result<Vec<u8>> {
    let functions = Functions::of(module)?;
    let order = chain(&functions.bodies());
    let mut places = vec![0; order.len()];
    for (place, &function) in order.iter().enumerate() {
        places[function] = place;
    }
    functions.placed(module, &places)
}

/// Bytes that two functions must have in a row for it to count as a likeness: what is
/// shorter is not worth a reference when it is compressed.
const RUN: usize = 4;

/// A run that more functions have tells nothing of them.
const HOLDERS_MAX: usize = 1000;

/// An order of all bodies in which after each one comes, of those that are left, the one
/// most like it; where none is like it, the first that is left. The same bodies always give
/// the same order.
fn chain(bodies: &[&[u8]]) -> Vec<usize> {
    let mut likeness = Likeness::new(bodies);
    let mut order = Vec::with_capacity(bodies.len());
    for first in 0..bodies.len() {
        let mut next = likeness.is_left[first].then_some(first);
        while let Some(current) = next {
            order.push(current);
            next = likeness.take(current);
        }
    }
    order
}

/// What bodies have in common.
struct Likeness<'a> {
    /// Of each body.
    runs: Vec<Vec<&'a [u8]>>,
    /// The bodies that have a run, by the run. Those that were taken leave when they are met.
    holders: HashMap<&'a [u8], Vec<usize>>,
    is_left: Vec<bool>,
}

impl<'a> Likeness<'a> {
    fn new(bodies: &[&'a [u8]]) -> Likeness<'a> {
        let runs: Vec<_> = bodies.iter().map(|body| runs(body)).collect();
        let mut holders: HashMap<_, Vec<usize>> = HashMap::new();
        for (body, runs) in runs.iter().enumerate() {
            for &run in runs {
                holders.entry(run).or_default().push(body);
            }
        }
        let is_left = vec![true; bodies.len()];
        Likeness {
            runs,
            holders,
            is_left,
        }
    }

    /// Takes a body, and finds of those that are left the one most like it: with which it
    /// shares the largest part of the runs that either has.
    fn take(&mut self, taken: usize) -> Option<usize> {
        self.is_left[taken] = false;
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        for run in &self.runs[taken] {
            let Some(holders) = self.holders.get_mut(run) else {
                continue;
            };
            holders.retain(|&body| self.is_left[body]);
            if holders.len() <= HOLDERS_MAX {
                for &body in holders.iter() {
                    *shared.entry(body).or_default() += 1;
                }
            }
        }
        let part = |(body, shared): (usize, usize)| {
            let either = self.runs[taken].len() + self.runs[body].len() - shared;
            shared as f64 / either as f64
        };
        let most = shared.into_iter().max_by(|&a, &b| part(a).total_cmp(&part(b)));
        most.map(|(body, _)| body)
    }
}

/// Each run of a body once.
fn runs(body: &[u8]) -> Vec<&[u8]> {
    let mut runs: Vec<&[u8]> = body.windows(RUN).collect();
    runs.sort_unstable();
    runs.dedup();
    runs
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        CodeSection, ConstExpr, ElementSection, Elements, EntityType, ExportKind, ExportSection, Function,
        FunctionSection, ImportSection, Instruction, Module, RefType, StartSection, TableSection, TableType,
        TypeSection, ValType,
    };
    use wasmparser::{ElementItems, Operator, Parser, Payload, Validator};

    use super::*;

    const IMPORTED: u32 = 2;
    /// A function's type, what it calls, and how often it does what its type does.
    type Sketch = (u32, &'static [u32], usize);
    const SKETCHES: [Sketch; 6] = [
        (0, &[0, 3], 40),
        (1, &[4], 30),
        (0, &[1, 7], 41),
        (1, &[5], 31),
        (0, &[0], 39),
        (1, &[2, 2], 1),
    ];

    /// Each own function begins with a constant that says which one it is.
    fn module() -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        types.ty().function([], [ValType::I32]);
        let mut imports = ImportSection::new();
        for name in ["a", "b"] {
            imports.import("env", name, EntityType::Function(0));
        }
        let mut functions = FunctionSection::new();
        let mut code = CodeSection::new();
        for (i, (r#type, calls, times)) in SKETCHES.into_iter().enumerate() {
            functions.function(r#type);
            let mut function = Function::new([]);
            function.instruction(&Instruction::I32Const(i as i32));
            for _ in 0..times {
                function.instruction(&Instruction::I32Const(1000 + r#type as i32));
                function.instruction(&Instruction::I32Add);
            }
            if r#type == 0 {
                function.instruction(&Instruction::Drop);
            }
            for &call in calls {
                function.instruction(&Instruction::Call(call));
                if call >= IMPORTED && SKETCHES[(call - IMPORTED) as usize].0 == 1 {
                    function.instruction(&Instruction::Drop);
                }
            }
            function.instruction(&Instruction::End);
            code.function(&function);
        }
        let mut tables = TableSection::new();
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: 8,
            maximum: None,
            shared: false,
        });
        let mut exports = ExportSection::new();
        exports.export("first", ExportKind::Func, 2);
        exports.export("imported", ExportKind::Func, 1);
        exports.export("last", ExportKind::Func, 7);
        let mut elements = ElementSection::new();
        let at = ConstExpr::i32_const(1);
        elements.active(None, &at, Elements::Functions((&[6, 0, 3, 3, 5]).into()));
        let mut module = Module::new();
        let head = module.section(&types).section(&imports).section(&functions);
        let middle = head.section(&tables).section(&exports);
        let start = StartSection { function_index: 4 };
        middle.section(&start).section(&elements).section(&code);
        module.finish()
    }

    /// What a module says, with functions called by what they say that they are.
    #[derive(Debug, Default, PartialEq)]
    struct Meaning {
        exports: Vec<(String, String)>,
        start: String,
        elements: Vec<String>,
        /// By name: the type, and what it calls.
        functions: BTreeMap<String, (u32, Vec<String>)>,
    }

    fn meaning(module: &[u8]) -> Meaning {
        Validator::new().validate_all(module).unwrap();
        let payloads: Vec<Payload> = Parser::new(0).parse_all(module).map(Result::unwrap).collect();
        let mut names: Vec<String> = (0..IMPORTED).map(|i| format!("imported {i}")).collect();
        let mut types = Vec::new();
        let mut bodies = Vec::new();
        for payload in &payloads {
            match payload {
                Payload::FunctionSection(section) => {
                    types.extend(section.clone().into_iter().map(Result::unwrap));
                }
                Payload::CodeSectionEntry(body) => {
                    let operators = body.get_operators_reader().unwrap();
                    let operators: Vec<_> = operators.into_iter().map(Result::unwrap).collect();
                    let Operator::I32Const { value } = operators[0] else {
                        panic!("{operators:?}")
                    };
                    names.push(format!("own {value}"));
                    bodies.push(operators);
                }
                _ => {}
            }
        }
        let name = |index: u32| names[index as usize].clone();
        let mut meaning = Meaning::default();
        for payload in payloads {
            match payload {
                Payload::ExportSection(section) => {
                    for export in section.into_iter().map(Result::unwrap) {
                        let called = export.name.to_owned();
                        meaning.exports.push((called, name(export.index)));
                    }
                }
                Payload::StartSection { func, .. } => meaning.start = name(func),
                Payload::ElementSection(section) => {
                    for element in section.into_iter().map(Result::unwrap) {
                        let ElementItems::Functions(items) = element.items else {
                            panic!("an expression")
                        };
                        meaning
                            .elements
                            .extend(items.into_iter().map(|i| name(i.unwrap())));
                    }
                }
                _ => {}
            }
        }
        for (i, operators) in bodies.iter().enumerate() {
            let calls = operators.iter().filter_map(|operator| match operator {
                Operator::Call { function_index } => Some(name(*function_index)),
                _ => None,
            });
            let function = (types[i], calls.collect());
            meaning.functions.insert(name(IMPORTED + i as u32), function);
        }
        meaning
    }

    #[test]
    fn functions_change_places_and_the_module_says_the_same() {
        let before = module();
        let after = ordered(&before).unwrap();
        assert_ne!(before, after);
        assert_eq!(before.len(), after.len());
        assert_eq!(meaning(&before), meaning(&after));
        assert_eq!(ordered(&after).unwrap().len(), after.len());
        assert_eq!(ordered(&before).unwrap(), after);
    }

    #[test]
    fn like_comes_after_like() {
        let bodies: [&[u8]; 7] = [
            b"one two three four",
            b"xx",
            b"12345678901234567890",
            b"five one two three",
            b"",
            b"012345678901234",
            b"two three four five",
        ];
        assert_eq!(chain(&bodies), [0, 6, 3, 1, 2, 5, 4]);
    }
}

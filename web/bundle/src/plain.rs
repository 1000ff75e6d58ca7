//! Makes a module's functions alike where they do the like, so that it compresses better:
//! what a compiler chose freely is chosen the same way everywhere. What the module does
//! stays.

use std::{cmp::Reverse, convert::Infallible};

use anyhow::Result;
use wasm_encoder::{
    CodeSection, Instruction, MemArg, Module,
    reencode::{Error, Reencode, utils},
};
use wasmparser::{
    CodeSectionReader, CustomSectionReader, FunctionBody, FunctionSectionReader, Operator, Parser,
    TypeSectionReader,
};

/// A valid module without custom sections, in which
///
/// - each function's locals are numbered by how often they are used: the low numbers come
///   often, and what matters in one function has the number that it has in the next;
/// - no load or store promises an alignment: it is a hint that no engine heeds any more.
pub fn plain(module: &[u8]) -> Result<Vec<u8>> {
    let mut plain = Plain::default();
    let mut encoded = Module::new();
    plain.parse_core_module(&mut encoded, Parser::new(0), module)?;
    Ok(encoded.finish())
}

#[derive(Default)]
struct Plain {
    /// How many parameters a function of each type has, by the type's index.
    type_parameters: Vec<u32>,
    /// The same of each function that has a body.
    parameters: Vec<u32>,
    /// The new numbers of the locals of the function that is being encoded.
    locals: Vec<u32>,
}

impl Reencode for Plain {
    type Error = Infallible;

    fn parse_type_section(
        &mut self,
        types: &mut wasm_encoder::TypeSection,
        section: TypeSectionReader<'_>,
    ) -> Result<(), Error> {
        for function in section.clone().into_iter_err_on_gc_types() {
            self.type_parameters.push(function?.params().len() as u32);
        }
        utils::parse_type_section(self, types, section)
    }

    fn parse_function_section(
        &mut self,
        functions: &mut wasm_encoder::FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        for index in section.clone() {
            self.parameters.push(self.type_parameters[index? as usize]);
        }
        utils::parse_function_section(self, functions, section)
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error> {
        for (i, body) in section.into_iter().enumerate() {
            let body = body?;
            self.locals = by_use(self.parameters[i], &body)?;
            self.parse_function_body(code, body)?;
        }
        Ok(())
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<Instruction<'a>, Error> {
        Ok(match (local(&operator), operator) {
            (Some(i), Operator::LocalGet { .. }) => Instruction::LocalGet(self.locals[i]),
            (Some(i), Operator::LocalSet { .. }) => Instruction::LocalSet(self.locals[i]),
            (Some(i), Operator::LocalTee { .. }) => Instruction::LocalTee(self.locals[i]),
            (_, operator) => utils::instruction(self, operator)?,
        })
    }

    fn mem_arg(&mut self, argument: wasmparser::MemArg) -> Result<MemArg, Error> {
        let argument = utils::mem_arg(self, argument)?;
        Ok(MemArg { align: 0, ..argument })
    }

    /// What tools told each other of the module is of no use in a browser.
    fn parse_custom_section(&mut self, _: &mut Module, _: CustomSectionReader<'_>) -> Result<(), Error> {
        Ok(())
    }
}

/// The local that an instruction names.
fn local(operator: &Operator) -> Option<usize> {
    match operator {
        Operator::LocalGet { local_index }
        | Operator::LocalSet { local_index }
        | Operator::LocalTee { local_index } => Some(*local_index as usize),
        _ => None,
    }
}

/// The new number of each local. Parameters keep theirs, and the others the types that
/// their numbers were declared with: they change places with their declaration's.
fn by_use(parameters: u32, body: &FunctionBody<'_>) -> Result<Vec<u32>, Error> {
    let mut declared = Vec::new();
    let mut count = parameters;
    for declaration in body.get_locals_reader()? {
        let (of_type, _) = declaration?;
        declared.push(count..count + of_type);
        count += of_type;
    }
    let mut uses = vec![0_u32; count as usize];
    for operator in body.get_operators_reader()? {
        if let Some(i) = local(&operator?) {
            uses[i] += 1;
        }
    }
    let mut numbers: Vec<u32> = (0..count).collect();
    for places in declared {
        let mut locals: Vec<u32> = places.clone().collect();
        locals.sort_by_key(|local| Reverse(uses[*local as usize]));
        for (local, place) in locals.into_iter().zip(places) {
            numbers[local as usize] = place;
        }
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        CustomSection, Function, FunctionSection, MemorySection, MemoryType, TypeSection, ValType,
    };
    use wasmparser::{Payload, Validator};

    use super::*;

    /// One function of one parameter, with these locals and instructions.
    fn module(locals: &[(u32, ValType)], instructions: &[Instruction]) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([ValType::I32], []);
        let mut functions = FunctionSection::new();
        functions.function(0);
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut function = Function::new(locals.iter().copied());
        for instruction in instructions {
            function.instruction(instruction);
        }
        function.instruction(&Instruction::End);
        let mut code = CodeSection::new();
        code.function(&function);
        let mut module = Module::new();
        let sections = module.section(&types).section(&functions).section(&memories);
        sections.section(&code);
        module.finish()
    }

    fn load(align: u32) -> Instruction<'static> {
        let memory_index = 0;
        Instruction::I64Load(MemArg {
            offset: 8,
            align,
            memory_index,
        })
    }

    #[test]
    fn locals_that_are_used_more_come_first_within_their_type() {
        use Instruction::{Drop, I64Eqz, LocalGet, LocalSet, LocalTee};
        // 0 is the parameter; 1 and 2 are i32, 3 to 5 are i64.
        let locals = [(2, ValType::I32), (3, ValType::I64)];
        let before = module(
            &locals,
            &[
                LocalGet(0),
                LocalTee(2),
                LocalSet(2),
                LocalGet(5),
                LocalTee(4),
                LocalSet(5),
                LocalGet(5),
                I64Eqz,
                LocalSet(1),
                LocalGet(4),
                Drop,
            ],
        );
        let after = module(
            &locals,
            &[
                LocalGet(0),
                LocalTee(1),
                LocalSet(1),
                LocalGet(3),
                LocalTee(4),
                LocalSet(3),
                LocalGet(3),
                I64Eqz,
                LocalSet(2),
                LocalGet(4),
                Drop,
            ],
        );
        assert_eq!(plain(&before).unwrap(), after);
        assert_eq!(plain(&after).unwrap(), after);
        Validator::new().validate_all(&after).unwrap();
    }

    #[test]
    fn alignments_and_custom_sections_go() {
        let address = Instruction::LocalGet(0);
        let mut before = module(&[], &[address.clone(), load(3), Instruction::Drop]);
        let after = module(&[], &[address, load(0), Instruction::Drop]);
        let note = CustomSection {
            name: "note".into(),
            data: b"for tools".into(),
        };
        before.extend_from_slice(&{
            let mut only = Module::new();
            only.section(&note);
            only.finish()[Module::HEADER.len()..].to_vec()
        });
        let has_note = |module: &[u8]| {
            Parser::new(0)
                .parse_all(module)
                .any(|payload| matches!(payload.unwrap(), Payload::CustomSection(_)))
        };
        assert!(has_note(&before));
        assert_eq!(plain(&before).unwrap(), after);
    }
}

//! Short names for what the module and its JavaScript call each other. wasm-bindgen's have
//! a hash each, of sixteen digits that no compression makes smaller, and stand in both.

use std::{collections::HashMap, convert::Infallible};

use anyhow::{Result, bail};
use wasm_encoder::{
    ExportSection, ImportSection, Module,
    reencode::{Error, Reencode, utils},
};
use wasmparser::{Export, Import, ImportSectionReader, Parser, Payload};

/// A valid module and its script with short names for all that the module imports, and for
/// what it exports under a mangled name. The other names of exports say what they are, and
/// there are few.
pub fn short(module: &[u8], script: &str) -> Result<(Vec<u8>, String)> {
    let mut names = HashMap::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    add(&mut names, import?.name);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let name = export?.name;
                    if name.starts_with("_R") {
                        add(&mut names, name);
                    }
                }
            }
            _ => {}
        }
    }
    let script = renamed(script, &names)?;
    let mut encoded = Module::new();
    Short { names }.parse_core_module(&mut encoded, Parser::new(0), module)?;
    Ok((encoded.finish(), script))
}

fn add<'a>(names: &mut HashMap<&'a str, String>, name: &'a str) {
    let short = format!("${}", names.len());
    names.entry(name).or_insert(short);
}

/// The script with other identifiers, which it must not have already.
fn renamed(script: &str, names: &HashMap<&str, String>) -> Result<String> {
    let mut renamed = String::with_capacity(script.len());
    let mut rest = script;
    while let Some(start) = rest.find(is_of_identifier) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !is_of_identifier(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        if word
            .strip_prefix('$')
            .is_some_and(|number| number.parse::<usize>().is_ok())
        {
            bail!("wasm-bindgen's script has the name `{word}` already");
        }
        renamed.push_str(before);
        renamed.push_str(names.get(word).map_or(word, String::as_str));
        rest = after;
    }
    renamed.push_str(rest);
    Ok(renamed)
}

fn is_of_identifier(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

struct Short<'a> {
    names: HashMap<&'a str, String>,
}

impl Short<'_> {
    fn name(&self, old: &str) -> String {
        self.names.get(old).map_or(old, String::as_str).to_owned()
    }
}

impl Reencode for Short<'_> {
    type Error = Infallible;

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), Error> {
        for import in section.into_imports() {
            let import = import?;
            let name = self.name(import.name);
            utils::parse_import(
                self,
                imports,
                Import {
                    name: &name,
                    ..import
                },
            )?;
        }
        Ok(())
    }

    fn parse_export(&mut self, exports: &mut ExportSection, export: Export<'_>) -> Result<(), Error> {
        let name = self.name(export.name);
        utils::parse_export(
            self,
            exports,
            Export {
                name: &name,
                ..export
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{EntityType, ExportKind, TypeSection};

    use super::*;

    fn module() -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut imports = ImportSection::new();
        for name in ["__wbg_new_0123456789abcdef", "__wbg_body_0123456789abcdef"] {
            imports.import("./console_bg.js", name, EntityType::Function(0));
        }
        let mut exports = ExportSection::new();
        exports.export("_Rinvoke", ExportKind::Func, 0);
        exports.export("_Rinvoke_1", ExportKind::Func, 1);
        exports.export("main", ExportKind::Func, 1);
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&exports);
        module.finish()
    }

    #[test]
    fn module_and_script_have_the_same_short_names() {
        let script = "const imports = { __wbg_new_0123456789abcdef: () => `${_Rinvoke_1(1)}`,
            __wbg_body_0123456789abcdef() {} };
            function _Rinvoke_1(a) { return wasm._Rinvoke_1(a) + wasm._Rinvoke(new_) + wasm.main; }";
        let (module, script) = short(&module(), script).unwrap();
        assert_eq!(
            script,
            "const imports = { $0: () => `${$3(1)}`,
            $1() {} };
            function $3(a) { return wasm.$3(a) + wasm.$2(new_) + wasm.main; }"
        );
        let mut names = Vec::new();
        for payload in Parser::new(0).parse_all(&module) {
            match payload.unwrap() {
                Payload::ImportSection(section) => {
                    names.extend(section.into_imports().map(|import| import.unwrap().name));
                }
                Payload::ExportSection(section) => {
                    names.extend(section.into_iter().map(|export| export.unwrap().name));
                }
                _ => {}
            }
        }
        assert_eq!(names, ["$0", "$1", "$2", "$3", "main"]);
    }

    #[test]
    fn script_that_has_such_names_is_refused() {
        assert!(short(&module(), "let $7 = 1;").is_err());
        assert!(short(&module(), "let $a7 = `$${7}`;").is_ok());
    }
}

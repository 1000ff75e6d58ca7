//! What `#[serde(…)]` says, as far as it is about reading.

use syn::{
    Attribute, Field, LitStr, Path, Type, Variant, ext::IdentExt, meta::ParseNestedMeta, parse::Parse,
};

/// Of a type.
#[derive(Default)]
pub struct Container {
    /// Another type that the format is of.
    pub through: Option<Through>,
    /// What is missing is as in the type's default.
    pub is_default: bool,
    /// Unknown keys are refused.
    pub is_strict: bool,
    /// The key that tells the variant, beside the variant's own.
    pub tag: Option<String>,
    words: Words,
}

/// The type of a `from` or a `try_from`.
pub struct Through {
    pub file: Type,
    pub may_fail: bool,
}

/// How the names of variants are written.
#[derive(Clone, Copy, Default)]
enum Words {
    #[default]
    AsInRust,
    SnakeCase,
    Lowercase,
}

/// Of a field.
pub struct OfField {
    pub name: String,
    pub missing: Missing,
    /// It takes the keys that nobody else knows.
    pub is_flat: bool,
}

/// What a field is whose key is missing.
pub enum Missing {
    /// Whatever its type says: an error, for most.
    IsWrong,
    IsDefault,
    /// What this function gives.
    Is(Path),
}

/// A variant's name in the format.
pub struct Name(pub String);

impl Container {
    pub fn of(attributes: &[Attribute]) -> syn::Result<Container> {
        let mut container = Container::default();
        each(attributes, |meta| {
            if meta.path.is_ident("default") {
                container.is_default = true;
            } else if meta.path.is_ident("deny_unknown_fields") {
                container.is_strict = true;
            } else if meta.path.is_ident("tag") {
                container.tag = Some(text(meta)?.value());
            } else if meta.path.is_ident("rename_all") {
                container.words = Words::of(&text(meta)?)?;
            } else if meta.path.is_ident("from") || meta.path.is_ident("try_from") {
                container.through = Some(Through {
                    may_fail: meta.path.is_ident("try_from"),
                    file: quoted(meta)?,
                });
            } else if meta.path.is_ident("into") || meta.path.is_ident("rename") {
                // How it is written, and what errors and schemas call it.
                text(meta)?;
            } else {
                return Err(unknown(meta));
            }
            Ok(())
        })?;
        Ok(container)
    }
}

impl Words {
    fn of(text: &LitStr) -> syn::Result<Words> {
        match text.value().as_str() {
            "snake_case" => Ok(Words::SnakeCase),
            "lowercase" => Ok(Words::Lowercase),
            _ => Err(syn::Error::new_spanned(
                text,
                "`Read` knows snake_case and lowercase",
            )),
        }
    }

    fn write(self, name: &str) -> String {
        match self {
            Words::AsInRust => name.to_owned(),
            Words::Lowercase => name.to_ascii_lowercase(),
            Words::SnakeCase => {
                let mut written = String::new();
                for (i, c) in name.chars().enumerate() {
                    if i > 0 && c.is_uppercase() {
                        written.push('_');
                    }
                    written.push(c.to_ascii_lowercase());
                }
                written
            }
        }
    }
}

impl OfField {
    /// Fields are written as in Rust under each `rename_all` that is known here.
    pub fn of(field: &Field) -> syn::Result<OfField> {
        let ident = field.ident.as_ref().map(|name| name.unraw().to_string());
        let mut known = OfField {
            name: ident.unwrap_or_default(),
            missing: Missing::IsWrong,
            is_flat: false,
        };
        each(&field.attrs, |meta| {
            if meta.path.is_ident("rename") {
                known.name = text(meta)?.value();
            } else if meta.path.is_ident("default") {
                known.missing = match meta.input.peek(syn::Token![=]) {
                    true => Missing::Is(quoted(meta)?),
                    false => Missing::IsDefault,
                };
            } else if meta.path.is_ident("flatten") {
                known.is_flat = true;
            } else if meta.path.is_ident("skip_serializing_if") {
                text(meta)?;
            } else if !meta.path.is_ident("skip_serializing") {
                return Err(unknown(meta));
            }
            Ok(())
        })?;
        Ok(known)
    }
}

impl Name {
    pub fn of_variant(variant: &Variant, container: &Container) -> syn::Result<Name> {
        let mut name = container.words.write(&variant.ident.unraw().to_string());
        each(&variant.attrs, |meta| {
            if !meta.path.is_ident("rename") {
                return Err(unknown(meta));
            }
            name = text(meta)?.value();
            Ok(())
        })?;
        Ok(Name(name))
    }
}

fn each(
    attributes: &[Attribute],
    mut take: impl FnMut(&ParseNestedMeta) -> syn::Result<()>,
) -> syn::Result<()> {
    for attribute in attributes.iter().filter(|a| a.path().is_ident("serde")) {
        attribute.parse_nested_meta(|meta| take(&meta))?;
    }
    Ok(())
}

fn text(meta: &ParseNestedMeta) -> syn::Result<LitStr> {
    meta.value()?.parse()
}

/// Rust that stands in a text, as serde has it.
fn quoted<T: Parse>(meta: &ParseNestedMeta) -> syn::Result<T> {
    text(meta)?.parse()
}

fn unknown(meta: &ParseNestedMeta) -> syn::Error {
    meta.error("`Read` does not know this: teach it, or write the type's `Read` by hand")
}

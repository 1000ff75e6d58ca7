//! `#[derive(Read)]`: a type is read from a value (`shared::file::value::Read`).
//!
//! The format is what `#[serde(…)]` says of it, so that a type has one annotation and what
//! serde writes is what this reads. Serde's own derive gives each type a visitor with its own
//! loop over the keys; this gives it a list of its keys and one call a field, which is what
//! keeps the console small. An annotation that is not known here is refused.

mod attributes;
mod body;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DataEnum, DataStruct, DeriveInput, Fields, parse_macro_input, parse_quote};

use attributes::{Container, Name};

/// See the crate.
#[proc_macro_derive(Read, attributes(serde))]
pub fn derive_read(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    implementation(input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

fn implementation(mut input: DeriveInput) -> syn::Result<TokenStream> {
    let container = Container::of(&input.attrs)?;
    let body = match (&container.through, &input.data) {
        (Some(through), _) => through_another(through),
        (None, Data::Struct(of)) => of_struct(of, &container)?,
        (None, Data::Enum(of)) => of_enum(of, &container)?,
        (None, Data::Union(of)) => {
            return Err(syn::Error::new_spanned(of.union_token, "a union cannot be read"));
        }
    };
    for parameter in input.generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(::shared::file::value::Read));
    }
    let name = &input.ident;
    let (parameters, arguments, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #parameters ::shared::file::value::Read for #name #arguments #bounds {
            fn read(
                found: ::shared::file::value::Located,
            ) -> ::core::result::Result<Self, ::shared::file::value::ValueError> {
                #body
            }
        }
    })
}

/// What `from` and `try_from` name is read, and made into the type.
fn through_another(through: &attributes::Through) -> TokenStream {
    let file = &through.file;
    let read = quote!(<#file as ::shared::file::value::Read>::read(found)?);
    match through.may_fail {
        false => quote!(::core::result::Result::Ok(::core::convert::From::<#file>::from(#read))),
        true => quote! {
            let at = found.at;
            ::core::convert::TryFrom::<#file>::try_from(#read)
                .map_err(|why| ::shared::file::value::ValueError::of(at, &why))
        },
    }
}

fn of_struct(of: &DataStruct, container: &Container) -> syn::Result<TokenStream> {
    match &of.fields {
        Fields::Named(fields) => {
            let open = body::open(fields, container)?;
            let (whole, construction) = body::named(&quote!(Self), fields, container)?;
            Ok(quote! {
                let mut fields = #open;
                #whole
                ::core::result::Result::Ok(#construction)
            })
        }
        // As serde does: one thing in a wrapping is written as that thing.
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Ok(quote! {
            ::shared::file::value::Read::read(found).map(Self)
        }),
        other => Err(syn::Error::new_spanned(
            other,
            "only fields with names, or one without, can be read",
        )),
    }
}

/// A variant is known by its place in the list of names: what looks it up is no code of the
/// type's.
fn of_enum(of: &DataEnum, container: &Container) -> syn::Result<TokenStream> {
    let is_word = container.tag.is_none() && of.variants.iter().all(|variant| variant.fields.is_empty());
    let mut names = Vec::new();
    let mut arms = Vec::new();
    for (i, variant) in of.variants.iter().enumerate() {
        names.push(Name::of_variant(variant, container)?.0);
        let pattern = match i + 1 == of.variants.len() {
            // There is no other: the index is one of the list's.
            true => quote!(_),
            false => quote!(#i),
        };
        let value = match is_word {
            true => body::word(variant),
            false => body::of_variant(variant, container)?,
        };
        arms.push(quote!(#pattern => #value));
    }
    let found = match &container.tag {
        _ if is_word => quote!(let variant = Content::word(found, &[#(#names),*])?;),
        Some(tag) => quote!(let (variant, content) = Content::tagged(found, #tag, &[#(#names),*])?;),
        None => quote!(let (variant, content) = Content::named(found, &[#(#names),*])?;),
    };
    Ok(quote! {
        use ::shared::file::value::Content;
        #found
        ::core::result::Result::Ok(match variant { #(#arms),* })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(input: DeriveInput, why: &str) {
        let error = implementation(input).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }

    /// Or the two readers would differ without a word.
    #[test]
    fn what_is_not_known_is_refused() {
        let unknown = "does not know this";
        refused(
            parse_quote!(
                #[serde(untagged)]
                enum E {
                    A,
                }
            ),
            unknown,
        );
        refused(
            parse_quote!(
                #[serde(transparent)]
                struct S {
                    a: u8,
                }
            ),
            unknown,
        );
        refused(
            parse_quote!(
                struct S {
                    #[serde(alias = "b")]
                    a: u8,
                }
            ),
            unknown,
        );
        refused(
            parse_quote!(
                struct S {
                    #[serde(deserialize_with = "b")]
                    a: u8,
                }
            ),
            unknown,
        );
        refused(
            parse_quote!(
                enum E {
                    #[serde(other)]
                    A,
                }
            ),
            unknown,
        );
        refused(
            parse_quote!(
                #[serde(rename_all = "camelCase")]
                struct S {
                    a: u8,
                }
            ),
            "snake_case",
        );
        refused(
            parse_quote!(
                struct S(u8, u8);
            ),
            "only fields with names",
        );
        refused(
            parse_quote!(
                struct S;
            ),
            "only fields with names",
        );
        refused(
            parse_quote!(
                enum E {
                    A(u8, u8),
                }
            ),
            "only a variant of one thing",
        );
        refused(parse_quote!(union U { a: u8 }), "union");
    }

    #[test]
    fn what_is_known_is_taken() {
        let known: DeriveInput = parse_quote! {
            #[serde(rename = "s", default, deny_unknown_fields, into = "T")]
            struct S<T> {
                #[serde(skip_serializing, rename = "b", default = "some::path")]
                a: T,
                #[serde(flatten)]
                rest: T,
            }
        };
        let written = implementation(known).unwrap().to_string();
        assert!(written.contains("some :: path"), "{written}");
    }
}

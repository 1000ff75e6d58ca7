//! The code that reads fields and variants.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Fields, FieldsNamed, Variant};

use crate::attributes::{Container, Missing, OfField};

/// Sorts what was found by the keys of these fields.
pub fn open(fields: &FieldsNamed, container: &Container) -> syn::Result<TokenStream> {
    let (names, others) = keys(fields, container)?;
    Ok(quote!(::shared::file::value::Fields::of(found, &[#(#names),*], #others)?))
}

fn keys(fields: &FieldsNamed, container: &Container) -> syn::Result<(Vec<String>, TokenStream)> {
    let mut names = Vec::new();
    let mut is_open = false;
    for field in &fields.named {
        let known = OfField::of(field)?;
        match known.is_flat {
            true => is_open = true,
            false => names.push(known.name),
        }
    }
    let others = match (is_open, container.is_strict) {
        (true, _) => quote!(Kept),
        (false, true) => quote!(Refused),
        (false, false) => quote!(Ignored),
    };
    Ok((names, quote!(::shared::file::value::Others::#others)))
}

/// What the fields that are missing are taken from, and the value. The fields come in the
/// order of their keys: none needs its number.
pub fn named(
    what: &TokenStream,
    fields: &FieldsNamed,
    container: &Container,
) -> syn::Result<(TokenStream, TokenStream)> {
    let mut reads = Vec::new();
    for field in &fields.named {
        let name = &field.ident;
        let read = one(field, container)?;
        reads.push(quote!(#name: #read));
    }
    let whole = match container.is_default {
        true => quote!(let whole = <Self as ::core::default::Default>::default();),
        false => quote!(),
    };
    Ok((whole, quote!(#what { #(#reads),* })))
}

fn one(field: &syn::Field, container: &Container) -> syn::Result<TokenStream> {
    let known = OfField::of(field)?;
    let name = &field.ident;
    if known.is_flat {
        return Ok(quote!(::shared::file::value::Read::read(fields.rest())?));
    }
    Ok(match known.missing {
        Missing::IsDefault => quote!(fields.read_or(::core::default::Default::default)?),
        Missing::Is(path) => quote!(fields.read_or(#path)?),
        Missing::IsWrong if container.is_default => quote!(fields.read_or_value(whole.#name)?),
        Missing::IsWrong => quote!(fields.read()?),
    })
}

/// A variant of an enum whose variants hold nothing.
pub fn word(variant: &Variant) -> TokenStream {
    let name = &variant.ident;
    quote!(Self::#name)
}

/// A variant, from its content.
pub fn of_variant(variant: &Variant, container: &Container) -> syn::Result<TokenStream> {
    let name = &variant.ident;
    match &variant.fields {
        Fields::Unit => Ok(quote!({ content.nothing()?; Self::#name })),
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Ok(quote!(Self::#name(content.read()?))),
        Fields::Unnamed(fields) => Err(syn::Error::new_spanned(
            fields,
            "only a variant of one thing, or of fields with names, can be read",
        )),
        Fields::Named(fields) => {
            let (names, others) = keys(fields, container)?;
            // The type's default is none of a variant's fields.
            let (_, construction) = named(&quote!(Self::#name), fields, &Container::default())?;
            Ok(quote!({
                let mut fields = content.fields(&[#(#names),*], #others)?;
                #construction
            }))
        }
    }
}

//! A component: a function of its properties, as Leptos' `#[component]` makes it.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use rstml::node::{KeyedAttributeValue, NodeAttribute, NodeElement};
use syn::spanned::Spanned;

type Element = NodeElement<rstml::Infallible>;

/// A component's name begins with a capital.
pub fn is(element: &Element) -> bool {
    let name = element.name().to_string();
    let last = name.rsplit("::").next();
    last.is_some_and(|last| last.starts_with(|c: char| c.is_uppercase()))
}

pub fn view(element: &Element) -> syn::Result<TokenStream> {
    let name = element.name();
    let mut properties = Vec::new();
    let mut binding = None;
    for attribute in element.attributes() {
        let NodeAttribute::Attribute(attribute) = attribute else {
            return Err(syn::Error::new_spanned(attribute, "a property needs its name"));
        };
        let key = &attribute.key;
        match key.to_string().strip_prefix("let:") {
            Some(bound) => binding = Some(syn::parse_str::<syn::Ident>(bound)?),
            None if matches!(attribute.possible_value, KeyedAttributeValue::None) => {
                properties.push(quote!(.#key(#key)));
            }
            None => {
                let value = attribute.value();
                properties.push(quote!(.#key(#[allow(unused_braces)] { #value })));
            }
        }
    }
    if !element.children.is_empty() {
        let children = crate::many(&element.children)?;
        properties.push(match binding {
            Some(bound) => quote!(.children(move |#bound| #children)),
            None => quote!(.children(crate::dom::ToChildren::to_children(move || #children))),
        });
    }
    Ok(quote_spanned! {name.span()=>
        crate::dom::IntoView::into_view(::leptos::component::component_view(
            #name,
            ::leptos::component::component_props_builder(&#name) #(#properties)* .build(),
        ))
    })
}

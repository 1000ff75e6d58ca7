//! `view!`: markup in which Rust stands where something may change.
//!
//! It is written as Leptos' own and means the same. What it becomes is smaller: Leptos makes
//! a type of each view, and code for each type. Here an element and all that never changes
//! below it is one text, a template that the browser copies, and the code only puts values
//! into its places. `web/src/dom` has the other half.

mod component;
mod plan;
mod template;

use proc_macro2::TokenStream;
use quote::quote;
use rstml::{
    Infallible, Parser, ParserConfig,
    node::{Node, NodeBlock},
};
use syn::{LitStr, spanned::Spanned};

/// See the crate. It is an expression of type `crate::dom::View`.
#[proc_macro]
pub fn view(tokens: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let config = ParserConfig::new()
        .recover_block(true)
        .always_self_closed_elements(template::VOID.into_iter().collect());
    let (nodes, errors) = Parser::new(config)
        .parse_recoverable(TokenStream::from(tokens))
        .split_vec();
    let errors = errors.into_iter().map(|e| e.emit_as_expr_tokens());
    let view = many(&nodes).unwrap_or_else(syn::Error::into_compile_error);
    quote!({ #[allow(unused_braces)] { #(#errors;)* #view } }).into()
}

/// One view of what stands side by side.
fn many(nodes: &[Node]) -> syn::Result<TokenStream> {
    let mut views = Vec::new();
    for node in nodes {
        views.extend(one(node)?);
    }
    Ok(match views.as_slice() {
        [] => quote!(crate::dom::View::nothing()),
        [view] => view.clone(),
        views => quote!(crate::dom::View::many(::std::vec![#(#views),*])),
    })
}

/// The view of one node, unless it is a comment.
fn one(node: &Node<Infallible>) -> syn::Result<Option<TokenStream>> {
    Ok(Some(match node {
        Node::Comment(_) | Node::Doctype(_) | Node::Custom(_) => return Ok(None),
        Node::Fragment(fragment) => many(&fragment.children)?,
        Node::Element(element) if component::is(element) => component::view(element)?,
        Node::Element(element) => template::view(element)?,
        Node::Block(block) => of_block(block)?,
        Node::Text(text) => of_text(&text.value),
        Node::RawText(text) => of_text(&LitStr::new(&text.to_string_best(), text.span())),
    }))
}

fn of_block(block: &NodeBlock) -> syn::Result<TokenStream> {
    let block = block
        .try_block()
        .ok_or_else(|| syn::Error::new_spanned(block, "no Rust"))?;
    Ok(quote!(crate::dom::IntoView::into_view(#block)))
}

fn of_text(text: &LitStr) -> TokenStream {
    quote!(crate::dom::IntoView::into_view(#text))
}

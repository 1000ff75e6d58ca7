//! An element, and all that is written below it: one template, and the values of its places.

use proc_macro2::TokenStream;
use quote::quote;
use rstml::node::{KeyedAttribute, Node, NodeAttribute, NodeElement};
use syn::Expr;

use crate::{component, plan::Plan};

/// Elements without an end.
pub const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

/// Elements that are SVG's without an `svg` around them: the browser has to be told.
const OF_SVG: [&str; 11] = [
    "circle", "defs", "ellipse", "g", "line", "path", "polygon", "polyline", "rect", "text", "tspan",
];

type Element = NodeElement<rstml::Infallible>;

pub fn view(element: &Element) -> syn::Result<TokenStream> {
    let mut template = Template::default();
    template.element(element)?;
    let Template {
        html,
        mut plan,
        values,
    } = template;
    if OF_SVG.contains(&element.name().to_string().as_str()) {
        plan.is_of_svg();
    }
    let plan = plan.written();
    Ok(quote!({
        static TEMPLATE: crate::dom::Template = crate::dom::Template { html: #html, plan: #plan };
        crate::dom::View::element(&TEMPLATE, ::std::boxed::Box::new([#(#values),*]))
    }))
}

#[derive(Default)]
struct Template {
    html: String,
    plan: Plan,
    /// What stands in the places, in the plan's order.
    values: Vec<TokenStream>,
}

impl Template {
    fn element(&mut self, element: &Element) -> syn::Result<()> {
        let tag = element.name().to_string();
        self.html.push('<');
        self.html.push_str(&tag);
        for attribute in element.attributes() {
            match attribute {
                NodeAttribute::Attribute(attribute) => self.attribute(attribute)?,
                NodeAttribute::Block(block) => {
                    return Err(syn::Error::new_spanned(block, "an attribute needs its name"));
                }
            }
        }
        self.html.push('>');
        if VOID.contains(&tag.as_str()) {
            return Ok(());
        }
        self.plan.enter();
        self.children(&element.children)?;
        self.plan.leave();
        self.html.push_str(&format!("</{tag}>"));
        Ok(())
    }

    fn attribute(&mut self, attribute: &KeyedAttribute) -> syn::Result<()> {
        let key = attribute.key.to_string();
        let (kind, name) = key.split_once(':').unwrap_or(("attr", &key));
        match (kind, attribute.value(), attribute.value_literal_string()) {
            ("attr", None, _) => self.html.push_str(&format!(" {name}=\"\"")),
            ("attr", _, Some(text)) => self.html.push_str(&format!(" {name}=\"{}\"", escaped(&text))),
            ("on", Some(handler), _) => {
                let event = syn::parse_str::<syn::Ident>(name)?;
                let value = quote!(crate::dom::on(crate::dom::ev::#event, #handler));
                self.place('o', name, value);
            }
            ("attr", Some(reference), _) if name == "node_ref" => {
                self.place('r', "", quote!(crate::dom::Value::from(#reference)));
            }
            ("attr", Some(value), _) => self.value('a', name, value),
            ("prop", Some(value), _) => self.value('p', name, value),
            ("class", Some(value), _) => self.value('c', name, value),
            ("style", Some(value), _) => self.value('s', name, value),
            _ => {
                return Err(syn::Error::new_spanned(
                    attribute,
                    "this is no attribute that `view!` knows",
                ));
            }
        }
        Ok(())
    }

    fn value(&mut self, kind: char, name: &str, value: &Expr) {
        self.place(kind, name, quote!(crate::dom::IntoValue::into_value(#value)));
    }

    fn place(&mut self, kind: char, name: &str, value: TokenStream) {
        self.plan.place(kind, name);
        self.values.push(value);
    }

    fn children(&mut self, nodes: &[Node]) -> syn::Result<()> {
        for node in nodes {
            match node {
                Node::Comment(_) | Node::Doctype(_) => {}
                Node::Fragment(fragment) => self.children(&fragment.children)?,
                Node::Element(element) if !component::is(element) => {
                    self.plan.node();
                    self.element(element)?;
                }
                Node::Text(text) => self.text(&text.value.value()),
                Node::RawText(text) => self.text(&text.to_string_best()),
                Node::Element(_) | Node::Block(_) | Node::Custom(_) => {
                    let Some(view) = crate::one(node)? else { continue };
                    // A comment marks the place: what stands there goes before it.
                    self.html.push_str("<!---->");
                    self.plan.node();
                    self.place('v', "", quote!(crate::dom::Value::from(#view)));
                }
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.plan.text();
            self.html.push_str(&escaped(text));
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use rstml::{Parser, ParserConfig};

    use super::*;

    /// Its text, its plan, and how many values it takes.
    fn template(tokens: TokenStream) -> (String, String, usize) {
        let config = ParserConfig::new().always_self_closed_elements(VOID.into_iter().collect());
        let nodes = Parser::new(config).parse_simple(tokens).expect("it is markup");
        let [Node::Element(element)] = nodes.as_slice() else {
            panic!("it is one element");
        };
        let mut template = Template::default();
        template.element(element).expect("`view!` knows it");
        (template.html, template.plan.written(), template.values.len())
    }

    #[test]
    fn what_never_changes_is_text() {
        let found = template(quote! {
            <p class="a" hidden data-x=3><b>"1 < 2 & \"3\""</b><br><input type="text"></p>
        });
        let html = r#"<p class="a" hidden="" data-x="3"><b>1 &lt; 2 &amp; &quot;3&quot;</b><br><input type="text"></p>"#;
        assert_eq!(found, (html.into(), String::new(), 0));
    }

    #[test]
    fn what_may_change_has_its_place() {
        let found = template(quote! {
            <ul title=title class:is-on=on>
                "before " <li on:click=click>{name} " and " {more}</li>
                <Other />
                <input prop:value=value node_ref=input style:left=left>
            </ul>
        });
        let html = "<ul>before <li><!----> and <!----></li><!----><input></ul>";
        let plan = "atitle;cis-on;>+oclick;>v;++v;<+v;+pvalue;r;sleft;";
        assert_eq!(found, (html.into(), plan.into(), 9));
    }

    #[test]
    fn a_part_of_a_picture_is_one() {
        let tokens = quote!(<path d=path />);
        let nodes = rstml::parse2(tokens).expect("it is markup");
        let [Node::Element(element)] = nodes.as_slice() else {
            panic!("it is one element");
        };
        let view = view(element).expect("`view!` knows it").to_string();
        assert!(
            view.contains("\"<path></path>\"") && view.contains("\"$ad;\""),
            "{view}"
        );
    }
}

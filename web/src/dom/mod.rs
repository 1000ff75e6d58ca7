//! What stands on the page. A component makes a [`View`], which says what should be there;
//! mounting it makes the nodes, and a newer view changes those that are there.
//!
//! Signals, effects and components are Leptos'. Its renderer is not used: it compiles each
//! view to a type of its own, and the console is several times as large by that. Here all
//! views are of one type; `view!` (in `web/view`) writes what never changes as a template,
//! and only values go into its places.

mod children;
mod event;
mod list;
mod listener;
mod mount;
mod node_ref;
mod place;
mod show;
mod template;
mod value;
mod view;

pub use children::{Children, ChildrenFn, ToChildren, ViewFn};
pub use event::{ev, on, on_window};
pub use list::{For, ForEnumerate};
pub use mount::mount_to_body;
pub use node_ref::{NodeRef, html};
pub use show::Show;
pub use template::Template;
pub use value::{IntoValue, Value};
pub use view::{AnyView, CollectView, IntoView, View};

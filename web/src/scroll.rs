//! Going back to a page goes back to where one was on it. A browser does so by itself, but
//! before the rows that were read anew are there again.

use std::{collections::HashMap, time::Duration};

use crate::{
    browser::{document, window},
    prelude::*,
};

/// How often it is looked whether the page is long enough again, and how many times.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS_MAX: u32 = 60;
/// Pages whose place is kept; beyond that all are forgotten.
const PAGES_MAX: usize = 200;

/// A place that is being gone back to.
struct Return {
    y: f64,
    looks: u32,
    every: IntervalHandle,
}

/// Keeps the places for as long as the console is open.
pub fn keep() {
    let places = StoredValue::new(HashMap::<String, f64>::new());
    let going_back = StoredValue::new(None::<Return>);
    let stop = move || {
        if let Some(back) = going_back.try_update_value(Option::take).flatten() {
            back.every.clear();
        }
    };
    on_window(ev::scroll, move |_| {
        // While the page is short, the browser scrolls by itself.
        if going_back.with_value(Option::is_some) {
            return;
        }
        places.update_value(|places| {
            if places.len() >= PAGES_MAX {
                places.clear();
            }
            places.insert(address(), window().scroll_y().unwrap_or(0.0));
        });
    });
    let look = move || {
        let is_there = going_back.try_update_value(|back| {
            let back = back.as_mut()?;
            back.looks += 1;
            if reach() >= back.y {
                window().scroll_to_with_x_and_y(0.0, back.y);
            }
            Some(reach() >= back.y || back.looks >= LOOKS_MAX)
        });
        if is_there.flatten() == Some(true) {
            stop();
        }
    };
    on_window(ev::popstate, move |_| {
        stop();
        let y = places.with_value(|places| places.get(&address()).copied());
        if let Some(y) = y.filter(|y| *y > 0.0)
            && let Ok(every) = set_interval_with_handle(look, LOOK_EVERY)
        {
            going_back.set_value(Some(Return { y, looks: 0, every }));
        }
    });
    // Whoever scrolls, or goes on, is where they want to be.
    on_window(ev::wheel, move |_| stop());
    on_window(ev::pointerdown, move |_| stop());
    on_window(ev::keydown, move |_| stop());
}

fn address() -> String {
    window().location().href().unwrap_or_default()
}

/// How far down the page can be scrolled.
fn reach() -> f64 {
    let page = document().document_element();
    page.map_or(0.0, |page| f64::from(page.scroll_height() - page.client_height()))
}

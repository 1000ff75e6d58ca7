//! What the console says, in English and in Simplified Chinese. The two stand side by
//! side, so that a missing translation does not compile.

use crate::locale::{Language, chinese::Texts, language};

/// A page's or part's words. Made by [`words!`].
///
/// # Safety
/// It is `repr(C)` and has nothing but `&'static str`s, as many as there are Chinese texts.
#[expect(unsafe_code, reason = "see `chinese`")]
pub unsafe trait Words: Sized + 'static {
    const EN: &'static Self;

    fn zh() -> &'static Texts;
}

/// The words in the language of the moment. When that changes, all views are made anew,
/// so this is no signal.
pub fn say<W: Words>() -> &'static W {
    match language() {
        Language::En => W::EN,
        Language::Zh => chinese().unwrap_or(W::EN),
    }
}

/// The Chinese words. None if the file has another number of them.
///
/// They are texts in a row, and so is the struct: filling it field by field would be 40 bytes
/// of code for each text.
#[expect(unsafe_code, reason = "see above")]
pub fn chinese<W: Words>() -> Option<&'static W> {
    let texts = W::zh().lines();
    // SAFETY: `W` is laid out as a row of so many texts.
    (size_of_val(texts) == size_of::<W>()).then(|| unsafe { &*texts.as_ptr().cast::<W>() })
}

/// Fills `{name}` in a text.
pub fn fill(text: &str, values: &[(&str, &dyn std::fmt::Display)]) -> String {
    let mut filled = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        match values.iter().find(|(n, _)| *n == name) {
            Some((_, value)) => filled.push_str(&value.to_string()),
            None => {
                filled.push('{');
                filled.push_str(name);
                filled.push('}');
            }
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// `fill!(w.deleted, n = 3, name = path)`
#[macro_export]
macro_rules! fill {
    ($text:expr $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::words::fill($text, &[$((stringify!($name), &$value as &dyn ::std::fmt::Display)),*])
    };
}

/// Declares words: `words! { LoginWords { title: "Log in" / "登录" } }`, one a module. Its test
/// finds what is empty, what was left in English, and a `{name}` that only one of the two has.
#[macro_export]
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($key:ident: $en:literal / $zh:literal),* $(,)? }) => {
        $(#[$about])*
        #[repr(C)]
        pub struct $name { $(pub $key: &'static str),* }

        // SAFETY: `repr(C)`, nothing but `&'static str`, and for each its Chinese.
        #[expect(unsafe_code, reason = "see `words::chinese`")]
        unsafe impl $crate::words::Words for $name {
            const EN: &'static Self = &Self { $($key: $en),* };

            fn zh() -> &'static $crate::locale::chinese::Texts {
                static ZH: $crate::locale::chinese::Texts = $crate::chinese!($($zh),*);
                &ZH
            }
        }

        #[cfg(test)]
        mod says_it_in_both {
            #[test]
            fn languages() {
                $($crate::words::check(stringify!($key), $en, $zh);)*
                let zh = $crate::words::chinese::<super::$name>().unwrap();
                $(assert_eq!(zh.$key, $zh);)*
            }
        }
    };
}

/// What is the same in both languages, because it is a name.
#[cfg(test)]
const NAMES: [&str; 3] = ["Gnomon", "CPU", "HTTP"];

#[cfg(test)]
pub fn check(key: &str, en: &str, zh: &str) {
    assert!(!en.trim().is_empty() && !zh.trim().is_empty(), "{key} is empty");
    let is_translated = en != zh || NAMES.contains(&en) || !en.chars().any(char::is_alphabetic);
    assert!(is_translated, "{key} is not translated");
    assert_eq!(names(en), names(zh), "{key}: `{{…}}` differ");
}

#[cfg(test)]
fn names(text: &str) -> std::collections::BTreeSet<&str> {
    text.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn fills() {
        assert_eq!(fill!("{n} of {all}", n = 3, all = "ten"), "3 of ten");
        assert_eq!(
            fill("an unknown {x} and a { stay", &[]),
            "an unknown {x} and a { stay"
        );
    }
}

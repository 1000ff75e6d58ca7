//! YAML as [`Located`]s: what the parser's events put together.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, Tag, options};

use super::{
    FILE_BYTES_MAX, FileError,
    value::{At, Located, Value},
};

/// How much anchors and their aliases may add to a file, in bytes: nine lines of them could
/// name billions of values, or a long text again and again.
const COPIES_BYTES_MAX: usize = FILE_BYTES_MAX;

/// Every document of a text.
pub(super) fn documents(text: &str) -> Result<Vec<Located>, FileError> {
    let mut composer = Composer {
        events: Parser::new_from_str_with_options(text, options! { emit_comments: false }),
        anchors: HashMap::new(),
        copies: 0,
    };
    let mut documents = Vec::new();
    while let Some((event, at)) = composer.next()? {
        match event {
            // Anchors are the document's own.
            Event::DocumentStart(..) => composer.anchors.clear(),
            Event::StreamStart | Event::DocumentEnd | Event::StreamEnd => {}
            event => documents.push(composer.value(event, at)?),
        }
    }
    Ok(documents)
}

struct Composer<'a> {
    events: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, Located>,
    copies: usize,
}

impl<'a> Composer<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, At)>, FileError> {
        let Some(next) = self.events.next_event() else {
            return Ok(None);
        };
        let at = |mark: &granit_parser::Marker| At {
            line: mark.line() as u32,
            column: mark.col() as u32 + 1,
        };
        match next {
            Ok((event, span)) => Ok(Some((event, at(&span.start)))),
            Err(e) => Err(wrong(e.info(), at(e.marker()))),
        }
    }

    /// The value that an event begins. The parser bounds how deep it goes.
    fn value(&mut self, event: Event<'a>, at: At) -> Result<Located, FileError> {
        let (value, anchor) = match event {
            Event::Alias(anchor) => return self.copy(anchor, at),
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain && !is_text(tag.as_deref());
                let text = text.into_owned();
                refuse_unknown(tag.as_deref(), at)?;
                (
                    if is_plain {
                        Value::Plain(text)
                    } else {
                        Value::Text(text)
                    },
                    anchor,
                )
            }
            Event::SequenceStart(_, anchor, tag) => {
                refuse_unknown(tag.as_deref(), at)?;
                (Value::List(self.items()?), anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                refuse_unknown(tag.as_deref(), at)?;
                (Value::Map(self.entries()?), anchor)
            }
            _ => return Err(wrong("nothing here stands for a value".into(), at)),
        };
        let found = Located::new(at, value);
        if anchor > 0 {
            self.pay(&found, at)?;
            self.anchors.insert(anchor, found.clone());
        }
        Ok(found)
    }

    fn items(&mut self) -> Result<Vec<Located>, FileError> {
        let mut items = Vec::new();
        while let Some((event, at)) = self.next()? {
            if event == Event::SequenceEnd {
                break;
            }
            items.push(self.value(event, at)?);
        }
        Ok(items)
    }

    fn entries(&mut self) -> Result<Vec<(Located, Located)>, FileError> {
        let (mut entries, mut merged) = (Vec::new(), Vec::new());
        let mut names = HashSet::new();
        while let Some((event, at)) = self.next()? {
            if event == Event::MappingEnd {
                break;
            }
            let key = self.value(event, at)?;
            let Some((event, at)) = self.next()? else { break };
            let value = self.value(event, at)?;
            match &key.value {
                Value::Plain(name) if name == "<<" => merged.extend(sources(value)?),
                Value::Plain(name) | Value::Text(name) if names.insert(name.clone()) => {
                    entries.push((key, value))
                }
                Value::Plain(name) | Value::Text(name) => {
                    return Err(wrong(format!("the key `{name}` stands here twice"), key.at));
                }
                _ => return Err(wrong("a key must be a text".into(), key.at)),
            }
        }
        // What is written here wins over what is merged in, and the first source over others.
        for (key, value) in merged {
            if key.text().is_some_and(|name| names.insert(name.to_owned())) {
                entries.push((key, value));
            }
        }
        Ok(entries)
    }

    /// What an alias stands for, at the alias' place.
    fn copy(&mut self, anchor: usize, at: At) -> Result<Located, FileError> {
        let Some(found) = self.anchors.get(&anchor).cloned() else {
            return Err(wrong("the anchor of this alias is not finished here".into(), at));
        };
        self.pay(&found, at)?;
        Ok(Located { at, ..found })
    }

    /// Counts a copy.
    fn pay(&mut self, found: &Located, at: At) -> Result<(), FileError> {
        self.copies += bytes(found);
        if self.copies <= COPIES_BYTES_MAX {
            return Ok(());
        }
        let mib = COPIES_BYTES_MAX >> 20;
        Err(wrong(
            format!("the anchors and aliases up to here add more than {mib}MiB to the file"),
            at,
        ))
    }
}

/// The entries that `<<:` brings: those of a map, or of each map of a list.
fn sources(value: Located) -> Result<Vec<(Located, Located)>, FileError> {
    let at = value.at;
    match value.value {
        Value::Map(entries) => Ok(entries),
        Value::List(items) => {
            let each = items.into_iter().map(sources).collect::<Result<Vec<_>, _>>()?;
            Ok(each.into_iter().flatten().collect())
        }
        _ => Err(wrong("`<<` takes a table, or a list of them".into(), at)),
    }
}

/// What a value occupies, about.
fn bytes(found: &Located) -> usize {
    size_of::<Located>()
        + match &found.value {
            Value::Text(text) | Value::Plain(text) => text.len(),
            Value::List(items) => items.iter().map(bytes).sum(),
            Value::Map(entries) => entries.iter().map(|(key, value)| bytes(key) + bytes(value)).sum(),
            _ => 0,
        }
}

fn is_text(tag: Option<&Tag>) -> bool {
    tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"))
}

/// YAML's own tags say what the fields of a file know anyway; others mean nothing here.
fn refuse_unknown(tag: Option<&Tag>, at: At) -> Result<(), FileError> {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema() => {
            Err(wrong(format!("the tag `{}` is not known", tag.original()), at))
        }
        _ => Ok(()),
    }
}

fn wrong(message: String, At { line, column }: At) -> FileError {
    FileError {
        message,
        line: line.into(),
        column: column.into(),
        hint: None,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::{Located, Value, documents};

    /// What a text says, as JSON; else where it is wrong.
    fn says(text: &str, expected: Expect) {
        let said = documents(text).map(|all| all.into_iter().map(Located::settled).collect::<Vec<_>>());
        let line = |value: &Value| format!("{}\n", value.to_json());
        expected.assert_eq(&said.map_or_else(|e| e.to_string(), |all| all.iter().map(line).collect()));
    }

    #[test]
    fn scalars_are_what_the_core_schema_says() {
        says(
            "[~, null, Null, '', true, False, yes, 0, -5, +5, 0x1f, 0o17, 1_000, 12:30]",
            expect![[r#"
                [null,null,null,"",true,false,"yes",0,-5,5,31,15,"1_000","12:30"]
            "#]],
        );
        says(
            "[1.5, .5, 1e3, -.inf, inf, nan, 1.2.3, '5', \"5\", !!str 5, 18446744073709551615, 18446744073709551616]",
            expect![[r#"
                [1.5,0.5,1e3,"-.inf","inf","nan","1.2.3","5","5","5",18446744073709551615,18446744073709551616]
            "#]],
        );
        says(
            "a:\nb: |\n  x\n  y\nc: >-\n  x\n  y\n",
            expect![[r#"
                {"a":null,"b":"x\ny\n","c":"x y"}
            "#]],
        );
    }

    #[test]
    fn aliases_stand_for_what_they_name() {
        says(
            "a: &a {x: 1, y: 2}\nb: *a\nc: {<<: *a, y: 3}\nd: {<<: [{z: 4, y: 5}, *a]}\n",
            expect![[r#"
                {"a":{"x":1,"y":2},"b":{"x":1,"y":2},"c":{"x":1,"y":3},"d":{"x":1,"y":5,"z":4}}
            "#]],
        );
        says(
            "a: &a 1\n---\nb: *a\n",
            expect!["line 3, column 4: while parsing node, found unknown anchor"],
        );
        says(
            "a: &a [*a]\n",
            expect!["line 1, column 8: the anchor of this alias is not finished here"],
        );
        says(
            "<<: 5\n",
            expect!["line 1, column 5: `<<` takes a table, or a list of them"],
        );
    }

    #[test]
    fn copies_are_bounded() {
        let long = "x".repeat(1_000_000);
        let again = |times: usize| format!("a: &a {long}\nb: [{}]\n", vec!["*a"; times].join(", "));
        assert_eq!(documents(&again(6)).unwrap().len(), 1);
        let nested = format!("a: {}{long}{}\n", "&a [".repeat(100), "]".repeat(100));
        for text in [again(100), nested] {
            let refused = documents(&text).unwrap_err();
            assert!(refused.message.contains("anchors and aliases"), "{refused}");
        }
    }

    #[test]
    fn documents_are_told_apart() {
        says("# nothing\n", expect![""]);
        says(
            "a: 1\n---\n- b\n...\n---\n",
            expect![[r#"
            {"a":1}
            ["b"]
            null
        "#]],
        );
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        let wrong = [
            "a: 1\nb: 2\na: 3\n",
            "a: {b: 1, 'b': 2}\n",
            "[x]: 1\n",
            "a: !secret x\n",
            "a: [1, 2\n",
            "a: b: c\n",
            "a: 'b\n",
            "a: *nobody\n",
            "a: \u{7}\n",
        ];
        let errors = wrong.map(|text| documents(text).unwrap_err().to_string());
        expect![[r#"
            line 3, column 1: the key `a` stands here twice
            line 1, column 11: the key `b` stands here twice
            line 1, column 1: a key must be a text
            line 1, column 12: the tag `!secret` is not known
            line 1, column 4: unclosed bracket '['
            line 1, column 5: mapping values are not allowed in this context
            line 2, column 1: invalid indentation in multiline quoted scalar
            line 1, column 4: while parsing node, found unknown anchor
            line 1, column 4: unexpected character: `\u{7}'"#]]
        .assert_eq(&errors.join("\n"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_answered(parts in proptest::collection::vec(proptest::sample::select(PIECES), 0..40)) {
            let text = parts.concat();
            if let Ok(all) = documents(&text) {
                // What was read is written so that it reads the same. An empty map is an empty file.
                for said in all.into_iter().map(Located::settled).filter(|said| *said != Value::map()) {
                    let again = documents(&crate::file::write::write(&said)).unwrap();
                    let again: Vec<Value> = again.into_iter().map(Located::settled).collect();
                    proptest::prop_assert_eq!(again, [said]);
                }
            }
        }
    }

    const PIECES: &[&str] = &[
        "a", "b: ", "- ", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ", ", ": ", "&x ", "*x", "<<: ", "'",
        "\"", "|\n", ">-\n", "!!str ", "!t ", "# c", "---\n", "...\n", "~", "true", "1", "-0.5", "é", "\t",
        "\u{7}", "%TAG ", "? ", "\\",
    ];
}

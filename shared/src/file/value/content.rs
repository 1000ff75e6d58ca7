//! What a variant of an enum holds.

use super::{Fields, Located, Others, Read, Value, ValueError, error::one_of};

/// What stands under a variant's name, or beside its tag.
pub struct Content {
    found: Located,
    /// The name stands beside the content.
    is_tagged: bool,
}

impl Content {
    /// `name`, or `{name: content}`: the variant's place in `names`, and what it holds.
    ///
    /// # Errors
    /// There is no such variant.
    #[inline(never)]
    pub fn named(found: Located, names: &[&str]) -> Result<(usize, Content), ValueError> {
        let (name, found) = match found.value {
            Value::Map(mut entries) if entries.len() == 1 => entries.remove(0),
            value => {
                let at = found.at;
                (Located::new(at, value), Located::new(at, Value::Null))
            }
        };
        let content = Content {
            found,
            is_tagged: false,
        };
        Ok((index(&name, names)?, content))
    }

    /// The same of an enum whose variants hold nothing.
    ///
    /// # Errors
    /// There is no such variant, or it holds something.
    #[inline(never)]
    pub fn word(found: Located, names: &[&str]) -> Result<usize, ValueError> {
        let (variant, content) = Content::named(found, names)?;
        content.nothing().map(|()| variant)
    }

    /// `{tag: name, …}`: the variant's place in `names`, and the other keys.
    ///
    /// # Errors
    /// There is no tag, or no such variant.
    #[inline(never)]
    pub fn tagged(found: Located, tag: &str, names: &[&str]) -> Result<(usize, Content), ValueError> {
        let at = found.at;
        let mut entries = found.into_map()?;
        let Some(i) = entries.iter().position(|(key, _)| key.text() == Some(tag)) else {
            return Err(ValueError::missing(tag, at));
        };
        let (_, name) = entries.remove(i);
        let content = Content {
            found: Located::new(at, Value::Map(entries)),
            is_tagged: true,
        };
        Ok((index(&name, names)?, content))
    }

    /// Of a variant that holds nothing. What stands beside a tag may be a newer server's.
    ///
    /// # Errors
    /// Something is there.
    #[inline(never)]
    pub fn nothing(self) -> Result<(), ValueError> {
        match self.is_tagged || self.found.is_null() {
            true => Ok(()),
            false => Err(ValueError::of(self.found.at, &"this takes no value")),
        }
    }

    /// Of a variant that holds one thing.
    ///
    /// # Errors
    /// It is wrong.
    pub fn read<T: Read>(self) -> Result<T, ValueError> {
        T::read(self.found)
    }

    /// Of a variant that has fields.
    ///
    /// # Errors
    /// As [`Fields::of`].
    pub fn fields(self, names: &'static [&'static str], others: Others) -> Result<Fields, ValueError> {
        Fields::of(self.found, names, others)
    }
}

fn index(name: &Located, names: &[&str]) -> Result<usize, ValueError> {
    let at = name.at;
    let Some(text) = name.text().filter(|_| !name.is_null()) else {
        return Err(ValueError::expected("a name", at));
    };
    names.iter().position(|known| *known == text).ok_or_else(|| {
        ValueError::new(
            at,
            format!("unknown variant `{text}`, expected {}", one_of(names)),
        )
    })
}

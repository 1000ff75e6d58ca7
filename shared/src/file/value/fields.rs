//! A map, taken apart by the keys that a type knows.

use super::{At, Located, Read, Value, ValueError, error::one_of};

/// What becomes of keys that the type does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// They are wrong.
    Refused,
    /// A newer server may say more than this reader knows.
    Ignored,
    /// A field takes them ([`Fields::rest`]).
    Kept,
}

/// The fields of a type, handed out in the order of its keys: each by one call, which is all
/// the code that a field has.
pub struct Fields(
    /// In a box, as each type's code moves it.
    Box<Taken>,
);

struct Taken {
    start: At,
    names: &'static [&'static str],
    /// What stands under each name.
    found: std::vec::IntoIter<Option<Located>>,
    rest: Vec<(Located, Located)>,
}

impl Fields {
    /// # Errors
    /// It is no map, a key stands there twice, or one is unknown and must not be.
    #[inline(never)]
    pub fn of(found: Located, names: &'static [&'static str], others: Others) -> Result<Fields, ValueError> {
        let start = found.at;
        let mut all: Vec<Option<Located>> = names.iter().map(|_| None).collect();
        let mut rest = Vec::new();
        for (key, value) in found.into_map()? {
            let Some(name) = key.text() else {
                return Err(ValueError::expected("a name", key.at));
            };
            let known = names.iter().position(|known| *known == name);
            match known.map(|i| &mut all[i]) {
                Some(Some(_)) => return Err(ValueError::new(key.at, format!("duplicate field `{name}`"))),
                Some(empty) => *empty = Some(value),
                None if others == Others::Kept => rest.push((key, value)),
                None if others == Others::Ignored => {}
                None => {
                    let known = one_of(names);
                    let message = format!("unknown field `{name}`, expected {known}");
                    return Err(ValueError::new(key.at, message));
                }
            }
        }
        Ok(Fields(Box::new(Taken {
            start,
            names,
            found: all.into_iter(),
            rest,
        })))
    }

    #[inline(never)]
    fn take(&mut self) -> Option<Located> {
        self.0.found.next().flatten()
    }

    /// The field that was asked for last is not there.
    #[cold]
    #[inline(never)]
    fn lacks(&self) -> ValueError {
        // As many are left as are after it.
        let i = self.0.names.len() - self.0.found.len();
        let name = i.checked_sub(1).map_or("", |i| self.0.names[i]);
        ValueError::missing(name, self.0.start)
    }

    /// The next field.
    ///
    /// # Errors
    /// It is wrong, or missing and must not be.
    #[inline(never)]
    pub fn read<T: Read>(&mut self) -> Result<T, ValueError> {
        match self.take() {
            Some(found) => T::read(found),
            None => T::missing().ok_or_else(|| self.lacks()),
        }
    }

    /// The next field, or what it is where it is missing.
    ///
    /// # Errors
    /// It is wrong.
    #[inline(never)]
    pub fn read_or<T: Read>(&mut self, missing: fn() -> T) -> Result<T, ValueError> {
        self.take().map_or_else(|| Ok(missing()), T::read)
    }

    /// The same, of what is made already.
    ///
    /// # Errors
    /// It is wrong.
    #[inline(never)]
    pub fn read_or_value<T: Read>(&mut self, missing: T) -> Result<T, ValueError> {
        self.take().map_or(Ok(missing), T::read)
    }

    /// The keys that the type does not know, as a map.
    pub fn rest(&mut self) -> Located {
        Located::new(self.0.start, Value::Map(std::mem::take(&mut self.0.rest)))
    }
}

//! JSON: a strict reader (RFC 8259) and a writer. The console needs no other. Values have no
//! places here: the server writes its answers in one line.

use super::{At, Located, Value, ValueError, fraction, whole};

/// How deep lists and maps may lie in each other, as each takes a piece of the stack.
const DEPTH_MAX: u32 = 128;

/// Reads a text of JSON. Of two keys of one name both are kept, for the type that is read to
/// refuse.
///
/// # Errors
/// Where it is no JSON.
pub fn parse(text: &str) -> Result<Located, ValueError> {
    let mut reader = Reader { text, at: 0 };
    match reader.document() {
        Ok(value) => Ok(value.into()),
        Err(Stopped) => Err(reader.refusal()),
    }
}

/// There is no way on from where the reader stands.
struct Stopped;

struct Reader<'a> {
    text: &'a str,
    /// The byte that is read next.
    at: usize,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<Value, Stopped> {
        let value = self.value(0)?;
        match self.peek() {
            None => Ok(value),
            Some(_) => Err(Stopped),
        }
    }

    fn refusal(&self) -> ValueError {
        let before = &self.text[..self.text.floor_char_boundary(self.at)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let at = At {
            line: line as u32,
            column: column as u32,
        };
        ValueError::new(at, format!("this is no JSON at line {line} column {column}"))
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The byte that stands next behind white space.
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.byte()
    }

    fn take(&mut self, wanted: &str) -> Result<(), Stopped> {
        let is_there = self.text.as_bytes()[self.at..].starts_with(wanted.as_bytes());
        self.at += if is_there { wanted.len() } else { 0 };
        is_there.then_some(()).ok_or(Stopped)
    }

    fn value(&mut self, depth: u32) -> Result<Value, Stopped> {
        match self.peek() {
            Some(b'{' | b'[') if depth == DEPTH_MAX => Err(Stopped),
            Some(b'{') => {
                let mut entries = Vec::new();
                self.several(b'}', |reader| {
                    reader.peek();
                    let key = Value::Text(reader.string()?);
                    reader.peek();
                    reader.take(":")?;
                    entries.push((key.into(), reader.value(depth + 1)?.into()));
                    Ok(())
                })?;
                Ok(Value::Map(entries))
            }
            Some(b'[') => {
                let mut items = Vec::new();
                self.several(b']', |reader| {
                    items.push(reader.value(depth + 1)?.into());
                    Ok(())
                })?;
                Ok(Value::List(items))
            }
            Some(b'"') => self.string().map(Value::Text),
            Some(b'n') => self.take("null").map(|()| Value::Null),
            Some(b't') => self.take("true").map(|()| Value::Bool(true)),
            Some(b'f') => self.take("false").map(|()| Value::Bool(false)),
            _ => self.number(),
        }
    }

    /// What stands between brackets, with commas between.
    fn several(
        &mut self,
        end: u8,
        mut each: impl FnMut(&mut Self) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        self.at += 1;
        let mut is_first = true;
        loop {
            match self.peek() {
                Some(byte) if byte == end => break,
                Some(_) if is_first => {}
                Some(b',') => {
                    self.at += 1;
                    // No comma stands before the end.
                    if self.peek() == Some(end) {
                        return Err(Stopped);
                    }
                }
                _ => return Err(Stopped),
            }
            is_first = false;
            each(self)?;
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<String, Stopped> {
        self.take("\"")?;
        let mut out = String::new();
        loop {
            let start = self.at;
            while !matches!(self.byte().ok_or(Stopped)?, b'"' | b'\\' | 0..0x20) {
                self.at += 1;
            }
            out.push_str(&self.text[start..self.at]);
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => out.push(self.escaped()?),
                _ => return Err(Stopped),
            }
        }
        self.at += 1;
        Ok(out)
    }

    fn escaped(&mut self) -> Result<char, Stopped> {
        self.at += 1;
        let escape = self.byte().ok_or(Stopped)?;
        let meant = match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code(),
            _ => return Err(Stopped),
        };
        self.at += 1;
        Ok(meant)
    }

    /// `uXXXX`; what is beyond 16 bits stands as two of them.
    fn code(&mut self) -> Result<char, Stopped> {
        let code = match self.unit()? {
            high @ 0xd800..0xdc00 => {
                self.take("\\")?;
                let low = self.unit()?.checked_sub(0xdc00).filter(|low| *low < 0x400);
                0x1_0000 + ((high - 0xd800) << 10) + low.ok_or(Stopped)?
            }
            code => code,
        };
        char::from_u32(code).ok_or(Stopped)
    }

    fn unit(&mut self) -> Result<u32, Stopped> {
        self.take("u")?;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.byte().and_then(|byte| char::from(byte).to_digit(16));
            unit = unit * 16 + digit.ok_or(Stopped)?;
            self.at += 1;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<Value, Stopped> {
        let start = self.at;
        let _ = self.take("-");
        // No zero stands before other digits.
        if self.take("0").is_err() {
            self.digits()?;
        }
        if self.take(".").is_ok() {
            self.digits()?;
        }
        if self.take("e").or_else(|_| self.take("E")).is_ok() {
            let _ = self.take("+").or_else(|_| self.take("-"));
            self.digits()?;
        }
        let text = &self.text[start..self.at];
        let number = whole(text).or_else(|| fraction::canonical(text).map(Value::Fraction));
        number.ok_or(Stopped)
    }

    fn digits(&mut self) -> Result<(), Stopped> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(()).ok_or(Stopped)
    }
}

impl Value {
    /// As JSON, in as few bytes as it takes.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        push(self, &mut out);
        out
    }
}

fn push(value: &Value, out: &mut String) {
    match value {
        Value::Text(text) => quote(text, out),
        Value::Plain(text) => match Value::resolved(text) {
            Value::Text(text) => quote(&text, out),
            other => push(&other, out),
        },
        Value::List(_) => {
            for (i, item) in value.items().enumerate() {
                out.push(if i == 0 { '[' } else { ',' });
                push(item, out);
            }
            out.push_str(if value.says_nothing() { "[]" } else { "]" });
        }
        Value::Map(_) => {
            for (i, (key, value)) in value.entries().enumerate() {
                out.push(if i == 0 { '{' } else { ',' });
                quote(key, out);
                out.push(':');
                push(value, out);
            }
            out.push_str(if value.says_nothing() { "{}" } else { "}" });
        }
        scalar => out.push_str(&scalar.scalar().unwrap_or_default()),
    }
}

/// Writes a text in quotes, with the escapes that JSON asks for.
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        let escape = match c {
            '"' | '\\' => c,
            '\u{8}' => 'b',
            '\u{c}' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\0'..' ' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
                continue;
            }
            c => {
                out.push(c);
                continue;
            }
        };
        out.push('\\');
        out.push(escape);
    }
    out.push('"');
}

#[cfg(test)]
mod tests;

//! Server-sent events, as far as Gnomon's API sends them: `event`, `id` and `data` lines,
//! an empty line between events, comments as heartbeats (WHATWG HTML, section 9.2).

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub name: String,
    pub id: String,
    pub data: String,
}

/// Cuts a byte stream into events.
#[derive(Default)]
pub struct Parser {
    rest: Vec<u8>,
    event: Event,
}

/// A line longer than this is not from Gnomon.
const LINE_BYTES_MAX: usize = 1 << 20;

impl Parser {
    /// Takes the next bytes; returns the events they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.rest.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            self.line(line.trim_end_matches(['\r', '\n']), &mut events);
        }
        if self.rest.len() > LINE_BYTES_MAX {
            self.rest.clear();
        }
        events
    }

    fn line(&mut self, line: &str, events: &mut Vec<Event>) {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            if event != Event::default() {
                events.push(event);
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.event.name = value.to_owned(),
            "id" => self.event.id = value.to_owned(),
            "data" => {
                if !self.event.data.is_empty() {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_whatever_the_pieces() {
        let text = ": hello\n\nevent: output\nid: 7\ndata: {\"a\":\ndata: 1}\n\nevent: end\ndata: x\n\n";
        for size in 1..text.len() {
            let mut parser = Parser::default();
            let events: Vec<Event> = text
                .as_bytes()
                .chunks(size)
                .flat_map(|piece| parser.push(piece))
                .collect();
            assert_eq!(events.len(), 2, "pieces of {size}");
            assert_eq!(events[0].data, "{\"a\":\n1}");
            assert_eq!((events[0].name.as_str(), events[0].id.as_str()), ("output", "7"));
            assert_eq!(events[1].name, "end");
        }
    }
}

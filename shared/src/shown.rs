//! Characters as errors show them.

/// A character as it is, if it can be seen; else its escape: `\n`, `\u{200b}`. The standard
/// library's own way to tell brings 4 KB of tables into the console, of all characters that
/// Unicode has not given away yet.
pub(crate) fn shown(c: char) -> String {
    match c {
        '\0'..='\x7f' => c.escape_default().to_string(),
        // Controls, spaces, accents without a letter, marks of direction and the like.
        '\u{80}'..='\u{a0}'
        | '\u{ad}'
        | '\u{300}'..='\u{36f}'
        | '\u{2000}'..='\u{200f}'
        | '\u{2028}'..='\u{202f}'
        | '\u{205f}'..='\u{206f}'
        | '\u{3000}'
        | '\u{e000}'..='\u{f8ff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'.. => c.escape_unicode().to_string(),
        _ => c.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_cannot_be_seen_is_escaped() {
        let told: String = "aé中😀 '\n\u{7}\u{85}\u{200b}\u{feff}\u{301}\u{e0001}"
            .chars()
            .map(shown)
            .collect();
        assert_eq!(told, r"aé中😀 \'\n\u{7}\u{85}\u{200b}\u{feff}\u{301}\u{e0001}");
    }
}

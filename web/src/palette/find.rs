//! What fits what was typed, the best first. Pure.

use crate::browser::lowered;

/// How well a text fits the typed words, the lower the better; `None` if one of them is not
/// in it. A word may be found at a word's start, within it, or letter by letter.
pub fn score(typed: &[String], text: &str) -> Option<u32> {
    typed.iter().map(|word| word_score(word, text)).sum()
}

fn word_score(word: &str, text: &str) -> Option<u32> {
    if let Some(at) = text.find(word) {
        let starts_a_word = at == 0 || text[..at].ends_with(|c: char| !c.is_alphanumeric());
        return Some(if starts_a_word { 0 } else { 20 } + (at as u32).min(50) / 10);
    }
    letters(word, text)
}

/// The letters in their order, with gaps: `bkdb` finds `backup-db`.
fn letters(word: &str, text: &str) -> Option<u32> {
    let mut chars = text.chars().enumerate();
    let mut gaps = 0;
    let mut last = None::<usize>;
    for wanted in word.chars() {
        let (at, _) = chars.find(|(_, c)| *c == wanted)?;
        gaps += last.map_or(0, |last| at - last - 1);
        last = Some(at);
    }
    Some(100 + gaps as u32)
}

/// What is typed, as words in lower case.
pub fn words(typed: &str) -> Vec<String> {
    let typed = lowered(typed);
    typed.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(typed: &str, text: &str) -> Option<u32> {
        score(&words(typed), text)
    }

    #[test]
    fn starts_of_words_come_before_middles_before_letters() {
        let starts = fits("back", "ops/backup-db").unwrap();
        let within = fits("ckup", "ops/backup-db").unwrap();
        let letters = fits("bkdb", "ops/backup-db").unwrap();
        assert!(starts < within && within < letters, "{starts} {within} {letters}");
        assert_eq!(fits("Back DB", "ops/backup-db").map(|s| s < within), Some(true));
        assert_eq!(fits("back xyz", "ops/backup-db"), None);
        assert_eq!(fits("", "anything"), Some(0));
        assert_eq!(fits("备份", "ops/备份"), Some(0));
    }
}

//! Small things with text.

/// The first so many characters.
pub fn cut(text: &str, most: usize) -> &str {
    match text.char_indices().nth(most) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!((cut("", 3), cut("abc", 3), cut("abcd", 3), cut("aäöü", 2)), ("", "abc", "abc", "aä"));
    }
}

//! Texts in columns. Postgres knows no text with the character NUL.

use std::borrow::Cow;

/// The text as it is stored in a column, where NUL is two characters: other texts stay as they are, different texts stay
/// different, and they sort as before.
pub(super) fn column(text: &str) -> Cow<'_, str> {
    if text.contains(['\0', '\u{1}']) {
        Cow::Owned(text.replace('\u{1}', "\u{1}\u{2}").replace('\0', "\u{1}\u{1}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text of a column, as it was before [`column`].
pub(super) fn text(column: &str) -> Cow<'_, str> {
    if column.contains('\u{1}') {
        let mut text = String::with_capacity(column.len());
        let mut chars = column.chars();
        while let Some(char) = chars.next() {
            // The second of two characters says which one it is.
            match char {
                '\u{1}' if chars.next() == Some('\u{1}') => text.push('\0'),
                char => text.push(char),
            }
        }
        Cow::Owned(text)
    } else {
        Cow::Borrowed(column)
    }
}

#[cfg(test)]
mod tests {
    use super::{column, text};

    #[test]
    fn texts_with_nul_stay_different_and_sorted() {
        let mut texts = [
            "",
            "\0",
            "\0\0",
            "\0\u{1}",
            "\u{1}",
            "\u{1}\0",
            "\u{1}\u{1}",
            "\u{1}\u{2}",
            "\u{2}",
            "a",
            "a\0",
            "a\0b",
            "a\u{1}",
            "a\u{1}\u{1}",
            "ab",
        ];
        texts.sort_unstable();
        let stored = texts.map(column);
        assert_eq!(stored.each_ref().map(|stored| text(stored)), texts);
        assert!(stored.is_sorted_by(|a, b| a < b), "{stored:?}");
        assert!(stored.iter().all(|text| !text.contains('\0')));
        assert_eq!(column("ana@example.com"), "ana@example.com");
    }
}

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

#[cfg(test)]
mod tests {
    use super::column;

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
        assert!(stored.is_sorted_by(|a, b| a < b), "{stored:?}");
        assert!(stored.iter().all(|text| !text.contains('\0')));
        assert_eq!(column("ana@example.com"), "ana@example.com");
    }
}

//! The difference of two lists of items.

use std::collections::BTreeSet;

/// The lines of only one text, in the order of the texts: `- ` those of the first, then `+ ` those of the second.
///
/// Each line is an item with its whole path, so lines need no context.
pub(super) fn diff(before: &str, after: &str) -> Vec<String> {
    let gone = only(before, after).map(|line| format!("- {line}"));
    let new = only(after, before).map(|line| format!("+ {line}"));
    gone.chain(new).collect()
}

fn only<'a>(text: &'a str, other: &'a str) -> impl Iterator<Item = &'a str> {
    let other: BTreeSet<_> = other.lines().collect();
    text.lines().filter(move |line| !other.contains(line))
}

#[cfg(test)]
mod tests {
    use super::diff;

    #[test]
    fn shows_what_went_and_what_came() {
        let before = "pub mod a\npub fn a::f()\npub fn a::z()\n";
        let after = "pub mod a\npub fn a::f(u8)\npub fn a::g()\npub fn a::z()\n";
        assert_eq!(
            diff(before, after),
            ["- pub fn a::f()", "+ pub fn a::f(u8)", "+ pub fn a::g()"]
        );
        assert_eq!(diff(after, after), [""; 0]);
    }
}

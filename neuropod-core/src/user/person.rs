//! The names and addresses of people: one check for all ways of registration.

use crate::error::validation::Violation;

/// The longest e-mail address, in bytes (RFC 5321, section 4.5.3.1.3).
pub const MAX_EMAIL_LEN: usize = 254;
/// The longest name of a person, in characters.
pub const MAX_PERSON_NAME_LEN: usize = 100;

/// The longest part in front of the `@`, in bytes (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL_LEN: usize = 64;
/// The longest label of a domain, in bytes (RFC 1035, section 2.3.4).
const MAX_LABEL_LEN: usize = 63;

/// The e-mail address in `text`, without blanks around it.
///
/// Addresses beyond ASCII (RFC 6531) are fine. Quoted local parts, comments and IP addresses are not: nobody signs in
/// with one, and each is a way to write one address so that it looks like another.
///
/// ```
/// use neuropod_core::user::person::check_email;
///
/// assert_eq!(check_email(" ana@example.com\n").unwrap(), "ana@example.com");
/// assert!(check_email("ana@example.com\u{202e}").is_err());
/// ```
///
/// # Errors
/// `Required` when it is blank, `TooLong` over [`MAX_EMAIL_LEN`], `ControlCharacter`, `HiddenCharacter`, `Malformed`.
pub fn check_email(text: &str) -> Result<&str, Violation> {
    let email = text.trim();
    if email.is_empty() {
        return Err(Violation::Required);
    }
    if email.len() > MAX_EMAIL_LEN {
        return Err(Violation::TooLong(MAX_EMAIL_LEN));
    }
    check_visible(email)?;
    let parts = email.split_once('@');
    let good = parts.is_some_and(|(local, domain)| is_local_part(local) && is_domain(domain));
    if good {
        Ok(email)
    } else {
        Err(Violation::Malformed)
    }
}

/// The name of a person in `text`, without blanks around it.
///
/// # Errors
/// `Required` when it is blank, `TooLong` over [`MAX_PERSON_NAME_LEN`], `ControlCharacter`, `HiddenCharacter`.
pub fn check_person_name(text: &str) -> Result<&str, Violation> {
    let name = text.trim();
    if name.is_empty() {
        return Err(Violation::Required);
    }
    if name.chars().nth(MAX_PERSON_NAME_LEN).is_some() {
        return Err(Violation::TooLong(MAX_PERSON_NAME_LEN));
    }
    check_visible(name)?;
    Ok(name)
}

/// The name of a person in a text that they can't change here: hidden characters are removed, blanks become
/// one, and the rest is cut at [`MAX_PERSON_NAME_LEN`]. `None`: nothing remains.
///
/// ```
/// use neuropod_core::user::person::clean_person_name;
///
/// assert_eq!(clean_person_name(" Ana\u{202e}\n  Pérez ").unwrap(), "Ana Pérez");
/// assert_eq!(clean_person_name("\u{200b}"), None);
/// ```
pub fn clean_person_name(text: &str) -> Option<String> {
    let mut name = String::new();
    // At most four times the limit is read, however long it is.
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .take(4 * MAX_PERSON_NAME_LEN)
    {
        let visible = word.chars().filter(|c| !is_hidden(*c));
        let word: String = visible.take(MAX_PERSON_NAME_LEN).collect();
        if !word.is_empty() {
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(&word);
        }
    }
    let name: String = name.chars().take(MAX_PERSON_NAME_LEN).collect();
    let name = name.trim_end();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Checks that a text shows all that it has.
///
/// # Errors
/// `ControlCharacter`, `HiddenCharacter`.
pub(crate) fn check_visible(text: &str) -> Result<(), Violation> {
    if text.chars().any(char::is_control) {
        Err(Violation::ControlCharacter)
    } else if text.chars().any(is_hidden) {
        Err(Violation::HiddenCharacter)
    } else {
        Ok(())
    }
}

/// Whether a character has no width, or changes the direction of others: with it, two different texts can look
/// the same, or one can look like another. Unicode's format characters (`Cf`) and all others that are ignorable
/// by default, except the variation selectors of emoji.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}'
        | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn is_local_part(local: &str) -> bool {
    let special = |c: char| c.is_whitespace() || "\"(),:;<>@[\\]".contains(c);
    (1..=MAX_LOCAL_LEN).contains(&local.len()) && !local.contains(special)
}

fn is_domain(domain: &str) -> bool {
    domain.split('.').all(|label| {
        let plain = |c: char| {
            c == '-'
                || if c.is_ascii() {
                    c.is_ascii_alphanumeric()
                } else {
                    !c.is_whitespace()
                }
        };
        (1..=MAX_LABEL_LEN).contains(&label.len())
            && label.chars().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind that has no width or changes the direction.
    const HIDDEN: [&str; 12] = [
        "\u{200b}",
        "\u{200d}",
        "\u{200e}",
        "\u{202a}",
        "\u{202e}",
        "\u{2066}",
        "\u{2069}",
        "\u{ad}",
        "\u{feff}",
        "\u{61c}",
        "\u{3164}",
        "\u{e0041}",
    ];

    #[test]
    fn addresses() {
        for good in [
            "ana@example.com",
            " ana@example.com\t",
            "ana+gpu.pods_1%x@mail.example.co.uk",
            "o'neill@example.com",
            "ana@localhost",
            "ana@xn--mnchen-3ya.de",
            "ana@münchen.de",
            "用户@例子.广告",
        ] {
            assert_eq!(check_email(good), Ok(good.trim()), "{good:?}");
        }
        for wrong in [
            "ana",
            "@",
            "ana@",
            "@example.com",
            "a@b@c",
            "a b@c",
            "ana@exa mple.com",
            "ana@.com",
            "ana@example.",
            "ana@example..com",
            "ana@-example.com",
            "ana@example-.com",
            "ana@[127.0.0.1]",
            "\"a\"@example.com",
            "Ana <ana@example.com>",
            "ana@example.com,eva@example.com",
            "ana@example.com;x",
            "ana@exa_mple.com",
            "ana\u{a0}x@example.com",
            "ana@example\u{3000}.com",
        ] {
            assert_eq!(check_email(wrong), Err(Violation::Malformed), "{wrong:?}");
        }
        for blank in ["", " ", "\n\t", "\u{3000}"] {
            assert_eq!(check_email(blank), Err(Violation::Required), "{blank:?}");
        }
        let long = format!("{}@example.com", "a".repeat(10_000));
        assert_eq!(check_email(&long), Err(Violation::TooLong(MAX_EMAIL_LEN)));
        let local = format!("{}@example.com", "a".repeat(65));
        assert_eq!(check_email(&local), Err(Violation::Malformed));
        let label = format!("a@{}.com", "a".repeat(64));
        assert_eq!(check_email(&label), Err(Violation::Malformed));
    }

    #[test]
    fn nothing_hides_in_addresses_and_names() {
        for hidden in HIDDEN {
            for at in [
                "a{}na@example.com",
                "ana@exam{}ple.com",
                "{}ana@example.com",
                "ana@example.com{}",
            ] {
                let text = at.replace("{}", hidden);
                assert_eq!(check_email(&text), Err(Violation::HiddenCharacter), "{text:?}");
                assert_eq!(
                    check_person_name(&text),
                    Err(Violation::HiddenCharacter),
                    "{text:?}"
                );
            }
        }
        for control in ["\0", "\u{1b}[31m", "\u{7f}", "\u{85}", "x\ny"] {
            let text = format!("a{control}b@example.com");
            assert_eq!(check_email(&text), Err(Violation::ControlCharacter), "{text:?}");
            assert_eq!(
                check_person_name(&text),
                Err(Violation::ControlCharacter),
                "{text:?}"
            );
        }
    }

    #[test]
    fn names() {
        for good in [
            "Ana",
            "Ñandú Pérez",
            "שלום",
            "محمد",
            "名前",
            "e\u{301}",
            "❤\u{fe0f}",
            "O'Neill, Jr.",
        ] {
            assert_eq!(check_person_name(good), Ok(good), "{good:?}");
            assert_eq!(clean_person_name(good).as_deref(), Some(good), "{good:?}");
        }
        let longest = "ñ".repeat(MAX_PERSON_NAME_LEN);
        assert!(check_person_name(&longest).is_ok());
        let long = format!("{longest}x");
        assert_eq!(
            check_person_name(&long),
            Err(Violation::TooLong(MAX_PERSON_NAME_LEN))
        );
        assert_eq!(check_person_name(" \n"), Err(Violation::Required));
    }

    #[test]
    fn a_cleaned_name_is_valid_or_absent() {
        let long = "x".repeat(1_000_000);
        let words = "x ".repeat(1_000_000);
        let odd = [
            "",
            " ",
            "\0\0",
            "a\0b",
            "\u{202e}Ana",
            "A\u{200b}na\r\n\tPérez  Gil",
            &long,
            &words,
        ];
        for text in odd.into_iter().chain(HIDDEN) {
            match clean_person_name(text) {
                Some(name) => assert_eq!(check_person_name(&name), Ok(name.as_str()), "{name:?}"),
                None => assert!(
                    text.chars()
                        .all(|c| c.is_whitespace() || c.is_control() || is_hidden(c))
                ),
            }
        }
        assert_eq!(
            clean_person_name("A\u{200b}na\r\n\tPérez  Gil").unwrap(),
            "Ana Pérez Gil"
        );
    }
}

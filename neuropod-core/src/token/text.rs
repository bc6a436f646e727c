//! Parsing of single lines of a Jupyter server's log, whatever its log format. Plain functions.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// Hexadecimal digits of a token that Jupyter generates: 24 random bytes.
const GENERATED_LEN: usize = 48;
/// The length of a token that an image generates itself; shorter words are settings.
const MINTED_LEN: std::ops::RangeInclusive<usize> = 16..=128;
/// The maximum length of a URL in bytes; servers announce no longer ones.
const MAX_URL_LEN: usize = 2048;
/// The fields with the text of a log line in JSON (python-json-logger, structlog, ECS, GELF).
const MESSAGE_KEYS: [&str; 7] = [
    "message",
    "msg",
    "event",
    "text",
    "log",
    "short_message",
    "@message",
];

/// Calls `each` for every line of text in a line of the log: the lines of the message if the line is a JSON
/// object, else the line itself.
pub(super) fn texts(line: &str, mut each: impl FnMut(&str)) {
    let record = line
        .trim()
        .strip_prefix('{')
        .and_then(|_| serde_json::from_str(line.trim()).ok());
    let Some(Value::Object(record)) = record else {
        return each(line);
    };
    let message = MESSAGE_KEYS.iter().find_map(|key| record.get(*key)?.as_str());
    message.unwrap_or(line).lines().for_each(each);
}

/// The part of a line before its text: time, level, name of the program, in any format. Numbers are blanked, so
/// two lines of the same program have the same prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prefix(String);

impl Prefix {
    fn of(text: &str) -> Self {
        let mut blanked = String::new();
        for c in text.trim_end().chars() {
            if !c.is_ascii_digit() {
                blanked.push(c);
            } else if !blanked.ends_with('0') {
                blanked.push('0');
            }
        }
        Self(blanked)
    }

    /// Whether a line has this prefix.
    pub(super) fn is_of(&self, line: &str) -> bool {
        is_jupyter_format(line) || (!self.0.is_empty() && Self::of(line).0.starts_with(&self.0))
    }
}

/// The heading of an announcement (`Jupyter Server 2.21.1 is running at:`): its prefix, and the rest of the
/// line, which is the URL up to Notebook 4.
pub(super) fn heading(line: &str) -> Option<(Prefix, &str)> {
    const RUNNING: &str = "is running at:";
    let at = line.find(RUNNING)?;
    let start = line[..at].rfind("Jupyter")?;
    let (name, rest) = (&line[start..at], &line[at + RUNNING.len()..]);
    let is_name = name.len() < 60 && name.chars().all(|c| c.is_alphanumeric() || " .+-_".contains(c));
    let start = line[..start].strip_suffix("The ").map_or(start, str::len);
    (is_name && (is_end(&line[..start], rest) || rest.trim_start().starts_with("http")))
        .then(|| (Prefix::of(&line[..start]), rest))
}

/// The heading of the banner. The server prints it after the announcement, or alone if its log only shows
/// errors.
pub(super) fn banner(line: &str) -> Option<Prefix> {
    let texts = [
        "Or copy and paste one of these URLs",
        "Copy/paste this URL into your browser",
    ];
    let start = texts.iter().find_map(|text| line.find(text))?;
    Some(Prefix::of(&line[..start]))
}

/// The last line of an announcement.
pub(super) fn is_footer(line: &str) -> bool {
    line.contains("Use Control-C to stop this server")
}

/// The process of a banner (`jpserver-8545-open.html`).
pub(super) fn process(line: &str) -> Option<u32> {
    let (path, _) = line.split_once("-open.html")?;
    path.rsplit_once("server-")?.1.parse().ok()
}

/// A URL without its token, and the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link<'a> {
    /// The URL up to its query.
    pub(super) address: &'a str,
    /// The query parameter `token`, unless it is missing or empty.
    pub(super) token: Option<&'a str>,
}

impl<'a> Link<'a> {
    fn of(url: &'a str) -> Self {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let query = query.split('#').next().unwrap_or_default();
        let token = query.split('&').find_map(|pair| pair.strip_prefix("token="));
        Self {
            address,
            token: token.filter(|token| !token.is_empty()),
        }
    }

    /// Port and path, which do not depend on the host name printed.
    pub(super) fn place(&self) -> Option<(u16, &'a str)> {
        let (_, rest) = self.address.split_once("://")?;
        let host = host_len(rest)?;
        let (authority, path) =
            rest.split_at_checked(host + rest[host..].find('/').unwrap_or(rest.len() - host))?;
        Some((authority.get(host..)?.strip_prefix(':')?.parse().ok()?, path))
    }
}

/// The URL in a line of an announcement that has nothing else but a prefix (`[I 12:00:00 ServerApp] `, ` or `,
/// or that of the heading).
pub(super) fn link<'a>(line: &'a str, heading: &Prefix) -> Option<Link<'a>> {
    let start = ["http://", "https://", "http+unix://"]
        .iter()
        .filter_map(|scheme| line.find(scheme))
        .min()?;
    let before = line[..start].trim_end();
    let alone = before.is_empty()
        || before == "or"
        || before.ends_with(']')
        || before.ends_with(" or")
        || Prefix::of(before) == *heading;
    if !alone {
        return None;
    }
    let url = url_at(&line[start..])?;
    is_end(&line[..start], &line[start + url.len()..]).then(|| Link::of(url))
}

/// Whether `rest`, the end of a line that begins with `before`, can be ignored: it only has punctuation, or a
/// quote that was opened right before it.
fn is_end(before: &str, rest: &str) -> bool {
    let quoted = ['"', '\'']
        .iter()
        .any(|quote| rest.starts_with(*quote) && before.contains(*quote));
    quoted || !rest.contains(char::is_alphanumeric)
}

/// The URL at the start of a text. Notebook 4 and 5 print hosts with spaces: `(lab or 127.0.0.1)`,
/// `[all ip addresses on your system]`.
fn url_at(text: &str) -> Option<&str> {
    let scheme = text.find("://")? + "://".len();
    let from = scheme + host_len(&text[scheme..])?;
    let end = text[from..].find(ends_url).map_or(text.len(), |end| from + end);
    (end <= MAX_URL_LEN && end > scheme).then(|| &text[..end])
}

fn ends_url(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "\"'<>\\".contains(c)
}

/// The length of the host at the start of a text in bytes, without its port. `None` if a bracket is not closed.
fn host_len(text: &str) -> Option<usize> {
    let close = match text.as_bytes().first() {
        Some(b'(') => ')',
        Some(b'[') => ']',
        // An IPv6 address without brackets has colons of its own; the last one is the port's.
        _ => {
            let end = text.find(|c: char| "/?#".contains(c) || ends_url(c));
            let end = end.unwrap_or(text.len());
            return Some(text[..end].rfind(':').unwrap_or(end));
        }
    };
    Some(text.find(close)? + 1)
}

/// A token in any URL of a line, and whether the line is about Jupyter: the server's own, printed before or
/// instead of its announcement.
pub(super) fn token_anywhere(line: &str) -> Option<(Link<'_>, bool)> {
    let about_jupyter = is_about_jupyter(line);
    let plain = line
        .split(ends_url)
        .filter(|word| word.contains("://"))
        .map(|word| word.trim_end_matches([')', ',', '.', ';']));
    let bracketed = ["http://(", "https://("]
        .iter()
        .filter_map(|start| url_at(&line[line.find(start)?..]));
    plain.chain(bracketed).map(Link::of).find_map(|link| {
        let token = link.token?;
        let minted = about_jupyter && MINTED_LEN.contains(&token.len()) && token.bytes().all(is_unreserved);
        (is_generated(token) || minted).then_some((link, about_jupyter))
    })
}

/// A token that an image generates itself and prints in words (`generated a Jupyter Lab token: 9f2c…`), or that
/// appears in the command line of a script that echoes its commands (`jupyter lab --ServerApp.token=9f2c…`).
pub(super) fn minted(line: &str) -> Option<&str> {
    #[expect(clippy::unwrap_used, reason = "the pattern is valid: every test uses it")]
    static MINTED: LazyLock<Regex> = LazyLock::new(|| {
        let named = r"jupyter(?:[ _-]?(?:lab|notebook|server))?(?:[ _-](?:access|auth|login))?[ _-]token";
        let of = r"token for (?:the )?jupyter(?:[ _-]?(?:lab|notebook|server))?";
        let option = r"jupyter[ -].*--(?:[a-z]+app|identityprovider)\.token";
        Regex::new(&format!(
            r#"(?i)(?:\b(?:{named}|{of})|\b{option})["']?(?:\s*[:=]\s*|\s+is:?\s+)["']?([A-Za-z0-9_+/-]+=*)["']?(?:\s|$)"#
        ))
        .unwrap()
    });
    if !is_about_jupyter(line) {
        return None;
    }
    let token = MINTED.captures(line)?.get(1)?.as_str();
    let mixed =
        token.contains(|c: char| c.is_ascii_digit()) && token.contains(|c: char| c.is_ascii_alphabetic());
    (MINTED_LEN.contains(&token.len()) && mixed).then_some(token)
}

fn is_about_jupyter(line: &str) -> bool {
    line.as_bytes()
        .windows("jupyter".len())
        .any(|word| word.eq_ignore_ascii_case(b"jupyter"))
}

pub(super) fn is_generated(token: &str) -> bool {
    token.len() == GENERATED_LEN && token.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// The warning of `validate_security`, the same in `jupyter_server/auth/identity.py` and
/// `notebook/auth/login.py`; the second is for a server that listens on all addresses by an empty `ip`.
pub(super) fn says_open(line: &str) -> bool {
    line.contains("All authentication is disabled.") || line.contains("and not using authentication.")
}

/// Whether a line shows that one server in a container stopped (in the words of the server, its supervisor or
/// the shell), or that the next one is starting.
pub(super) fn is_between_servers(line: &str) -> bool {
    #[expect(clippy::unwrap_used, reason = "the pattern is valid: every test uses it")]
    static BETWEEN: LazyLock<Regex> = LazyLock::new(|| {
        let ends = r"received signal \d+, stopping|Shutting down on /api/shutdown request|Shutdown confirmed";
        // supervisord, s6, pm2 and circus; bash.
        let supervisor =
            r"\b[Ee]xited\b|\b[Ss]pawned\b|\b[Rr]espawn|\b[Rr]estart|\bSIG(?:KILL|TERM|SEGV|ABRT|BUS)\b";
        let shell = r"\b(?:Killed|Terminated|Aborted|Bus error|Segmentation fault)\b";
        let starts = r"\| extension was successfully (?:linked|loaded)|Serving (?:notebooks from|contents)";
        Regex::new(&format!("{ends}|{supervisor}|{shell}|{starts}")).unwrap()
    });
    BETWEEN.is_match(line)
}

/// A line in the format of traitlets applications: `[I 2026-11-24 11:26:56.547 ServerApp] …`.
fn is_jupyter_format(line: &str) -> bool {
    let levels = ["[D ", "[I ", "[W ", "[E ", "[C "];
    levels
        .iter()
        .filter_map(|level| Some(line.split_once(level)?.1))
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains("] "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings() {
        for line in [
            "[I 2026-11-24 11:26:56.547 ServerApp] Jupyter Server 2.21.1 is running at:",
            "[I 07:34:59.837 NotebookApp] The Jupyter Notebook is running at:",
            "Jupyter Notebook 6.5.7 is running at:",
            r#"level=INFO msg="Jupyter Server 2.17.0 is running at:" logger=ServerApp"#,
            r#"{"level": "INFO", "wrapped": {"message": "Jupyter Server 2.17.0 is running at:"}}"#,
            "The Jupyter Notebook is running at: http://[all ip addresses on your system]:8888/?token=1",
        ] {
            assert!(heading(line).is_some(), "{line}");
        }
        for line in [
            "Voilà is running at:",
            "Stupid Log is running at:",
            "Jupyter says that everything is fine and TensorBoard, which it began at noon today, is running at:",
            "my \"Jupyter\" is running at: 100 % of a processor",
            "Jupyter Server 2.21.1 is running at: full speed",
        ] {
            assert_eq!(heading(line), None, "{line}");
        }
    }

    #[test]
    fn links_of_all_sorts() {
        let none = Prefix::of("");
        for (line, address, place) in [
            (
                "http://[::]:8888/lab?token=1",
                "http://[::]:8888/lab",
                Some((8888, "/lab")),
            ),
            (
                "http://:::8888/lab?token=1",
                "http://:::8888/lab",
                Some((8888, "/lab")),
            ),
            (
                "  or http://10.0.0.7:80/?token=1",
                "http://10.0.0.7:80/",
                Some((80, "/")),
            ),
            (
                "[I ServerApp] http://(lab or 127.0.0.1):8888/?token=1",
                "http://(lab or 127.0.0.1):8888/",
                Some((8888, "/")),
            ),
            (
                "http://[all ip addresses on your system]:8888/?token=1",
                "http://[all ip addresses on your system]:8888/",
                Some((8888, "/")),
            ),
            (
                "https://lab.example.com/lab?reset&token=1#top",
                "https://lab.example.com/lab",
                None,
            ),
            (
                "http+unix://%2Ftmp%2Fs.sock/lab?token=1",
                "http+unix://%2Ftmp%2Fs.sock/lab",
                None,
            ),
            ("http://ñ:70000/lab?token=1", "http://ñ:70000/lab", None),
        ] {
            let found = link(line, &none).unwrap();
            assert_eq!((found.address, found.token), (address, Some("1")), "{line}");
            assert_eq!(found.place(), place, "{line}");
        }
        for line in [
            "see http://localhost:8888/lab?token=1",
            "http://localhost:8888/lab?token=1 and more",
            "http://(lab or 127.0.0.1:8888/?token=1",
            "http://",
            "ftp://localhost/lab?token=1",
        ] {
            assert_eq!(link(line, &none), None, "{line}");
        }
        let (own, _) = heading("2026-05-02 10:11:12,345 INFO Jupyter Server 2 is running at:").unwrap();
        let line = "2026-05-02 10:11:13,1 INFO     http://127.0.0.1:8888/lab?token=1";
        assert!(link(line, &own).is_some(), "the heading's own format");
        assert_eq!(link(line, &none), None, "a format that no heading had");
    }

    #[test]
    fn tokens_generated_by_an_image() {
        let token = "9f2c1d7be04a5a6c8d3e1f0a2b4c6d8e";
        for line in [
            format!("JUPYTER_PASSWORD is not set; generated a Jupyter Lab token: {token}"),
            format!("JUPYTER_TOKEN={token}"),
            format!("Jupyter token is {token}"),
            format!("Your JupyterLab access token: '{token}'"),
            format!("The token for Jupyter is: {token}"),
            format!("+ jupyter lab --ip=0.0.0.0 --ServerApp.token={token} --no-browser"),
            format!("+ exec jupyter-lab --IdentityProvider.token='{token}'"),
        ] {
            assert_eq!(minted(&line), Some(token), "{line}");
        }
        for line in [
            format!("token: {token}"),
            format!("jupyter-ai: huggingface token: {token}"),
            format!("Jupyter token: {token} {token}!").replace(' ', "_"),
            "Jupyter token: disabled_by_configuration".to_owned(),
            "Jupyter token: abc123".to_owned(),
            format!("Jupyter token: {}", "a1".repeat(100)),
            "[W ServerApp] ServerApp.token config is deprecated in jupyter-server 2.0.".to_owned(),
            "jupyter lab --ServerApp.token='' --ServerApp.password=''".to_owned(),
        ] {
            assert_eq!(minted(&line), None, "{line}");
        }
    }
}

use super::{LineReader, LineScan, TokenExtractor, TokenScan, TokenState};
use crate::secret::AccessToken;

/// Hexadecimal digits of a token that Jupyter generates: 24 random bytes.
const GENERATED_LEN: usize = 48;
/// What is printed instead of a token that came from the configuration.
const HIDDEN: &str = "...";
/// Lines after `… is running at:` in which the server's URLs stand; other output may come between them.
const ANNOUNCEMENT_LINES: u8 = 8;

/// Finds the token of a Jupyter server: Lab 3 and 4, Notebook 6 and 7, and the bare server.
///
/// The server announces itself once, as (from `jupyter_server/serverapp.py`, `running_server_info`)
///
/// ```text
/// [I 2026-11-24 11:26:56.547 ServerApp] Jupyter Server 2.21.1 is running at:
/// [I 2026-11-24 11:26:56.547 ServerApp] http://0.0.0.0:8888/lab?token=b1726e8f59acb3b9a1ba264bf01cd49ec07faa1910eafcb9
/// [I 2026-11-24 11:26:56.547 ServerApp]     http://127.0.0.1:8888/lab?token=b1726e8f59acb3b9a1ba264bf01cd49ec07faa1910eafcb9
/// ```
///
/// | the URL there | the state |
/// |---|---|
/// | `?token=` and 48 hexadecimal digits | generated |
/// | `?token=...` | configured, as by `JUPYTER_TOKEN` |
/// | no token, after the warning that authentication is disabled | disabled |
/// | no token otherwise | password |
///
/// Only the token is taken, never host, port or scheme. The announcement decides; what is printed after it,
/// by whatever program, changes nothing until the server says that it stops (a supervisor may start it again
/// in the same container). Before it, a generated token in any URL is taken on trial, for servers whose
/// announcement is in another language, and gives way to the announcement.
#[derive(Debug, Clone, Copy, Default)]
pub struct JupyterTokens;

impl TokenExtractor for JupyterTokens {
    fn start(&self) -> Box<dyn TokenScan> {
        Box::new(LineScan::new(Reader::default()))
    }
}

/// How sure the state is; a surer line replaces it.
#[derive(Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    #[default]
    None,
    /// A generated token in a URL somewhere.
    Anywhere,
    /// A URL without token in the announcement: one with a token may follow.
    AnnouncedBare,
    /// The announcement is read: nothing replaces the state.
    Settled,
}

#[derive(Default)]
struct Reader {
    state: TokenState,
    evidence: Evidence,
    /// Lines of the announcement that may still come; 0 outside of it.
    announcement: u8,
    /// The server warned that it asks for no login.
    open: bool,
}

impl LineReader for Reader {
    fn line(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        if self.evidence == Evidence::Settled {
            if says_stopping(line) {
                // The state stays until the next server says otherwise.
                *self = Self {
                    state: std::mem::take(&mut self.state),
                    ..Self::default()
                };
            }
        } else if says_open(line) {
            self.open = true;
        } else if line.contains("Jupyter") && line.trim_end().ends_with("is running at:") {
            self.announcement = ANNOUNCEMENT_LINES;
        } else if self.announcement > 0 {
            self.announced(line);
        } else if let Some(token) = generated_anywhere(line) {
            self.set(Evidence::Anywhere, TokenState::Generated(token));
        }
    }

    fn state(&self) -> &TokenState {
        &self.state
    }
}

impl Reader {
    /// A line after `… is running at:`.
    fn announced(&mut self, line: &str) {
        if let Some(url) = url_of_line(line) {
            match token_of(url) {
                Some(HIDDEN) => self.set(Evidence::Settled, TokenState::Configured),
                Some(token) if is_generated(token) => {
                    self.set(Evidence::Settled, TokenState::Generated(AccessToken::new(token)));
                }
                // No Jupyter prints any other token; guess nothing.
                Some(_) => {}
                None if self.open => self.set(Evidence::AnnouncedBare, TokenState::Disabled),
                None => self.set(Evidence::AnnouncedBare, TokenState::Password),
            }
        }
        self.announcement -= 1;
        if line.contains("Use Control-C to stop this server") {
            self.announcement = 0;
        }
        if self.announcement == 0 && self.evidence == Evidence::AnnouncedBare {
            self.evidence = Evidence::Settled;
        }
    }

    fn set(&mut self, evidence: Evidence, state: TokenState) {
        if evidence > self.evidence {
            self.evidence = evidence;
            self.state = state;
        }
    }
}

/// The warning of `validate_security`, the same in `jupyter_server/auth/identity.py` and
/// `notebook/auth/login.py`; the second is for a server that listens on all addresses by an empty `ip`.
fn says_open(line: &str) -> bool {
    line.contains("All authentication is disabled.") || line.contains("and not using authentication.")
}

/// What the server logs when it is told to stop, by a signal or from the page.
fn says_stopping(line: &str) -> bool {
    let log_line = line.contains("App] ");
    log_line
        && (line.contains("received signal ") && line.contains(", stopping")
            || line.contains("Shutting down on /api/shutdown request"))
}

/// The URL that a line of the announcement consists of, beside its prefix (`[I 12:00:00 ServerApp] `, ` or `).
fn url_of_line(line: &str) -> Option<&str> {
    let line = line.trim();
    let start = line.rfind(char::is_whitespace).map_or(0, |space| space + 1);
    let (before, url) = line.split_at_checked(start)?;
    let before = before.trim_end();
    let alone = before.is_empty() || before == "or" || before.ends_with(']') || before.ends_with(" or");
    let is_url = ["http://", "https://", "http+unix://"]
        .iter()
        .any(|scheme| url.starts_with(scheme));
    (alone && is_url).then_some(url)
}

/// A generated token in any URL of a line.
fn generated_anywhere(line: &str) -> Option<AccessToken> {
    let words = line.split(|c: char| c.is_whitespace() || "\"'<>()".contains(c));
    let mut tokens = words.filter(|word| word.contains("://")).filter_map(token_of);
    tokens.find(|token| is_generated(token)).map(AccessToken::new)
}

/// The query parameter `token` of a URL, if it has one that is not empty.
fn token_of(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    let query = query.split('#').next()?;
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("token="))
        .filter(|token| !token.is_empty())
}

fn is_generated(token: &str) -> bool {
    token.len() == GENERATED_LEN && token.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

//! The announcement of one server in a log, as far as it has been read.

use super::text::{self, Link, Prefix};
use crate::token::secret::AccessToken;

/// The number of lines of other programs within an announcement before a URL without token is ignored as
/// another program's.
const FOREIGN_LINES: u8 = 8;
/// The number of lines that an announcement may span. Other programs may print in between, because `?token=`
/// shows whose a URL is.
const LINES: u16 = 500;
/// The number of URLs that are kept: a server prints two, twice.
const MAX_URLS: usize = 16;
/// The number of lines of a banner before its first URL.
const BANNER_LINES: u8 = 3;
/// The text printed in place of a configured token.
const HIDDEN: &str = "...";

/// The login that an announcement shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AnnouncedLogin {
    /// A token that the server generated.
    Token(AccessToken),
    /// A token that was configured, so it is not shown.
    Hidden,
    /// URLs without token.
    Bare,
}

/// The part of an announcement that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The log lines after `… is running at:`.
    Log,
    /// None.
    Between,
    /// The banner, with the number of lines that may still precede its first URL.
    Banner(u8),
}

/// The announcement of one server: the login that it shows, and the features that identify the server.
#[derive(Debug)]
pub(super) struct Announcement {
    /// The login shown; a more certain one replaces it.
    login: Option<AnnouncedLogin>,
    /// The URLs that show this login, in order, each with whether it is in the banner.
    urls: Vec<(bool, String)>,
    footer: bool,
    process: Option<u32>,
    part: Part,
    prefix: Prefix,
    lines: u16,
    foreign: u8,
}

/// How a line relates to an announcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineRelation {
    /// Part of it.
    Own,
    /// Not part of it.
    Other,
}

impl Announcement {
    /// An announcement that begins with this heading, or with a banner if `banner` is set.
    pub(super) fn new(prefix: Prefix, banner: bool) -> Self {
        Self {
            login: None,
            urls: Vec::new(),
            footer: false,
            process: None,
            part: if banner {
                Part::Banner(BANNER_LINES)
            } else {
                Part::Log
            },
            prefix,
            lines: LINES,
            foreign: FOREIGN_LINES,
        }
    }

    /// The banner begins.
    pub(super) fn banner(&mut self, prefix: Prefix) {
        self.part = Part::Banner(BANNER_LINES);
        self.prefix = prefix;
    }

    /// Sets the process, which the file name in the banner contains. It precedes the banner's URLs.
    pub(super) fn of_process(&mut self, process: u32) {
        self.process.get_or_insert(process);
    }

    pub(super) fn login(&self) -> Option<&AnnouncedLogin> {
        self.login.as_ref()
    }

    /// Whether a banner was read.
    pub(super) fn has_banner(&self) -> bool {
        self.urls.iter().any(|(banner, _)| *banner)
    }

    /// Whether no further line can change the login shown.
    pub(super) fn is_over(&self) -> bool {
        self.part == Part::Between || self.lines == 0 || self.foreign == 0
    }

    /// Reads a line after the heading.
    pub(super) fn read(&mut self, line: &str) -> LineRelation {
        self.lines = self.lines.saturating_sub(1);
        if self.lines == 0 {
            self.part = Part::Between;
        }
        if self.part == Part::Between {
            return LineRelation::Other;
        }
        if text::is_footer(line) {
            self.footer = true;
            self.part = Part::Between;
            return LineRelation::Own;
        }
        match (text::link(line, &self.prefix), self.part) {
            (Some(url), _) => self.url(&url),
            // The banner ends after its URLs.
            (None, Part::Banner(0)) => {
                self.part = Part::Between;
                LineRelation::Other
            }
            (None, Part::Banner(left)) => {
                self.part = Part::Banner(left - 1);
                LineRelation::Other
            }
            (None, _) => {
                if !self.prefix.is_of(line) {
                    self.foreign = self.foreign.saturating_sub(1);
                }
                LineRelation::Other
            }
        }
    }

    fn url(&mut self, link: &Link<'_>) -> LineRelation {
        let login = match link.token {
            Some(HIDDEN) => AnnouncedLogin::Hidden,
            Some(token) if text::is_generated(token) => AnnouncedLogin::Token(AccessToken::new(token)),
            // No Jupyter server prints any other token, so the line is ignored.
            Some(_) => return LineRelation::Other,
            None if self.foreign == 0 => return LineRelation::Other,
            None => AnnouncedLogin::Bare,
        };
        let banner = matches!(self.part, Part::Banner(_));
        match &self.login {
            // A later URL with another login is not the server's.
            Some(known) if *known != login && *known != AnnouncedLogin::Bare => return LineRelation::Other,
            Some(known) if *known == login => {}
            // The bare URL before it was another program's.
            _ => self.urls.clear(),
        }
        self.login = Some(login);
        if self.urls.len() < MAX_URLS {
            self.urls.push((banner, link.address.to_owned()));
        }
        if banner {
            self.part = Part::Banner(0);
        }
        LineRelation::Own
    }

    /// Whether this announcement is by the same program with the same settings as `first`, and complete: same
    /// kind of login, same URLs except for the token, same number of parts. Another server in the container has
    /// another port or path, and an imitation in passing lacks some parts.
    pub(super) fn is_same_server(&self, first: &Self) -> bool {
        let login = |login: &Option<AnnouncedLogin>| login.as_ref().map(std::mem::discriminant);
        let same_login = self.login.is_some() && login(&self.login) == login(&first.login);
        same_login && self.urls == first.urls && (self.footer || !first.footer)
    }

    /// Whether it names a different process than `other`.
    pub(super) fn is_of_another_process(&self, other: &Self) -> bool {
        matches!((self.process, other.process), (Some(one), Some(two)) if one != two)
    }

    /// Whether one of its URLs has this port and path.
    pub(super) fn has_place(&self, place: (u16, &str)) -> bool {
        self.urls.iter().any(|(_, address)| {
            let link = Link { address, token: None };
            link.place() == Some(place)
        })
    }
}

//! One server's announcement in a log, as far as it was read.

use super::text::{self, Link, Prefix};
use crate::token::secret::AccessToken;

/// Lines of other programs that may stand in an announcement before a URL without token is taken for somebody else's.
const FOREIGN_LINES: u8 = 8;
/// Lines in which the URLs of an announcement stand, whoever prints between them: `?token=` says whose a URL is.
const LINES: u16 = 500;
/// URLs that are kept: a server prints two, twice.
const MAX_URLS: usize = 16;
/// Lines of a banner before its first URL.
const BANNER_LINES: u8 = 3;
/// What is printed instead of a token that came from the configuration.
const HIDDEN: &str = "...";

/// What an announcement says about the login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// The token that the server made.
    Token(AccessToken),
    /// A token that somebody else made, and that is not shown.
    Hidden,
    /// URLs without token.
    Bare,
}

/// Which part of an announcement is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The log lines after `… is running at:`.
    Log,
    /// Neither.
    Between,
    /// The banner, and how many of its lines may still come before its first URL.
    Banner(u8),
}

/// The announcement of one server: what it says, and what it looks like.
#[derive(Debug)]
pub(super) struct Announcement {
    /// What is told, the surest so far.
    told: Option<Told>,
    /// The addresses that are told so, in order, each with whether it stands in the banner.
    urls: Vec<(bool, String)>,
    footer: bool,
    process: Option<u32>,
    part: Part,
    prefix: Prefix,
    lines: u16,
    foreign: u8,
}

/// What a line was to an announcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Part of it.
    Own,
    /// Something else.
    Other,
}

impl Announcement {
    /// One that begins with this heading, or, with `banner`, with its banner.
    pub(super) fn new(prefix: Prefix, banner: bool) -> Self {
        Self {
            told: None,
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

    /// Its banner begins.
    pub(super) fn banner(&mut self, prefix: Prefix) {
        self.part = Part::Banner(BANNER_LINES);
        self.prefix = prefix;
    }

    /// The banner's file names its process. It stands in front of the banner's URLs.
    pub(super) fn of_process(&mut self, process: u32) {
        self.process.get_or_insert(process);
    }

    pub(super) fn told(&self) -> Option<&Told> {
        self.told.as_ref()
    }

    /// Whether a banner was read.
    pub(super) fn has_banner(&self) -> bool {
        self.urls.iter().any(|(banner, _)| *banner)
    }

    /// Whether nothing more is expected that would change what is told.
    pub(super) fn is_over(&self) -> bool {
        self.part == Part::Between || self.lines == 0 || self.foreign == 0
    }

    /// Reads a line after the heading.
    pub(super) fn read(&mut self, line: &str) -> Line {
        self.lines = self.lines.saturating_sub(1);
        if self.lines == 0 {
            self.part = Part::Between;
        }
        if self.part == Part::Between {
            return Line::Other;
        }
        if text::is_footer(line) {
            self.footer = true;
            self.part = Part::Between;
            return Line::Own;
        }
        match (text::link(line, &self.prefix), self.part) {
            (Some(url), _) => self.url(&url),
            // The banner ends after its URLs.
            (None, Part::Banner(0)) => {
                self.part = Part::Between;
                Line::Other
            }
            (None, Part::Banner(left)) => {
                self.part = Part::Banner(left - 1);
                Line::Other
            }
            (None, _) => {
                if !self.prefix.is_of(line) {
                    self.foreign = self.foreign.saturating_sub(1);
                }
                Line::Other
            }
        }
    }

    fn url(&mut self, link: &Link<'_>) -> Line {
        let told = match link.token {
            Some(HIDDEN) => Told::Hidden,
            Some(token) if text::is_generated(token) => Told::Token(AccessToken::new(token)),
            // No Jupyter prints any other token; guess nothing.
            Some(_) => return Line::Other,
            None if self.foreign == 0 => return Line::Other,
            None => Told::Bare,
        };
        let banner = matches!(self.part, Part::Banner(_));
        match &self.told {
            // What follows a URL with a token, without one or with another, is not the server's.
            Some(known) if *known != told && *known != Told::Bare => return Line::Other,
            Some(known) if *known == told => {}
            // The bare URL in front of it was somebody else's.
            _ => self.urls.clear(),
        }
        self.told = Some(told);
        if self.urls.len() < MAX_URLS {
            self.urls.push((banner, link.address.to_owned()));
        }
        if banner {
            self.part = Part::Banner(0);
        }
        Line::Own
    }

    /// Whether this is the announcement of the same program with the same settings as `first`, whole: the same way to log
    /// in, the same URLs but for their token, and as many parts. Another server in the container has another port or path, and a line that
    /// only looks like an announcement has not all of it.
    pub(super) fn is_again(&self, first: &Self) -> bool {
        let login = |told: &Option<Told>| told.as_ref().map(std::mem::discriminant);
        let same_login = self.told.is_some() && login(&self.told) == login(&first.told);
        same_login && self.urls == first.urls && (self.footer || !first.footer)
    }

    /// Whether it is known to be of another process than `other`.
    pub(super) fn is_of_another_process(&self, other: &Self) -> bool {
        matches!((self.process, other.process), (Some(one), Some(two)) if one != two)
    }

    /// Whether one of its URLs is this one but for the name of the machine.
    pub(super) fn has_place(&self, place: (u16, &str)) -> bool {
        self.urls.iter().any(|(_, address)| {
            let link = Link { address, token: None };
            link.place() == Some(place)
        })
    }
}

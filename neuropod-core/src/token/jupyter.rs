use super::announcement::{AnnouncedLogin, Announcement, LineRelation};
use super::text;
use super::{LineReader, LineScan, TokenExtractor, TokenScan, TokenState};
use crate::token::secret::AccessToken;

/// Finds the token of a Jupyter server: Lab 3 and 4, Notebook 4 to 7, and the bare server, whatever its log format.
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
/// Only the token is read, never host, port or scheme. Before the announcement, a token that the image itself
/// prints for Jupyter (`JupyterLab: http://…/lab?token=9f2c…`, `generated a Jupyter Lab token: 9f2c…`) counts,
/// and it is the token that an announcement hides. Failing that, a generated token in any URL counts for now,
/// for servers whose announcement is in another language. An announced token replaces either.
///
/// A further announcement in the same log only counts if it must be that of the same server after a restart:
/// see [the rule](super#which-announcement-counts).
#[derive(Debug, Clone, Copy, Default)]
pub struct JupyterTokens;

impl TokenExtractor for JupyterTokens {
    fn start(&self) -> Box<dyn TokenScan> {
        Box::new(LineScan::new(Reader::default()))
    }
}

/// How certain the state is; a more certain line replaces it.
#[derive(Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    #[default]
    None,
    /// A generated token in any URL.
    Anywhere,
    /// A token that the line attributes to Jupyter.
    Minted,
    /// A URL without token in the announcement: one with a token may follow.
    AnnouncedBare,
    /// A URL with a token in the announcement.
    AnnouncedToken,
    /// The announcement has been read.
    Settled,
}

#[derive(Default)]
struct Reader {
    state: TokenState,
    evidence: Evidence,
    /// The port and path of the URL with a token before any announcement.
    early: Option<(u16, String)>,
    /// The server warned that authentication is disabled.
    open: bool,
    /// The announcement that determines the state.
    server: Option<Announcement>,
    /// A later announcement, which may be by the same server after a restart.
    next: Option<Announcement>,
    /// Since the last announcement, a line showed that a server stopped or started.
    between: bool,
    /// The value of `between` when the next announcement began.
    started_again: bool,
    /// The process named before a banner.
    process: Option<u32>,
}

impl LineReader for Reader {
    fn line(&mut self, line: &str) {
        text::texts(line, |text| self.text(text));
    }

    fn state(&self) -> &TokenState {
        &self.state
    }

    fn is_settled(&self) -> bool {
        self.evidence == Evidence::Settled
    }
}

impl Reader {
    fn text(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        self.process = text::process(line).or(self.process);
        self.open |= text::says_open(line);
        if let Some((prefix, rest)) = text::heading(line) {
            self.begin(Announcement::new(prefix, false));
            self.announced(rest);
        } else if let Some(prefix) = text::banner(line) {
            match self.current() {
                Some(current) if !current.has_banner() => current.banner(prefix),
                _ => self.begin(Announcement::new(prefix, true)),
            }
            let process = self.process.take();
            if let (Some(current), Some(process)) = (self.current(), process) {
                current.of_process(process);
            }
        } else if self.announced(line) == LineRelation::Other {
            self.other(line);
        }
    }

    /// The announcement being read.
    fn current(&mut self) -> Option<&mut Announcement> {
        self.next.as_mut().or(self.server.as_mut())
    }

    /// Begins another announcement: the first, or one that may replace it.
    fn begin(&mut self, announcement: Announcement) {
        if self.evidence >= Evidence::AnnouncedBare {
            self.settle();
            self.started_again = std::mem::take(&mut self.between);
            self.next = Some(announcement);
        } else {
            self.server = Some(announcement);
        }
    }

    /// Reads a line as part of the current announcement, if it belongs to it.
    fn announced(&mut self, line: &str) -> LineRelation {
        if self.next.is_some() {
            return self.announced_again(line);
        }
        let Some(server) = &mut self.server else {
            return LineRelation::Other;
        };
        let read = server.read(line);
        if self.evidence == Evidence::Settled {
            if read == LineRelation::Own {
                // The announcement continues, so lines within it do not show a restart.
                self.between = false;
            }
            return read;
        }
        let over = server.is_over();
        match server.login().cloned() {
            Some(AnnouncedLogin::Token(token)) => {
                self.set(Evidence::AnnouncedToken, TokenState::Generated(token));
                self.settle();
            }
            Some(AnnouncedLogin::Hidden) => {
                self.set(Evidence::AnnouncedToken, self.hidden());
                self.settle();
            }
            Some(AnnouncedLogin::Bare) => {
                self.set(Evidence::AnnouncedBare, self.bare());
                if over {
                    self.settle();
                }
            }
            None => {}
        }
        read
    }

    /// Ends the announcement: from now on only a further announcement changes the state.
    fn settle(&mut self) {
        if self.evidence != Evidence::Settled {
            self.evidence = Evidence::Settled;
            // The next server repeats the warning.
            self.open = false;
            self.between = false;
        }
    }

    /// Reads a line after the heading of a further announcement. That replaces the first if it is complete, is
    /// by the same server, and something shows that the server was restarted.
    fn announced_again(&mut self, line: &str) -> LineRelation {
        let (Some(next), Some(server)) = (&mut self.next, &self.server) else {
            return LineRelation::Other;
        };
        let read = next.read(line);
        let another = self.started_again || next.is_of_another_process(server);
        if read == LineRelation::Own && another && next.is_same_server(server) {
            match next.login().cloned() {
                Some(AnnouncedLogin::Token(token)) => self.state = TokenState::Generated(token),
                Some(AnnouncedLogin::Bare) => self.state = self.bare(),
                // A configured token stays the same after a restart.
                Some(AnnouncedLogin::Hidden) | None => {}
            }
            self.server = self.next.take();
            self.open = false;
        }
        read
    }

    /// Reads a line outside of all announcements.
    fn other(&mut self, line: &str) {
        if self.evidence == Evidence::Settled {
            self.between = self.between || text::is_between_servers(line);
        } else if let Some(token) = text::minted(line) {
            self.set(Evidence::Minted, TokenState::Generated(AccessToken::new(token)));
        } else if let Some((link, about_jupyter)) = text::token_anywhere(line) {
            let evidence = if about_jupyter {
                Evidence::Minted
            } else {
                Evidence::Anywhere
            };
            if evidence > self.evidence
                && let Some(token) = link.token
            {
                self.early = link.place().map(|(port, path)| (port, path.to_owned()));
                self.set(evidence, TokenState::Generated(AccessToken::new(token)));
            }
        }
    }

    /// The state if the announcement hides the token: the token that the image printed for this server, if any.
    fn hidden(&self) -> TokenState {
        let of_this_server = |(port, path): &(u16, String)| {
            let server = self.server.as_ref();
            server.is_some_and(|server| server.has_place((*port, path)))
        };
        let printed = self.evidence == Evidence::Minted
            || (self.evidence == Evidence::Anywhere && self.early.as_ref().is_some_and(of_this_server));
        if printed {
            self.state.clone()
        } else {
            TokenState::Configured
        }
    }

    fn bare(&self) -> TokenState {
        if self.open {
            TokenState::Disabled
        } else {
            TokenState::Password
        }
    }

    fn set(&mut self, evidence: Evidence, state: TokenState) {
        if evidence > self.evidence {
            self.evidence = evidence;
            self.state = state;
        }
    }
}

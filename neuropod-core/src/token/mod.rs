//! Finding a pod's access token in the log of its container.
//!
//! A [`TokenExtractor`] starts one [`TokenScan`] for each run of a container and feeds it the log as it
//! streams, in chunks cut anywhere. A restarted container is a new run: its scan starts from nothing, so the
//! new token replaces the old one.
//!
//! # Which announcement counts
//!
//! All programs of a container write into one log, so no line proves its origin: any program in the pod can
//! print the same lines as a server. On the other hand, a server that is killed and restarted inside its
//! container, by a supervisor or a loop, generates another token, and the first one is no longer valid. Two
//! rules handle both.
//!
//! **A log is read only where a server really starts**, which is known from outside of the container: from the
//! start of the container, or from the time its port was last found closed
//! ([`ObservedPod::closed_at`](crate::cluster::observation::ObservedPod::closed_at): the kubelet's probe was
//! refused), according to the node's time stamps of the lines. It is read only until the scan [is
//! settled](TokenScan::is_settled). As long as the port stays open nothing is read, so nothing that a program
//! prints has an effect. The last state is kept until the next server has announced itself.
//!
//! **In one piece of log the first announcement counts**, and a further one only if it must be by the same
//! server after a restart. This matters if a log is read late and contains more than one start:
//!
//! 1. It is complete: it has all parts of the first (log lines with their end, banner).
//! 2. It has the same kind of login and the same URLs in the same order, except for the token. Two servers
//!    can't share a port: an announcement with another port, host or path is by another server.
//! 3. A line before its heading shows a restart: that the first server stopped, was killed or restarted, or the
//!    output of a starting server; or the banners name different processes.
//!
//! A program that imitates all of this, in a log that is read late, is mistaken for a restart. It could also
//! kill the server and print at the right moment. Neither gives it more rights: it runs as the server's user,
//! who can read and set the token anyway. It can only break the links of its own owner.
//!
//! ```
//! use neuropod_core::token::{JupyterTokens, TokenExtractor, TokenState};
//!
//! let mut scan = JupyterTokens.start();
//! assert_eq!(scan.push(b"[I ServerApp] Jupyter Server 2.21.1 is running at:\n[I ServerApp] http://0.0.0.0:88"), None);
//! let state = scan.push(b"88/lab?token=b1726e8f59acb3b9a1ba264bf01cd49ec07faa1910eafcb9\n");
//! let Some(TokenState::Generated(token)) = state else { panic!("no token") };
//! assert_eq!(token.expose(), "b1726e8f59acb3b9a1ba264bf01cd49ec07faa1910eafcb9");
//! ```

mod announcement;
mod jupyter;
mod lines;
mod pattern;
pub mod secret;
#[cfg(test)]
mod tests;
mod text;
#[cfg(test)]
mod trials;

pub use self::{
    jupyter::JupyterTokens,
    lines::MAX_LINE_LEN,
    pattern::{RegexTokens, TokenPatternError},
    secret::AccessToken,
};

/// The authentication of a pod's server, as far as it is known.
///
/// "No token" does not mean "not ready": in three of the states there is no token and the link works all the
/// same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TokenState {
    /// Nothing found yet.
    #[default]
    Unknown,
    /// The server generated a token and printed it.
    Generated(AccessToken),
    /// The token was configured; the server does not print it.
    Configured,
    /// Authentication is disabled: everybody with the link has access.
    Disabled,
    /// The server asks for a password (or another login); there is no token to add to the link.
    Password,
}

/// Reads tokens from container logs; [`JupyterTokens`] is the default.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait TokenExtractor: Send + Sync + 'static {
    /// Begins the scan of one container run, from the first byte of its log.
    fn start(&self) -> Box<dyn TokenScan>;
}

/// The scan of one container run. Memory is bounded however long the log and its lines are.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait TokenScan: Send {
    /// Reads the next piece of the log: any bytes, cut anywhere. Returns the new state if it changed.
    fn push(&mut self, chunk: &[u8]) -> Option<TokenState>;

    /// Reads the end of the log: a last line without a line end counts, too. Returns the new state if it
    /// changed.
    fn finish(&mut self) -> Option<TokenState>;

    /// The current state.
    fn state(&self) -> &TokenState;

    /// Whether the server has announced how to log in, so that the log need not be read on: later lines can
    /// only imitate the server. A state that a later line of the same server may correct is not settled; then
    /// the log is read on for a while.
    fn is_settled(&self) -> bool {
        false
    }
}

/// A reader of whole lines; [`LineScan`] makes a [`TokenScan`] of it.
trait LineReader: Send {
    /// Reads a line, without its end and escape sequences.
    fn line(&mut self, line: &str);

    fn state(&self) -> &TokenState;

    fn is_settled(&self) -> bool;
}

/// Cuts a log into lines for a [`LineReader`], and reports changes of its state.
struct LineScan<R> {
    lines: lines::Lines,
    reader: R,
}

impl<R: LineReader> LineScan<R> {
    fn new(reader: R) -> Self {
        Self {
            lines: lines::Lines::default(),
            reader,
        }
    }

    fn changed(&mut self, step: impl FnOnce(&mut Self)) -> Option<TokenState> {
        let before = self.reader.state().clone();
        step(self);
        let after = self.reader.state();
        (*after != before).then(|| after.clone())
    }
}

impl<R: LineReader> TokenScan for LineScan<R> {
    fn push(&mut self, chunk: &[u8]) -> Option<TokenState> {
        self.changed(|scan| scan.lines.push(chunk, |line| scan.reader.line(line)))
    }

    fn finish(&mut self) -> Option<TokenState> {
        self.changed(|scan| scan.lines.finish(|line| scan.reader.line(line)))
    }

    fn state(&self) -> &TokenState {
        self.reader.state()
    }

    fn is_settled(&self) -> bool {
        self.reader.is_settled()
    }
}

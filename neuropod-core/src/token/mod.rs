//! Finding a pod's access token in what its container prints.
//!
//! A [`TokenExtractor`] starts one [`TokenScan`] for each run of a container and feeds it the log as it
//! streams, in chunks cut anywhere. A restarted container is a new run: its scan starts from nothing, so the
//! new token replaces the old one.
//!
//! # Which announcement counts
//!
//! All programs of a container write into one log, so a line proves nothing: whoever runs in the pod can print what a
//! server prints. On the other hand a server that is killed and started again inside its container, by a supervisor or a
//! loop, makes another token, and the first one opens nothing any more. Both hold by two rules.
//!
//! **A log is read where a server really starts**, which is known from outside of it: from the start of its container, or
//! from when its port was last found closed ([`ObservedPod::closed_at`](crate::cluster::observation::ObservedPod::closed_at): the kubelet's
//! probe was refused), by the times that the node puts before the lines. It is read only until the scan [is
//! settled](TokenScan::is_settled). As long as the port stays open nothing is read, and whatever a program prints changes
//! nothing. Until the next server has announced itself, what the last one said stands.
//!
//! **In one piece of log the first announcement counts**, and a further one only where it can only be that of the same
//! server, started again. This matters where a log is read late, with more than one start in it:
//!
//! 1. It is whole: it has all parts that the first had (log lines with their end, banner).
//! 2. It has the same kind of login and the same URLs in the same order, but for the token. Two servers can't have one
//!    port: one with another port, host or path is another server beside the first.
//! 3. Before its heading stands what stands between two servers: that the first stopped, was killed or restarted, or
//!    what a server prints as it starts; or the banners name different processes.
//!
//! What a program prints that imitates all of this, in a log that is read late, is taken for a restart. It can also kill
//! the server and print at the right moment. Neither gives it more than it has: it runs as the server's user, who can
//! read and set the token anyway. It can make its owner's links useless, and nobody else's.
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

/// What is known of a pod's access token.
///
/// "No token" is not "not ready": three of the states have none to show and the link works all the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TokenState {
    /// Nothing seen yet.
    #[default]
    Unknown,
    /// The server made a token and printed it.
    Generated(AccessToken),
    /// The token was set by whoever configured the server, who knows it; the server does not print it.
    Configured,
    /// The server asks for nothing: whoever has the link is in.
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
    /// Takes the next piece of the log, cut anywhere, of any bytes. Answers the new state if this changed it.
    fn push(&mut self, chunk: &[u8]) -> Option<TokenState>;

    /// The log has ended: a last line without line end counts too. Answers the new state if this changed it.
    fn finish(&mut self) -> Option<TokenState>;

    /// The state as of now.
    fn state(&self) -> &TokenState;

    /// Whether the server has told how to log in, so that the log need not be read on: what comes after it can only
    /// pretend to be the server. Not settled is also a state that a later line of the same server may correct; it is
    /// read on for a while.
    fn is_settled(&self) -> bool {
        false
    }
}

/// What reads whole lines; [`LineScan`] makes a [`TokenScan`] of it.
trait LineReader: Send {
    /// Takes one line without line end and escape sequences.
    fn line(&mut self, line: &str);

    fn state(&self) -> &TokenState;

    fn is_settled(&self) -> bool;
}

/// Cuts a log into lines for a [`LineReader`], and tells when its state changes.
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

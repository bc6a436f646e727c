use regex::Regex;
use thiserror::Error;

use super::{LineReader, LineScan, TokenExtractor, TokenScan, TokenState};
use crate::token::secret::AccessToken;

/// Finds the token by a regular expression, for images that are not Jupyter's.
///
/// Each line is matched, without escape sequences; the token is the group named `token`, or else the first
/// group. The first match in a container run counts; later lines do not replace it. Matching takes time linear
/// in the line, whatever the pattern.
///
/// ```
/// use neuropod_core::token::{RegexTokens, TokenExtractor, TokenState};
///
/// let mut scan = RegexTokens::new(r"password is (\S+)")?.start();
/// let state = scan.push(b"code-server: your password is 5ec4e7\n");
/// assert!(matches!(state, Some(TokenState::Generated(token)) if token.expose() == "5ec4e7"));
/// # Ok::<(), neuropod_core::token::TokenPatternError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RegexTokens {
    regex: Regex,
    group: usize,
}

/// Why a pattern can't be used to find tokens.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum TokenPatternError {
    /// It is not a valid regular expression (syntax of the `regex` crate), or too large when compiled.
    #[error("the token pattern is not valid: {0}")]
    Invalid(#[from] regex::Error),
    /// It has no group, so it does not say which part of a line is the token.
    #[error("the token pattern needs a group around the token, as in `token: (\\S+)`")]
    NoGroup,
}

impl RegexTokens {
    /// An extractor for a pattern.
    pub fn new(pattern: &str) -> Result<Self, TokenPatternError> {
        let regex = Regex::new(pattern)?;
        let named = regex.capture_names().position(|name| name == Some("token"));
        let group = named.unwrap_or(1);
        if group < regex.captures_len() {
            Ok(Self { regex, group })
        } else {
            Err(TokenPatternError::NoGroup)
        }
    }
}

impl TokenExtractor for RegexTokens {
    fn start(&self) -> Box<dyn TokenScan> {
        Box::new(LineScan::new(Reader {
            tokens: self.clone(),
            state: TokenState::Unknown,
        }))
    }
}

struct Reader {
    tokens: RegexTokens,
    state: TokenState,
}

impl LineReader for Reader {
    fn line(&mut self, line: &str) {
        if self.state != TokenState::Unknown {
            return;
        }
        let group = self
            .tokens
            .regex
            .captures(line)
            .and_then(|found| found.get(self.tokens.group));
        if let Some(token) = group.filter(|token| !token.is_empty()) {
            self.state = TokenState::Generated(AccessToken::new(token.as_str()));
        }
    }

    fn state(&self) -> &TokenState {
        &self.state
    }

    fn is_settled(&self) -> bool {
        self.state != TokenState::Unknown
    }
}

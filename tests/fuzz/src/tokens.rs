//! Access tokens in logs.

use neuropod::token::{JupyterTokens, RegexTokens, TokenExtractor, TokenState};

/// The token found does not depend on where the log is cut into pieces, never prints, and contains nothing that
/// could end its link.
pub fn token_lines(data: &[u8]) {
    let pattern = RegexTokens::new("token=([A-Za-z0-9]+)").expect("a valid pattern");
    for extractor in [&JupyterTokens as &dyn TokenExtractor, &pattern] {
        let whole = scan(extractor, data.chunks(data.len().max(1)));
        let size = data.first().map_or(1, |byte| usize::from(*byte) % 61 + 1);
        assert_eq!(
            scan(extractor, data.chunks(size)),
            whole,
            "pieces of {size} bytes"
        );
        assert_eq!(scan(extractor, data.chunks(1)), whole, "single bytes");
        if let TokenState::Generated(token) = &whole {
            let token = token.expose();
            assert!(!token.is_empty());
            let shown = format!("{whole:?}");
            // A short token may be part of another word.
            assert!(token.len() < 12 || !shown.contains(token), "{shown}");
            assert!(
                !token.contains(|c: char| c.is_whitespace() || c.is_control()),
                "{token:?}"
            );
        }
    }
}

fn scan<'a>(extractor: &dyn TokenExtractor, pieces: impl Iterator<Item = &'a [u8]>) -> TokenState {
    let mut scan = extractor.start();
    let mut last = TokenState::default();
    for piece in pieces {
        let was_settled = scan.is_settled();
        let before = scan.state().clone();
        if let Some(state) = scan.push(piece) {
            last = state;
        }
        assert!(
            !was_settled || *scan.state() == before,
            "a scan that is settled changes"
        );
    }
    if let Some(state) = scan.finish() {
        last = state;
    }
    assert_eq!(*scan.state(), last, "every change is reported");
    last
}

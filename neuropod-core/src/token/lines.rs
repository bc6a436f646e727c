use std::borrow::Cow;

use memchr::memchr2;

/// The maximum length of a log line in bytes. A longer line is skipped entirely.
///
/// A line with a token has some hundred bytes, and container runtimes split lines at 8 or 16 KiB anyway.
pub const MAX_LINE_LEN: usize = 64 * 1024;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

/// Joins chunks that may be cut anywhere into lines.
///
/// Both LF and CR end a line, so a progress bar that redraws itself with CR alone never makes a long line. CRLF
/// produces an additional empty line, which has no effect.
#[derive(Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
    /// The current line is too long; skip to its end.
    skipping: bool,
}

impl Lines {
    /// Calls `each` for every line that ends in this chunk, without escape sequences and as UTF-8.
    pub(super) fn push(&mut self, mut chunk: &[u8], mut each: impl FnMut(&str)) {
        while let Some(end) = memchr2(b'\n', b'\r', chunk) {
            self.extend(&chunk[..end]);
            self.end_line(&mut each);
            chunk = &chunk[end + 1..];
        }
        self.extend(chunk);
    }

    /// Ends the last line.
    pub(super) fn finish(&mut self, mut each: impl FnMut(&str)) {
        self.end_line(&mut each);
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.skipping |= self.partial.len() + bytes.len() > MAX_LINE_LEN;
        if self.skipping {
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(bytes);
        }
    }

    fn end_line(&mut self, each: &mut impl FnMut(&str)) {
        if !self.skipping && !self.partial.is_empty() {
            each(&String::from_utf8_lossy(&without_escapes(&self.partial)));
        }
        self.partial.clear();
        self.skipping = false;
    }

    /// The memory held, in bytes.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.partial.capacity()
    }
}

/// A line without terminal escape sequences (ECMA-48): CSI (colours, cursor), OSC (titles, links) and the
/// short ones, of which `ESC ( B` follows every coloured Jupyter prefix.
fn without_escapes(line: &[u8]) -> Cow<'_, [u8]> {
    if !line.contains(&ESC) {
        return Cow::Borrowed(line);
    }
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == ESC {
            rest = &tail[escape_len(tail)..];
        } else {
            out.push(byte);
            rest = tail;
        }
    }
    Cow::Owned(out)
}

/// Length of an escape sequence after its ESC. An unterminated sequence extends to the end of the line.
fn escape_len(tail: &[u8]) -> usize {
    let position = |from: usize, is_end: fn(u8) -> bool| {
        tail[from..]
            .iter()
            .position(|&b| is_end(b))
            .map_or(tail.len(), |end| from + end)
    };
    let len = match tail.first() {
        // CSI: parameters, then a final byte.
        Some(b'[') => position(1, |b| (0x40..=0x7e).contains(&b)) + 1,
        // OSC, DCS, SOS, PM, APC: a text up to BEL or `ESC \`, which counts as a sequence of its own.
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            let end = position(1, |b| b == BEL || b == ESC);
            end + usize::from(tail.get(end) == Some(&BEL))
        }
        // Others: intermediate bytes (such as the parenthesis of `ESC ( B`), then a final byte.
        Some(0x20..=0x7e) => position(0, |b| (0x30..=0x7e).contains(&b)) + 1,
        // Not an escape sequence.
        _ => 0,
    };
    len.min(tail.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(line: &str) -> String {
        String::from_utf8_lossy(&without_escapes(line.as_bytes())).into_owned()
    }

    #[test]
    fn escapes_are_removed() {
        assert_eq!(
            plain("\x1b[32m[I 12:00 ServerApp]\x1b(B\x1b[m http://x"),
            "[I 12:00 ServerApp] http://x"
        );
        assert_eq!(plain("\x1b[1;38;5;200mhot\x1b[0m"), "hot");
        assert_eq!(plain("\x1b]0;title\x07text"), "text");
        assert_eq!(plain("\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\ end"), "link end");
        assert_eq!(plain("\x1b=a\x1bMb"), "ab");
        assert_eq!(plain("a\x1b"), "a");
        assert_eq!(plain("a\x1b[31"), "a");
        assert_eq!(plain("a\x1b]0;never ends"), "a");
        assert_eq!(plain("a\x1b\u{e9}b"), "a\u{e9}b");
        assert_eq!(plain("\x1b]0;t\x1b[31mred"), "red");
    }

    #[test]
    fn lines_end_at_lf_and_cr() {
        let mut seen = Vec::new();
        let mut lines = Lines::default();
        for chunk in ["a\r", "\nb\n\n", "10%\r20%\rc", "d\n", "last"] {
            lines.push(chunk.as_bytes(), |line| seen.push(line.to_owned()));
        }
        lines.finish(|line| seen.push(line.to_owned()));
        lines.finish(|line| seen.push(line.to_owned()));
        assert_eq!(seen, ["a", "b", "10%", "20%", "cd", "last"]);
    }

    #[test]
    fn too_long_lines_are_skipped() {
        let mut seen = Vec::new();
        let mut lines = Lines::default();
        for len in [MAX_LINE_LEN, MAX_LINE_LEN + 1] {
            for byte in vec![b'x'; len] {
                lines.push(&[byte], |line| seen.push(line.len()));
            }
            lines.push(b"\nok\n", |line| seen.push(line.len()));
        }
        assert_eq!(seen, [MAX_LINE_LEN, 2, 2]);
    }
}

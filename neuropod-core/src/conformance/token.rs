//! Checks for every [`TokenExtractor`], whatever logs it reads.

use crate::token::secret::AccessToken;
use crate::token::{MAX_LINE_LEN, TokenExtractor, TokenState};

/// A log that contains a token.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The log, from its first byte; it ends with a line end.
    pub log: Vec<u8>,
    /// The token in it.
    pub token: AccessToken,
}

/// Runs every check. `first` and `second` are logs of two runs of a container, with different tokens.
pub fn run(extractor: &dyn TokenExtractor, first: &Sample, second: &Sample) {
    nothing_seen_nothing_known(extractor);
    finds_the_token(extractor, first);
    finds_the_token(extractor, second);
    cut_anywhere(extractor, first);
    a_last_line_without_end(extractor, first);
    a_new_scan_starts_from_nothing(extractor, first, second);
    scans_side_by_side(extractor, first, second);
    any_bytes(extractor, first);
    endless_lines(extractor, first);
    never_in_debug(extractor, first);
}

fn found(sample: &Sample) -> TokenState {
    TokenState::Generated(sample.token.clone())
}

/// Nothing is found if nothing relevant was printed.
pub fn nothing_seen_nothing_known(extractor: &dyn TokenExtractor) {
    let mut scan = extractor.start();
    assert_eq!(
        *scan.state(),
        TokenState::Unknown,
        "the state before the first byte"
    );
    assert_eq!(scan.push(b""), None, "an empty chunk changes nothing");
    assert_eq!(scan.push(b"\n\r\n\n"), None, "empty lines change nothing");
    assert_eq!(scan.finish(), None, "the end of an empty log changes nothing");
    assert_eq!(*scan.state(), TokenState::Unknown, "the state of an empty log");
}

/// The token is found, reported once by [`push`](crate::token::TokenScan::push), and kept.
pub fn finds_the_token(extractor: &dyn TokenExtractor, sample: &Sample) {
    let mut scan = extractor.start();
    assert_eq!(
        scan.push(&sample.log),
        Some(found(sample)),
        "the token is found in the whole log"
    );
    assert_eq!(*scan.state(), found(sample), "the state is the reported one");
    assert_eq!(
        scan.push(b"another line\n"),
        None,
        "an unchanged state is not reported again"
    );
    assert_eq!(scan.finish(), None, "the end of the log adds nothing");
    assert_eq!(
        *scan.state(),
        found(sample),
        "the state outlasts the end of the log"
    );
}

/// However a log is cut, the final state is the same, and each returned state is the current one.
pub fn cut_anywhere(extractor: &dyn TokenExtractor, sample: &Sample) {
    let log = &sample.log;
    for cut in 0..=log.len() {
        let (before, after) = log.split_at(cut);
        same_state(extractor, &[before, after], sample, &format!("cut at byte {cut}"));
    }
    for size in [1, 2, 3, 7, 16, 1000] {
        let chunks: Vec<_> = log.chunks(size).collect();
        same_state(extractor, &chunks, sample, &format!("in chunks of {size}"));
    }
}

fn same_state(extractor: &dyn TokenExtractor, chunks: &[&[u8]], sample: &Sample, how: &str) {
    let mut scan = extractor.start();
    let mut before = scan.state().clone();
    for chunk in chunks {
        let reported = scan.push(chunk);
        let now = scan.state().clone();
        assert_eq!(
            reported,
            (now != before).then(|| now.clone()),
            "push returns the state exactly when it changed, {how}"
        );
        before = now;
    }
    scan.finish();
    assert_eq!(*scan.state(), found(sample), "the state of the log {how}");
}

/// A last line without line end counts when the log has ended.
pub fn a_last_line_without_end(extractor: &dyn TokenExtractor, sample: &Sample) {
    let mut scan = extractor.start();
    let line_end = sample.log.iter().rposition(|byte| !b"\r\n".contains(byte));
    let log = &sample.log[..=line_end.expect("the sample has a line")];
    scan.push(log);
    scan.finish();
    assert_eq!(
        *scan.state(),
        found(sample),
        "the state of a log without the last line end"
    );
}

/// The scan of the next run does not know about the previous one.
pub fn a_new_scan_starts_from_nothing(extractor: &dyn TokenExtractor, first: &Sample, second: &Sample) {
    assert_ne!(
        first.token, second.token,
        "the samples must have different tokens"
    );
    let mut scan = extractor.start();
    scan.push(&first.log);
    drop(scan);
    let mut scan = extractor.start();
    assert_eq!(*scan.state(), TokenState::Unknown, "the state of a new run");
    scan.push(&second.log);
    assert_eq!(*scan.state(), found(second), "the token of the second run");
}

/// Concurrent scans of several containers are independent.
pub fn scans_side_by_side(extractor: &dyn TokenExtractor, first: &Sample, second: &Sample) {
    let mut scans = [extractor.start(), extractor.start()];
    let longest = first.log.len().max(second.log.len());
    for index in 0..longest {
        for (scan, sample) in scans.iter_mut().zip([first, second]) {
            if let Some(byte) = sample.log.get(index) {
                scan.push(&[*byte]);
            }
        }
    }
    for (scan, sample) in scans.iter().zip([first, second]) {
        assert_eq!(
            *scan.state(),
            found(sample),
            "the state of each of two scans at a time"
        );
    }
}

/// Bytes that are not text, before the log and cut in the middle of a character, do no harm.
pub fn any_bytes(extractor: &dyn TokenExtractor, sample: &Sample) {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    for noise in [
        &every_byte[..],
        b"\xff\xfe\xc3",
        b"\x00\x00\x00\x00",
        b"\x1b[31",
        b"\x1b]0;a title without end",
        "日本語 ñ 🚀".as_bytes(),
    ] {
        let mut scan = extractor.start();
        for byte in noise {
            scan.push(&[*byte]);
        }
        scan.push(b"\n");
        scan.push(&sample.log);
        scan.finish();
        assert_eq!(
            *scan.state(),
            found(sample),
            "the state after a line of {noise:?}"
        );
    }
    // Nothing but noise: any result is fine, but no panic.
    let mut scan = extractor.start();
    let mut bits: u32 = 1;
    for _ in 0..100_000 {
        // Marsaglia's xorshift32: any sequence will do, as long as it repeats.
        bits ^= bits << 13;
        bits ^= bits >> 17;
        bits ^= bits << 5;
        scan.push(&bits.to_le_bytes()[..3]);
    }
    scan.finish();
}

/// An endless line is not kept in memory, and the log after it is read as usual.
///
/// On Linux the memory of the process is measured: of 256 MiB in one line it may keep half, which leaves room
/// for other tests in the same process.
pub fn endless_lines(extractor: &dyn TokenExtractor, sample: &Sample) {
    const CHUNK: usize = 64 * 1024;
    const CHUNKS: usize = 4096;
    let mut scan = extractor.start();
    let chunk = vec![b'x'; CHUNK];
    let before = resident_memory();
    for _ in 0..CHUNKS {
        assert_eq!(scan.push(&chunk), None, "a line without end changes nothing");
    }
    if let (Some(before), Some(after)) = (before, resident_memory()) {
        let kept = after.saturating_sub(before);
        assert!(
            kept < CHUNK * CHUNKS / 2,
            "of a line of {} bytes {kept} are kept in memory",
            CHUNK * CHUNKS
        );
    }
    scan.push(b"\n");
    scan.push(&sample.log);
    assert_eq!(
        *scan.state(),
        found(sample),
        "the state after a line of {} bytes",
        CHUNK * CHUNKS
    );

    // A log of many lines of the maximum length.
    let mut scan = extractor.start();
    let line = [&vec![b'x'; MAX_LINE_LEN][..], b"\n"].concat();
    for _ in 0..100 {
        scan.push(&line);
    }
    scan.push(&sample.log);
    assert_eq!(*scan.state(), found(sample), "the state after long lines");
}

/// The memory of this process in bytes; `None` if the system does not report it (Linux, `proc_pid_status(5)`).
fn resident_memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// States can be logged without showing the token.
pub fn never_in_debug(extractor: &dyn TokenExtractor, sample: &Sample) {
    let mut scan = extractor.start();
    let reported = scan.push(&sample.log);
    for text in [format!("{reported:?}"), format!("{:#?}", scan.state())] {
        assert!(
            !text.contains(sample.token.expose()),
            "Debug output shows the token"
        );
    }
}

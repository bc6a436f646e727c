//! The times in front of the lines of a log.

use jiff::Timestamp;

/// Removes the times from the lines of a log, and the lines that were written before a given time.
pub(super) struct LinesSince {
    since: Timestamp,
    /// The time of the line that has begun, as far as it was read.
    time: Vec<u8>,
    /// Whether that line counts, once its time is known.
    counts: Option<bool>,
}

impl LinesSince {
    pub(super) fn new(since: Timestamp) -> Self {
        Self {
            since,
            time: Vec::new(),
            counts: None,
        }
    }

    /// The part of the next piece of the log that was written since then.
    pub(super) fn filter(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut later = Vec::with_capacity(chunk.len());
        for byte in chunk {
            match self.counts {
                Some(counts) => {
                    if counts {
                        later.push(*byte);
                    }
                }
                None if *byte == b' ' => {
                    let time = std::str::from_utf8(&self.time).ok();
                    let time: Option<Timestamp> = time.and_then(|time| time.parse().ok());
                    self.counts = Some(time.is_some_and(|time| time >= self.since));
                }
                // No time is that long.
                None if self.time.len() > 64 => self.counts = Some(false),
                None => self.time.push(*byte),
            }
            if *byte == b'\n' {
                self.time.clear();
                self.counts = None;
            }
        }
        later
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_since_the_given_time_count_however_the_log_is_cut() {
        let log = "2026-01-02T03:04:05.9Z old\n2026-01-02T03:04:06Z at once\n\nno time at all\n\
                   2026-01-02T03:04:05Z old\n2026-01-02T04:04:06.000000001+01:00 later\n2026-01-02T03:04:07Z \nlast";
        for size in [1, 2, 7, 1000] {
            let mut since = LinesSince::new("2026-01-02T03:04:06Z".parse().unwrap());
            let later: Vec<_> = log
                .as_bytes()
                .chunks(size)
                .flat_map(|chunk| since.filter(chunk))
                .collect();
            assert_eq!(
                String::from_utf8(later).unwrap(),
                "at once\nlater\n\n",
                "in pieces of {size}"
            );
        }
        let mut since = LinesSince::new(Timestamp::UNIX_EPOCH);
        assert_eq!(since.filter(&vec![b'x'; 1 << 20]), b"");
        assert!(since.time.capacity() < 1000);
        assert_eq!(since.filter(b"\n2026-01-02T03:04:05Z a"), b"a");
    }
}

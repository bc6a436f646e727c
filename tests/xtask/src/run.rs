//! Runs a suite and counts its results.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use neuropod_test_cluster::{MEASURED, SKIPS_FILE};

use crate::suites::Suite;

/// The outcome of a suite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
    /// The reasons why tests were skipped or could not be counted.
    pub(crate) reasons: Vec<String>,
    /// The measurements of its tests.
    pub(crate) measured: Vec<String>,
    /// The time it took, with what had to be prepared for it.
    pub(crate) took: Duration,
}

impl Outcome {
    /// A suite that can't run here. The number of its tests is unknown, so it counts as one.
    pub(crate) fn skipped(reason: String) -> Self {
        Self {
            skipped: 1,
            reasons: vec![reason],
            ..Self::default()
        }
    }

    /// A suite that failed as a whole, which counts as one too.
    pub(crate) fn failed(reason: String) -> Self {
        Self {
            failed: 1,
            reasons: vec![reason],
            ..Self::default()
        }
    }

    /// Reads a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; …`, or one with a
    /// measurement, which may follow the name of its test.
    fn count(&mut self, line: &str) {
        if let Some((_, what)) = line.split_once(MEASURED) {
            self.measured.push(what.to_owned());
        }
        let Some((_, counts)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            let mut words = count.split(' ');
            let number = words
                .next()
                .and_then(|number| number.parse::<usize>().ok())
                .unwrap_or(0);
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                Some("ignored") if number > 0 => {
                    self.skipped += number;
                    self.reasons.push("marked as ignored".into());
                }
                _ => {}
            }
        }
    }

    /// Moves tests that recorded a skip from the passed to the skipped ones.
    fn note_skips(&mut self, notes: &str) {
        for note in notes.lines() {
            self.passed = self.passed.saturating_sub(1);
            self.skipped += 1;
            self.reasons.push(note.to_owned());
        }
    }
}

/// Runs all of `suite`, and passes its output on.
pub(crate) fn run(suite: &mut Suite) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for command in &mut suite.commands {
        add(&mut outcome, command)?;
    }
    Ok(outcome)
}

fn add(outcome: &mut Outcome, command: &mut Command) -> Result<()> {
    let notes = tempfile::NamedTempFile::new().context("a file for notes")?;
    let failed_before = outcome.failed;
    let mut child = command
        .env(SKIPS_FILE, notes.path())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {}", command.get_program().display()))?;
    let output = child.stdout.take().context("the output of tests")?;
    for line in BufReader::new(output).split(b'\n') {
        let line = line.context("read the output of tests")?;
        let line = String::from_utf8_lossy(&line);
        println!("{}", line.trim_end());
        outcome.count(line.trim_end());
    }
    let status = child.wait().context("wait for tests")?;
    outcome.note_skips(&fs::read_to_string(notes.path()).context("read the notes")?);
    if !status.success() && outcome.failed == failed_before {
        // It ended before it could report a failure.
        outcome.failed += 1;
        let program = command.get_program().display();
        outcome.reasons.push(format!("{program}: {status}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_libtest_prints() {
        let mut outcome = Outcome::default();
        outcome.count("running 3 tests");
        outcome.count(
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.0s",
        );
        outcome.count("test result: FAILED. 1 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out");
        assert_eq!((outcome.passed, outcome.failed, outcome.skipped), (4, 2, 1));
    }

    #[test]
    fn measurements_are_kept() {
        let mut outcome = Outcome::default();
        outcome.count("test slow ... measured: 3 ms for 1 port");
        outcome.count("test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
        assert_eq!(
            (outcome.passed, outcome.measured),
            (1, vec!["3 ms for 1 port".to_owned()])
        );
    }

    #[test]
    fn a_test_that_records_a_skip_has_not_passed() {
        let mut outcome = Outcome {
            passed: 2,
            ..Outcome::default()
        };
        outcome.note_skips("suite/test: no root\n");
        assert_eq!((outcome.passed, outcome.skipped), (1, 1));
        assert_eq!(outcome.reasons, ["suite/test: no root"]);
    }

    #[test]
    fn a_program_that_dies_without_a_result_has_failed() {
        let mut outcome = Outcome::default();
        let mut command = crate::workspace::cargo();
        command.arg("--no-such-option").stderr(Stdio::null());
        add(&mut outcome, &mut command).unwrap();
        assert_eq!((outcome.passed, outcome.failed), (0, 1));
        assert_eq!(outcome.reasons.len(), 1);
    }
}

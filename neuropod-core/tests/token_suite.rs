//! The suite of token extractors detects faulty extractors.
//!
//! A separate program, because one of the extractors fills the memory of the process.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex};

use neuropod_core::conformance::token::{self, Sample};
use neuropod_core::token::JupyterTokens;
use neuropod_core::token::{TokenScan, TokenState};
use neuropod_core::{AccessToken, TokenExtractor};

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// Reads each chunk separately.
    ForgetsChunks,
    /// Starts with the result of an earlier run.
    RemembersRuns,
    /// Reports the state although it has not changed.
    Repeats,
    /// Ignores a last line without a line end.
    IgnoresTheEnd,
    /// Accepts only valid text.
    WantsText,
    /// Keeps everything it has read.
    KeepsAll,
}

/// [`JupyterTokens`], with a fault.
struct Faulty {
    fault: Fault,
    last: Arc<Mutex<TokenState>>,
}

struct FaultyScan {
    fault: Fault,
    last: Arc<Mutex<TokenState>>,
    inner: Box<dyn TokenScan>,
    state: TokenState,
    kept: Vec<u8>,
}

#[deny(clippy::missing_trait_methods)]
impl TokenExtractor for Faulty {
    fn start(&self) -> Box<dyn TokenScan> {
        let remembered = match self.fault {
            Fault::RemembersRuns => self.last.lock().unwrap().clone(),
            _ => TokenState::Unknown,
        };
        Box::new(FaultyScan {
            fault: self.fault,
            last: self.last.clone(),
            inner: JupyterTokens.start(),
            state: remembered,
            kept: Vec::new(),
        })
    }
}

impl FaultyScan {
    fn changed(&mut self, reported: Option<TokenState>) -> Option<TokenState> {
        if let Some(state) = &reported {
            self.state.clone_from(state);
            self.last.lock().unwrap().clone_from(state);
        }
        match self.fault {
            Fault::Repeats => Some(self.state.clone()).filter(|state| *state != TokenState::Unknown),
            _ => reported,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl TokenScan for FaultyScan {
    fn push(&mut self, chunk: &[u8]) -> Option<TokenState> {
        match self.fault {
            Fault::ForgetsChunks if self.state == TokenState::Unknown => self.inner = JupyterTokens.start(),
            Fault::WantsText => drop(String::from_utf8(chunk.to_owned()).unwrap()),
            Fault::KeepsAll => self.kept.extend_from_slice(chunk),
            _ => {}
        }
        let state = self.inner.push(chunk);
        self.changed(state)
    }

    fn finish(&mut self) -> Option<TokenState> {
        let state = match self.fault {
            Fault::IgnoresTheEnd => None,
            _ => self.inner.finish(),
        };
        self.changed(state)
    }

    fn state(&self) -> &TokenState {
        &self.state
    }

    fn is_settled(&self) -> bool {
        self.inner.is_settled()
    }
}

/// The result of the suite for an extractor with this fault.
fn verdict(fault: Fault) -> Result<(), String> {
    let sample = |token: &str| Sample {
        log: format!("Jupyter Server 2 is running at:\nhttp://localhost:8888/lab?token={token}\n").into(),
        token: AccessToken::new(token),
    };
    let [first, second] = ["a", "b"].map(|digit| sample(&digit.repeat(48)));
    let faulty = Faulty {
        fault,
        last: Arc::default(),
    };
    let run = AssertUnwindSafe(|| token::run(&faulty, &first, &second));
    panic::catch_unwind(run).map_err(|panic| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => (*other.downcast::<&str>().unwrap()).to_owned(),
    })
}

#[test]
fn finds_each_fault() {
    assert_eq!(verdict(Fault::None), Ok(()));
    for (fault, expected) in [
        (Fault::ForgetsChunks, "the state of the log cut at byte"),
        (
            Fault::RemembersRuns,
            "push returns the state exactly when it changed",
        ),
        (Fault::Repeats, "an unchanged state is not reported again"),
        (
            Fault::IgnoresTheEnd,
            "the state of a log without the last line end",
        ),
        (Fault::WantsText, "Utf8Error"),
    ] {
        let verdict = verdict(fault);
        assert!(
            verdict.as_ref().is_err_and(|text| text.contains(expected)),
            "{expected}: {verdict:?}"
        );
    }
    // Only Linux reports the memory of a process.
    if cfg!(target_os = "linux") {
        let verdict = verdict(Fault::KeepsAll);
        assert!(verdict.is_err_and(|text| text.contains("are kept in memory")));
    }
}

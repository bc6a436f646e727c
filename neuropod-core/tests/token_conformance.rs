//! The suite of token extractors, on those of this crate.
#![allow(clippy::unwrap_used, reason = "tests")]

use neuropod_core::AccessToken;
use neuropod_core::conformance::token::{self, Sample};
use neuropod_core::token::{JupyterTokens, RegexTokens};

const GENERATED: &[u8] = include_bytes!("../src/token/fixtures/lab4-generated.log");
const GENERATED_BY_NOTEBOOK: &[u8] = include_bytes!("../src/token/fixtures/notebook7-generated.log");

fn sample(log: &[u8], token: &str) -> Sample {
    Sample {
        log: log.to_owned(),
        token: AccessToken::new(token),
    }
}

#[test]
fn jupyter_tokens() {
    token::run(
        &JupyterTokens,
        &sample(GENERATED, "b1726e8f59acb3b9a1ba264bf01cd49ec07faa1910eafcb9"),
        &sample(
            GENERATED_BY_NOTEBOOK,
            "8dba0cb22d747a0b9272f820210b35b1ac7966bd310530fe",
        ),
    );
}

#[test]
fn regex_tokens() {
    token::run(
        &RegexTokens::new(r"password: (\S+)").unwrap(),
        &sample(
            "info\r\nerste Zeile: ñ\r\npassword: s3cr€t\r\n".as_bytes(),
            "s3cr€t",
        ),
        &sample(b"\x1b[1mpassword: \x1b[31mother\x1b[0m\n", "other"),
    );
}

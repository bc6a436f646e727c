#![allow(clippy::unwrap_used, reason = "a test may stop at once")]

use proptest::prelude::*;

use super::*;

pub(super) const A: &str = "b1726e8f59acb3b9a1ba264bf01cd49ec07faa1910eafcb9";
pub(super) const B: &str = "4247780c197352d7f799090b85db33f372fd49aefa87623f";

pub(super) fn generated(token: &str) -> TokenState {
    TokenState::Generated(AccessToken::new(token))
}

/// The state at the end of a log.
pub(super) fn scan(log: impl AsRef<[u8]>) -> TokenState {
    let mut scan = JupyterTokens.start();
    scan.push(log.as_ref());
    scan.finish();
    scan.state().clone()
}

/// The announcement of a server, as `jupyter_server` prints it.
pub(super) fn announcement(query: &str) -> String {
    format!(
        "[I 2026-11-24 11:26:56.547 ServerApp] Jupyter Server 2.21.1 is running at:\n\
         [I 2026-11-24 11:26:56.547 ServerApp] http://0.0.0.0:8888/lab{query}\n\
         [I 2026-11-24 11:26:56.547 ServerApp]     http://127.0.0.1:8888/lab{query}\n\
         [I 2026-11-24 11:26:56.547 ServerApp] Use Control-C to stop this server and shut down all kernels\n"
    )
}

/// Logs recorded from the real servers (`--ip=0.0.0.0 --allow-root --no-browser`), with the state that each
/// shows.
fn recorded() -> Vec<(&'static str, &'static [u8], TokenState)> {
    use TokenState::{Configured, Disabled, Password, Unknown};
    macro_rules! log {
        ($name:literal, $state:expr) => {
            (
                $name,
                &include_bytes!(concat!("fixtures/", $name, ".log"))[..],
                $state,
            )
        };
    }
    vec![
        log!("lab4-generated", generated(A)),
        log!(
            "lab4-tty",
            generated("f438aa567fddcd295c53c71f6edfd62240a97a8ebff6edb1")
        ),
        log!("lab4-configured", Configured),
        log!("lab4-disabled", Disabled),
        log!("lab4-password", Password),
        log!("lab4-password-and-token", Configured),
        // The server refuses to start, so the warning alone has no effect.
        log!("lab4-required-no-password", Unknown),
        log!(
            "lab3-generated",
            generated("67c85a9d845d69d200101e592af1ef184cdd68c8257c8c56")
        ),
        log!(
            "notebook7-generated",
            generated("8dba0cb22d747a0b9272f820210b35b1ac7966bd310530fe")
        ),
        log!("notebook7-configured", Configured),
        log!("notebook7-disabled", Disabled),
        log!("notebook7-password", Password),
        log!("server-generated", generated(B)),
        log!(
            "server-base-url",
            generated("0c244990ec57ea5224f027c6d3b73b5dd97ebc8266d3762c")
        ),
        log!("server-configured", Configured),
        log!("server-disabled", Disabled),
        log!("server-password", Password),
        log!(
            "notebook6-generated",
            generated("b88d5a222af3ae530610fc116d1d89e3652868fccfaa8b67")
        ),
        log!("notebook6-configured", Configured),
        log!("notebook6-disabled", Disabled),
        log!("notebook6-password", Password),
        log!("notebook6-password-token", Password),
    ]
}

#[test]
fn recorded_logs() {
    for (name, log, expected) in recorded() {
        assert_eq!(scan(log), expected, "{name}");
        // Known as soon as the line of the URL ends, reported once, and never changed.
        let mut scan = JupyterTokens.start();
        let changes: Vec<_> = log.chunks(1).filter_map(|byte| scan.push(byte)).collect();
        let expected: Vec<_> = Some(expected)
            .filter(|state| *state != TokenState::Unknown)
            .into_iter()
            .collect();
        assert_eq!(changes, expected, "{name}");
    }
}

#[test]
fn recorded_logs_with_crlf() {
    for (name, log, expected) in recorded() {
        let crlf = String::from_utf8_lossy(log).replace('\n', "\r\n");
        assert_eq!(scan(crlf), expected, "{name}");
    }
}

#[test]
fn hosts_paths_and_queries_of_all_sorts() {
    for url in [
        "http://[::]:8888/lab?token=",
        "http://:::8888/lab?token=",
        "https://jupyter-pod:8888/tree?token=",
        "http://10.0.0.7:8888/user/ana/?token=",
        "http+unix://%2Ftmp%2Fjupyter.sock/lab?token=",
        "http://localhost:8888/lab?reset&token=",
    ] {
        for end in ["", "&x=1", "#top"] {
            let line = format!("Jupyter Server 2 is running at:\n{url}{A}{end}\n");
            assert_eq!(scan(&line), generated(A), "{line}");
        }
    }
}

#[test]
fn texts_that_are_not_tokens() {
    for line in [
        format!("token={A}"),
        format!("wandb: token={A}"),
        format!("GET /lab?token={A} (10.0.0.1) 1.2ms"),
        format!("http://x/lab?token={A}0"),
        format!("http://x/lab?token={}", &A[1..]),
        format!("http://x/lab?token={}", A.to_uppercase()),
        format!("http://x/lab?mytoken={A}"),
        format!("http://x/lab#token={A}"),
        "http://x/lab?token=...".to_owned(),
        "http://x/lab?token=abc".to_owned(),
        "http://x/lab".to_owned(),
        "All authentication is disabled.".to_owned(),
    ] {
        assert_eq!(scan(&line), TokenState::Unknown, "{line}");
    }
    assert_eq!(scan(announcement("?token=secret")), TokenState::Unknown);
}

#[test]
fn later_lines_replace_nothing() {
    let tenant = format!(
        "{}see http://localhost:8888/lab?token={B}\n",
        announcement(&format!("?token={B}"))
    );
    for (query, state) in [
        (format!("?token={A}"), generated(A)),
        ("?token=...".to_owned(), TokenState::Configured),
        (String::new(), TokenState::Password),
    ] {
        assert_eq!(scan(announcement(&query) + &tenant), state);
    }
}

#[test]
fn the_announcement_replaces_earlier_tokens() {
    let mut scan = JupyterTokens.start();
    assert_eq!(
        scan.push(format!("<a href=\"http://x/?token={B}\">\n").as_bytes()),
        Some(generated(B))
    );
    assert_eq!(scan.push(format!("http://x/?token={A}\n").as_bytes()), None);
    assert_eq!(
        scan.push(announcement(&format!("?token={A}")).as_bytes()),
        Some(generated(A))
    );
}

#[test]
fn other_output_inside_the_announcement() {
    let log = announcement(&format!("?token={A}"))
        .replace("is running at:\n", "is running at:\nloading …\n\nhttp://b\n");
    assert_eq!(scan(log), generated(A));
    // Too far from its heading, a bare URL counts as another program's.
    let log = announcement("").replace(
        "is running at:\n",
        &format!("is running at:\n{}", "x\n".repeat(8)),
    );
    assert_eq!(scan(log), TokenState::Unknown);
}

#[test]
fn a_restart_in_the_container_brings_a_new_token() {
    let (first, second) = (
        announcement(&format!("?token={A}")),
        announcement(&format!("?token={B}")),
    );
    for stop in [
        "[C 11:27:04 ServerApp] received signal 15, stopping",
        "[I 11:27 LabApp] Shutting down on /api/shutdown request.",
    ] {
        let mut scan = JupyterTokens.start();
        assert_eq!(scan.push(first.as_bytes()), Some(generated(A)));
        assert_eq!(
            scan.push(format!("{stop}\n").as_bytes()),
            None,
            "the old token stands until the next server is up"
        );
        assert_eq!(scan.push(second.as_bytes()), Some(generated(B)));
    }
    // A restarted container is a new scan.
    assert_eq!(scan(second), generated(B));
}

#[test]
fn hostile_logs() {
    let good = announcement(&format!("?token={A}"));
    let mut endless = vec![b'x'; 10 << 20];
    assert_eq!(scan(&endless), TokenState::Unknown);
    endless.push(b'\n');
    endless.extend_from_slice(good.as_bytes());
    assert_eq!(scan(&endless), generated(A));

    let mut binary = vec![0xff, 0xfe, 0, 0x1b, b'[', 0xc3, b'\n', 0x1b, b']', 0xe2, b'\r'];
    binary.extend_from_slice(good.as_bytes());
    assert_eq!(scan(&binary), generated(A));

    // Lines just below the limit that would make a naive parser slow.
    for unit in [
        "http://",
        "://?token=",
        "\x1b]",
        "\x1b[",
        "[I App] ",
        "is running at:",
    ] {
        let line = unit.repeat(MAX_LINE_LEN / unit.len()) + "\n";
        assert_eq!(scan(line.repeat(8) + &good), generated(A), "{unit}");
    }
}

#[test]
fn memory_is_bounded() {
    let mut scan = LineScan::new(Silent(TokenState::Unknown));
    let mut most = 0;
    for len in [1, 7, 4096, MAX_LINE_LEN, 1 << 20] {
        for _ in 0..(4 << 20) / len.max(64) {
            scan.push(&vec![b'x'; len]);
            most = most.max(scan.lines.held());
        }
        scan.push(b"\n");
    }
    assert!(most <= 2 * MAX_LINE_LEN, "{most}");
}

struct Silent(TokenState);

impl LineReader for Silent {
    fn line(&mut self, _: &str) {}

    fn state(&self) -> &TokenState {
        &self.0
    }

    fn is_settled(&self) -> bool {
        false
    }
}

#[test]
fn nothing_prints_the_token() {
    assert_eq!(
        format!("{:?}", scan(announcement(&format!("?token={A}")))),
        "Generated(AccessToken(…))"
    );
}

#[test]
fn regex_tokens() {
    let find = |pattern: &str, log: &str| {
        let mut scan = RegexTokens::new(pattern).unwrap().start();
        scan.push(log.as_bytes());
        scan.finish();
        scan.state().clone()
    };
    assert_eq!(find("key=([a-z]+)", "x\nkey=abc\nkey=def\n"), generated("abc"));
    assert_eq!(
        find("(id|key)=(?<token>[a-z]+)", "\x1b[1mkey=\x1b[0mabc"),
        generated("abc")
    );
    assert_eq!(find("key=([a-z]*)", "key=\r\nkey=abc\r\n"), generated("abc"));
    assert_eq!(find("a|key=([a-z]+)", "a\n"), TokenState::Unknown);
    assert!(matches!(
        RegexTokens::new("key=("),
        Err(TokenPatternError::Invalid(_))
    ));
    assert!(matches!(
        RegexTokens::new("key=.*"),
        Err(TokenPatternError::NoGroup)
    ));
    assert!(matches!(
        RegexTokens::new("(?:key)=.*"),
        Err(TokenPatternError::NoGroup)
    ));
    assert!(matches!(
        RegexTokens::new("(a{1000}){1000}"),
        Err(TokenPatternError::Invalid(_))
    ));
}

/// Feeds a log in the pieces that the cuts give. The last reported state must be the final state.
pub(super) fn in_pieces(
    extractor: &dyn TokenExtractor,
    log: &[u8],
    cuts: &[prop::sample::Index],
) -> TokenState {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(log.len() + 1)).collect();
    cuts.extend([0, log.len()]);
    cuts.sort_unstable();
    let mut scan = extractor.start();
    let mut reported = None;
    for piece in cuts.windows(2) {
        reported = scan.push(&log[piece[0]..piece[1]]).or(reported);
    }
    reported = scan.finish().or(reported);
    assert_eq!(*scan.state(), reported.unwrap_or_default());
    scan.state().clone()
}

/// Pieces that are significant to a scan, joined in random order.
fn any_log() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        any::<Vec<u8>>(),
        Just("\n".into()),
        Just("\r\n".into()),
        Just("\x1b[32m[I ServerApp]\x1b(B\x1b[m ".into()),
        Just("Jupyter Server 2 is running at:".into()),
        Just("http://é:1/lab?token=".into()),
        Just(A.into()),
        Just(B.into()),
        Just("...".into()),
        Just("All authentication is disabled.".into()),
        Just("[C ServerApp] received signal 15, stopping\n".into()),
        Just(vec![b'y'; MAX_LINE_LEN]),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn cutting_changes_nothing(log in any_log(), cuts: Vec<prop::sample::Index>) {
        prop_assert_eq!(in_pieces(&JupyterTokens, &log, &cuts), scan(&log));
        let regex = RegexTokens::new("token=(.)").unwrap();
        prop_assert_eq!(in_pieces(&regex, &log, &cuts), in_pieces(&regex, &log, &[]));
    }

    #[test]
    fn cutting_a_real_log_changes_nothing(which: prop::sample::Index, cuts: Vec<prop::sample::Index>) {
        let logs = recorded();
        let (_, log, expected) = which.get(&logs);
        prop_assert_eq!(&in_pieces(&JupyterTokens, log, &cuts), expected);
    }

    #[test]
    fn random_bytes_never_panic(log: Vec<u8>) {
        scan(&log);
    }
}

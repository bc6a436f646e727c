//! The logs of `tests/trials/token`: complete, byte by byte, and cut anywhere; and misleading logs.

use std::path::Path;

use proptest::prelude::*;
use serde::Deserialize;

use super::tests::{A, B, announcement, generated, in_pieces, scan};
use super::*;

#[derive(Deserialize)]
struct Trial {
    source: String,
    /// The state, or all acceptable states.
    expect: Expect,
    log: Option<String>,
    log_file: Option<String>,
    /// The pattern, for images that are not Jupyter's.
    regex: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expect {
    One(State),
    AnyOf(Vec<State>),
}

/// A [`TokenState`] in the format of trials.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase", tag = "state", content = "token")]
enum State {
    Unknown,
    Generated(String),
    Configured,
    Disabled,
    Password,
}

impl From<State> for TokenState {
    fn from(state: State) -> Self {
        match state {
            State::Unknown => Self::Unknown,
            State::Generated(token) => generated(&token),
            State::Configured => Self::Configured,
            State::Disabled => Self::Disabled,
            State::Password => Self::Password,
        }
    }
}

struct Case {
    name: String,
    source: String,
    extractor: Box<dyn TokenExtractor>,
    log: Vec<u8>,
    right: Vec<TokenState>,
}

impl Case {
    fn check(&self, found: &TokenState, how: &str) {
        assert!(
            self.right.contains(found),
            "{} ({}), {how}: {}",
            self.name,
            self.source,
            shown(found)
        );
    }
}

/// The state with its token, which Debug does not show.
fn shown(state: &TokenState) -> String {
    match state {
        TokenState::Generated(token) => format!("generated {}", token.expose()),
        other => format!("{other:?}"),
    }
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/trials/token");
    let files = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut cases: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let trial: Trial = serde_json::from_slice(&std::fs::read(&path).unwrap())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let log = match (trial.log, trial.log_file) {
                (Some(log), None) => log.into_bytes(),
                (None, Some(file)) => std::fs::read(folder.join(file)).unwrap(),
                _ => panic!("{name}: either log or log_file"),
            };
            let extractor: Box<dyn TokenExtractor> = match trial.regex {
                Some(pattern) => Box::new(RegexTokens::new(&pattern).unwrap()),
                None => Box::new(JupyterTokens),
            };
            let right = match trial.expect {
                Expect::One(state) => vec![state.into()],
                Expect::AnyOf(states) => states.into_iter().map(Into::into).collect(),
            };
            Case {
                name,
                source: trial.source,
                extractor,
                log,
                right,
            }
        })
        .collect();
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    cases
}

#[test]
fn each_trial_is_as_expected_however_it_is_cut() {
    let cases = cases();
    assert!(cases.len() >= 30, "{} trials", cases.len());
    for case in &cases {
        let whole = in_pieces(&*case.extractor, &case.log, &[]);
        case.check(&whole, "whole");
        for size in [1, 7, 1000] {
            let mut scan = case.extractor.start();
            for piece in case.log.chunks(size) {
                scan.push(piece);
            }
            scan.finish();
            assert_eq!(*scan.state(), whole, "{} in pieces of {size}", case.name);
        }
        let crlf = String::from_utf8_lossy(&case.log).replace('\n', "\r\n");
        case.check(&in_pieces(&*case.extractor, crlf.as_bytes(), &[]), "with CRLF");
    }
}

/// A complete announcement of a server in a container, as Jupyter prints it, with the line before it.
fn server(place: &str, process: u32, token: &str) -> String {
    let start = "[I 2026-05-02 10:11:12.345 ServerApp]";
    format!(
        "{start} Serving notebooks from local directory: /home/jovyan\n\
         {start} Jupyter Server 2.17.0 is running at:\n\
         {start} http://lab:{place}?token={token}\n\
         {start}     http://127.0.0.1:{place}?token={token}\n\
         {start} Use Control-C to stop this server and shut down all kernels (twice to skip confirmation).\n\
         [C 2026-05-02 10:11:12.345 ServerApp] \n    \n    To access the server, open this file in a browser:\n        \
         file:///home/jovyan/.local/share/jupyter/runtime/jpserver-{process}-open.html\n    \
         Or copy and paste one of these URLs:\n        http://lab:{place}?token={token}\n        \
         http://127.0.0.1:{place}?token={token}\n"
    )
}

/// Its banner alone.
fn banner(process: u32, token: &str) -> String {
    let whole = server("8888/lab", process, token);
    whole[whole.find("[C ").unwrap()..].to_owned()
}

#[test]
fn a_restarted_server_has_another_token() {
    let first = server("8888/lab", 7, A);
    let again = server("8888/lab", 19, B);
    for end in [
        "",
        "Killed\n",
        "/start.sh: line 12:   345 Killed                  jupyter lab --ip=0.0.0.0\n",
        "2023-12-01 09:44:58,294 INFO exited: jupyter (exit status 1; not expected)\n\
         2023-12-01 09:44:58,987 INFO spawned: 'jupyter' with pid 2660\n",
        "WARN exited: jupyter (terminated by SIGKILL; not expected)\n",
        "[C 2026-05-02 10:12:12.345 ServerApp] received signal 15, stopping\n\
         [I 2026-05-02 10:12:12.345 ServerApp] Shutting down 5 extensions\n",
        "PM2 | App [jupyter:0] exited with code [0] via signal [SIGKILL]\nPM2 | App [jupyter:0] starting in -fork mode-\n",
        "[I 2026-05-02 10:12:13.345 ServerApp] jupyterlab | extension was successfully linked.\n",
    ] {
        assert_eq!(scan(format!("{first}{end}{again}")), generated(B), "{end}");
        // And once more.
        assert_eq!(
            scan(format!("{first}{end}{again}{end}{first}")),
            generated(A),
            "{end}"
        );
    }
    // A log of errors only has nothing but the banner, which names the process.
    assert_eq!(scan(banner(7, A)), generated(A));
    assert_eq!(scan(banner(7, A) + &banner(19, B)), generated(B));
    assert_eq!(
        scan(banner(7, A) + &banner(7, B)),
        generated(A),
        "one process has one token"
    );
    // In a custom format, as JSON, and after the prefix of a supervisor.
    for wrap in [
        (|line| line.replace("[I 2026-05-02 10:11:12.345 ServerApp]", "10:11:12 INFO"))
            as fn(String) -> String,
        |line| serde_json::json!({ "level": "INFO", "message": line }).to_string(),
        |line| format!("jupyter stderr | {line}"),
        |line| format!("2026-05-02 10:11:12.345678 {line}"),
    ] {
        let wrapped =
            |log: &str| -> String { log.lines().map(|line| wrap(line.to_owned()) + "\n").collect() };
        let log = wrapped(&first) + "Killed\n" + &wrapped(&again);
        assert_eq!(scan(&log), generated(B), "{log}");
    }
}

#[test]
fn imitations_replace_nothing() {
    let first = server("8888/lab", 7, A);
    let stop = "[C 2026-05-02 10:12:12.345 ServerApp] received signal 15, stopping\n";
    let part = |from: &str, to: &str| {
        let whole = server("8888/lab", 19, B);
        let start = whole.find(from).unwrap();
        whole[start..start + whole[start..].find(to).unwrap()].to_owned()
    };
    for lie in [
        // Nothing stopped.
        announcement(&format!("?token={B}")),
        format!("http://lab:8888/lab?token={B}\n"),
        format!("JupyterLab: http://lab:8888/lab?token={B}\n"),
        format!("Jupyter Lab token: {B}\n"),
        // A stop, followed by an incomplete announcement.
        format!("{stop}[I ServerApp] Jupyter Server 2.17.0 is running at:\nhttp://lab:8888/lab?token={B}\n"),
        format!("{stop}{}", announcement(&format!("?token={B}"))),
        format!(
            "{stop}{}",
            part("[I 2026-05-02 10:11:12.345 ServerApp] Jupyter", "[C ")
        ),
        format!("{stop}{}", banner(19, B)),
        format!("{stop}Killed\nOr copy and paste one of these URLs:\n    http://lab:8888/lab?token={B}\n"),
        // Another server beside the first: another port, path or host name.
        server("8889/lab", 19, B),
        server("8888/tree", 19, B),
        format!("{stop}{}", server("8889/lab", 19, B)),
        format!(
            "{stop}{}",
            server("8888/lab", 19, B).replace("//lab:", "//evil.example:")
        ),
        format!("{stop}{}", server("8888/lab", 19, B).replace("http:", "https:")),
        // Another kind of login.
        format!("{stop}{}", server("8888/lab", 19, "...")),
        "All authentication is disabled.\n".to_owned(),
        format!("All authentication is disabled.\n{stop}{}", announcement("")),
        // In one line, as a notebook or a request would print it.
        format!("{}\n", server("8888/lab", 19, B).replace('\n', " ")),
        format!("{}\n", server("8888/lab", 19, B).replace('\n', "\\n")),
    ] {
        let log = format!("{first}{lie}");
        assert_eq!(scan(&log), generated(A), "{log}");
        // A lie between two starts does not prevent the second start from counting.
        let log = format!("{first}{lie}Killed\n{}", server("8888/lab", 23, &"c".repeat(48)));
        assert_eq!(scan(&log), generated(&"c".repeat(48)), "{log}");
    }
}

#[test]
fn a_token_printed_by_the_image_replaces_a_hidden_one() {
    let minted = "9f2c1d7be04a5a6c8d3e1f0a2b4c6d8e";
    let hidden = server("8888/lab", 7, "...");
    for line in [
        format!("JupyterLab: http://0.0.0.0:8888/lab?token={minted}"),
        format!("JUPYTER_PASSWORD is not set; generated a Jupyter Lab token: {minted}"),
    ] {
        assert_eq!(scan(format!("{line}\n")), generated(minted), "{line}");
        assert_eq!(scan(format!("{line}\n{hidden}")), generated(minted), "{line}");
        assert_eq!(
            scan(format!("{line}\n{}", server("8888/lab", 7, A))),
            generated(A),
            "{line}"
        );
        assert_eq!(
            scan(format!("{hidden}{line}\n")),
            TokenState::Configured,
            "after it: {line}"
        );
    }
    let url = |place: &str| format!("open http://0.0.0.0:{place}?token={A}\n{hidden}");
    assert_eq!(scan(url("8888/lab")), generated(A), "the URL of this server");
    for place in ["8888/run", "6006/lab"] {
        assert_eq!(
            scan(url(place)),
            TokenState::Configured,
            "another server: {place}"
        );
    }
}

#[test]
fn it_is_settled_after_the_announcement() {
    for (log, settled) in [
        (String::new(), false),
        (format!("see http://x/?token={A}\n"), false),
        ("Jupyter Server 2 is running at:\n".to_owned(), false),
        (
            "Jupyter Server 2 is running at:\nhttp://lab:8888/lab\n".to_owned(),
            false,
        ),
        (announcement(""), true),
        (announcement("?token=..."), true),
        (announcement(&format!("?token={A}")), true),
    ] {
        let mut scan = JupyterTokens.start();
        scan.push(log.as_bytes());
        assert_eq!(scan.is_settled(), settled, "{log}");
    }
    let mut scan = RegexTokens::new("key=(.+)").unwrap().start();
    scan.push(b"key=\n");
    assert!(!scan.is_settled());
    scan.push(b"key=1\n");
    assert!(scan.is_settled());
}

proptest! {
    #[test]
    fn cutting_a_trial_changes_nothing(which: prop::sample::Index, cuts: Vec<prop::sample::Index>) {
        let cases = cases();
        let case = which.get(&cases);
        case.check(&in_pieces(&*case.extractor, &case.log, &cuts), &format!("cut at {cuts:?}"));
    }
}

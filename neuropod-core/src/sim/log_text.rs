//! The texts that containers print: those of a real Jupyter server, as in `token/fixtures`, or a plain line.

use std::time::Duration;

use jiff::Timestamp;

use crate::cluster::workload::Workload;

/// A line of a log, and when it is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogLine {
    pub(super) at: Timestamp,
    pub(super) text: String,
}

/// How the token of a Jupyter server is set.
enum TokenSetup<'a> {
    /// In its configuration: the server does not print it.
    Configured,
    /// To nothing: anybody may use the server.
    Disabled,
    /// By the server itself, which prints it.
    Generated(&'a str),
}

/// The lines of a container that starts at `from` and takes `time` until it accepts connections.
pub(super) fn startup_lines(
    workload: &Workload,
    generated: &str,
    from: Timestamp,
    time: Duration,
) -> Vec<LogLine> {
    let texts = match token_setup(workload, generated) {
        Some(token) => jupyter(&token),
        None => vec![("", format!("{} started", workload.container.image))],
    };
    let count = u32::try_from(texts.len()).unwrap_or(u32::MAX);
    let line = |(number, (app, text)): (u32, (&str, String))| {
        let at = from + time * number / count;
        LogLine {
            at,
            text: if app.is_empty() {
                text
            } else {
                stamp(at, app, &text)
            },
        }
    };
    (0..).zip(texts).map(line).collect()
}

/// The line that a program prints now and then.
pub(super) fn chatter_line(workload: &Workload, at: Timestamp) -> LogLine {
    let text = match token_setup(workload, "") {
        Some(_) => stamp(at, "I ServerApp", "200 GET /api/kernels (@127.0.0.1) 0.84ms"),
        None => stamp(at, "I main", "still running"),
    };
    LogLine { at, text }
}

/// The line that a Jupyter server prints when it is asked to end; `None`: this is another program.
pub(super) fn stopping_line(workload: &Workload, at: Timestamp) -> Option<LogLine> {
    token_setup(workload, "").map(|_| LogLine {
        at,
        text: stamp(at, "C ServerApp", "received signal 15, stopping"),
    })
}

fn token_setup<'a>(workload: &Workload, generated: &'a str) -> Option<TokenSetup<'a>> {
    let variable = workload.secret.as_ref();
    let variable = variable.and_then(|secret| secret.variables.0.get("JUPYTER_TOKEN"));
    let jupyter = ["jupyter", "notebook"]
        .iter()
        .any(|word| workload.container.image.contains(word));
    // A pod whose port the platform waits for runs a Jupyter server, whatever its image is called.
    let is_expected = workload.container.ready_port.is_some();
    match variable.map(String::as_str) {
        Some("") if jupyter => Some(TokenSetup::Disabled),
        Some(_) if jupyter || is_expected => Some(TokenSetup::Configured),
        None if jupyter => Some(TokenSetup::Generated(generated)),
        _ => None,
    }
}

fn jupyter(token: &TokenSetup<'_>) -> Vec<(&'static str, String)> {
    const INFO: &str = "I ServerApp";
    let query = match token {
        TokenSetup::Configured => "?token=...".to_owned(),
        TokenSetup::Disabled => String::new(),
        TokenSetup::Generated(token) => format!("?token={token}"),
    };
    let mut lines = vec![
        (
            INFO,
            "jupyter_server_terminals | extension was successfully linked.".to_owned(),
        ),
        (INFO, "jupyterlab | extension was successfully linked.".to_owned()),
        (
            INFO,
            "notebook_shim | extension was successfully linked.".to_owned(),
        ),
    ];
    if matches!(token, TokenSetup::Disabled) {
        let warning = "All authentication is disabled.  Anyone who can connect to this server will be able to run code.";
        lines.push(("W ServerApp", warning.to_owned()));
    }
    lines.extend([
        (
            INFO,
            "notebook_shim | extension was successfully loaded.".to_owned(),
        ),
        (
            INFO,
            "jupyter_server_terminals | extension was successfully loaded.".to_owned(),
        ),
        (
            "I LabApp",
            "JupyterLab application directory is /opt/conda/share/jupyter/lab".to_owned(),
        ),
        (INFO, "jupyterlab | extension was successfully loaded.".to_owned()),
        (
            INFO,
            "Serving notebooks from local directory: /home/jovyan".to_owned(),
        ),
        (INFO, "Jupyter Server 2.21.1 is running at:".to_owned()),
        (INFO, format!("http://0.0.0.0:8888/lab{query}")),
        (INFO, format!("    http://127.0.0.1:8888/lab{query}")),
        (
            INFO,
            "Use Control-C to stop this server and shut down all kernels (twice to skip confirmation)."
                .to_owned(),
        ),
    ]);
    if let TokenSetup::Generated(_) = token {
        lines.extend([
            ("C ServerApp", String::new()),
            ("", "    ".to_owned()),
            (
                "",
                "    To access the server, open this file in a browser:".to_owned(),
            ),
            (
                "",
                "        file:///home/jovyan/.local/share/jupyter/runtime/jpserver-7-open.html".to_owned(),
            ),
            ("", "    Or copy and paste one of these URLs:".to_owned()),
            ("", format!("        http://jupyter-pod:8888/lab{query}")),
            ("", format!("        http://127.0.0.1:8888/lab{query}")),
        ]);
    }
    lines
}

/// A line with the prefix of Python's logging, `[I 2026-11-24 11:26:56.547 ServerApp] `; `app` is level and name.
fn stamp(at: Timestamp, app: &str, text: &str) -> String {
    let (level, name) = app.split_once(' ').unwrap_or(("I", app));
    format!("[{level} {} {name}] {text}", at.strftime("%Y-%m-%d %H:%M:%S.%3f"))
}

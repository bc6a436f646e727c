//! The reason why the server can't start is reported in one line, and the process fails.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "common/program.rs"]
mod program;

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::program::program;

const LIMIT: Duration = Duration::from_mins(1);
const SECRET: &str = "hunter2-hunter2-hunter2-hunter2-hunter2";

/// The server in its own folder, without this machine's configuration.
fn server(folder: &Path) -> Command {
    let mut server = Command::new(program("server"));
    server
        .current_dir(folder)
        .args(["--dev", "--listen", "127.0.0.1:0"])
        .env("HOME", folder)
        .env_remove("KUBECONFIG")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    server
}

/// The single line of a failed start, without secrets.
async fn refused(command: &mut Command) -> String {
    let ended = timeout(LIMIT, command.output()).await.expect("it ends in time");
    let ended = ended.expect("the server; `cargo build --example server` where only this test was built");
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    assert!(!String::from_utf8(ended.stdout).unwrap().contains("hunter2"));
    let said = said.trim_end().strip_prefix("error: ");
    said.expect("it says that it is an error").to_owned()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refused(
        server(folder.path())
            .args(["--store", "memory"])
            .env("NEUROPOD_METRICS_LISTEN", &address),
    )
    .await;
    assert!(
        said.starts_with(&format!("metrics_listen: {address}: ")),
        "{said}"
    );
    let mut command = Command::new(program("server"));
    command
        .current_dir(folder.path())
        .args(["--dev", "--store", "memory", "--listen", &address]);
    let said = refused(&mut command).await;
    assert!(said.starts_with(&format!("listen: {address}: ")), "{said}");
    assert!(said.contains("choose another port"), "{said}");
}

/// A mistake, and its error message.
struct Mistake {
    arguments: &'static [&'static str],
    variable: Option<(&'static str, String)>,
    begins: &'static str,
    advice: &'static str,
}

fn mistakes(folder: &Path) -> Vec<Mistake> {
    let here = |name: &str| folder.join(name).display().to_string();
    let flag = |arguments, begins, advice| Mistake {
        arguments,
        variable: None,
        begins,
        advice,
    };
    let variable = |arguments, name, value: String, begins, advice| Mistake {
        variable: Some((name, value)),
        ..flag(arguments, begins, advice)
    };
    let file = |name: &str, advice| {
        variable(
            &[],
            "NEUROPOD_STORE",
            format!("sqlite:{}", here(name)),
            "store: ",
            advice,
        )
    };
    let memory = |name, value: &str, begins, advice| {
        variable(&["--store", "memory"], name, value.into(), begins, advice)
    };
    let cluster = |name| {
        let arguments = &["--store", "memory", "--cluster", "kube"];
        let begins = "cluster: there is no kubeconfig";
        variable(arguments, name, here("none"), begins, "kube.kubeconfig")
    };
    vec![
        flag(&["--store", "mysql://db"], "store: ", "postgres://HOST"),
        flag(&["--store", "sqlite:"], "store: ", "neuropod.db"),
        file("missing/a.db", "create it"),
        file("file/a.db", "choose another file"),
        file("text.db", "choose another file"),
        file("folder.db", "choose another"),
        memory(
            "NEUROPOD_LISTEN",
            "3000",
            "listen (the environment): ",
            "127.0.0.1:3000",
        ),
        memory("NEUROPOD_LISDEN", "127.0.0.1:0", "NEUROPOD_LISDEN", "`listen`"),
        memory(
            "NEUROPOD_KUBE__LOG_STREAMS",
            "many",
            "kube.log_streams",
            "whole number",
        ),
        memory(
            "NEUROPOD_METRICS_LISTEN",
            "203.0.113.1:1",
            "metrics_listen: ",
            "127.0.0.1",
        ),
        memory("NEUROPOD_TOKEN_PATTERN", "x", "token_pattern", "a group"),
        memory("NEUROPOD_DOMAIN", "no domain", "domain", "domain"),
        cluster("KUBECONFIG"),
        cluster("NEUROPOD_KUBE__KUBECONFIG"),
    ]
}

/// Every error says what to do next.
#[tokio::test]
async fn every_error_says_what_to_do_next() {
    let folder = folder();
    let text = "no database, but long enough to look at: ".repeat(9);
    std::fs::write(folder.path().join("file"), "x").unwrap();
    std::fs::write(folder.path().join("text.db"), text).unwrap();
    std::fs::create_dir(folder.path().join("folder.db")).unwrap();
    for mistake in mistakes(folder.path()) {
        let Mistake {
            arguments,
            variable,
            begins,
            advice,
        } = mistake;
        // An address on the command line overrides the environment.
        let listens = variable
            .as_ref()
            .is_some_and(|(name, _)| *name == "NEUROPOD_LISTEN");
        let mut server = if listens {
            without_listen(folder.path())
        } else {
            server(folder.path())
        };
        server.args(arguments).envs(variable.clone());
        let said = refused(&mut server).await;
        assert!(said.starts_with(begins), "{arguments:?} {variable:?}: {said}");
        assert!(said.contains(advice), "{arguments:?} {variable:?}: {said}");
    }
}

fn without_listen(folder: &Path) -> Command {
    let mut server = Command::new(program("server"));
    server
        .current_dir(folder)
        .arg("--dev")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    server
}

/// Errors of flags are followed by the usage.
#[tokio::test]
async fn an_invalid_flag_reports_the_allowed_values() {
    let folder = folder();
    for (arguments, hint) in [
        (vec!["--listen", "3000"], "127.0.0.1:3000"),
        (vec!["--listen", "localhost:3000"], "127.0.0.1:3000"),
        (vec!["--listen", "127.0.0.1"], "a port is missing"),
        (vec!["--cluster", "docker"], "sim, kube"),
        (vec!["--clutser", "sim"], "--cluster"),
        (vec!["--explain"], "--print-config"),
        (vec!["3000"], "--help"),
    ] {
        let mut server = without_listen(folder.path());
        let ended = timeout(LIMIT, server.args(&arguments).output())
            .await
            .expect("it ends in time")
            .unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{said}");
        assert!(said.contains(hint), "{arguments:?}: {said}");
    }
}

/// A read-only disk: /sys is one for everybody, including root.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_read_only_folder_is_reported() {
    let folder = folder();
    for store in ["sqlite:/sys/neuropod.db", "sqlite:/proc/neuropod.db"] {
        let said = refused(server(folder.path()).args(["--store", store])).await;
        assert!(
            said.contains("neuropod.db") && said.contains("--store sqlite:FILE"),
            "{said}"
        );
    }
}

/// No part of an address with credentials is printed or logged.
#[tokio::test]
async fn no_secret_of_an_address_is_printed() {
    let folder = folder();
    for address in [
        "mongodb://ana:hunter2@127.0.0.1:1/neuropod?serverSelectionTimeoutMS=200",
        "mongodb://127.0.0.1:1/neuropod?serverSelectionTimeoutMS=200&password=hunter2",
        "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200&authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:hunter2",
        "mongodb://127.0.0.1:1/?tls=true&tlsCertificateKeyFilePassword=hunter2&serverSelectionTimeoutMS=200",
        "mongodb://ana:hunter2@/neuropod",
        "mongodb://ana:hunter2@127.0.0.1:port/neuropod",
        "mongodb://ana:p@ss:hunter2@127.0.0.1:1/neuropod",
        "mongodb+srv://ana:hunter2@nowhere.invalid/neuropod",
        "postgres://ana:hunter2@127.0.0.1:1/neuropod",
        "postgres://ana:hunter2@127.0.0.1:port/neuropod",
        "postgres://ana:p@ss:hunter2@127.0.0.1:1/neuropod",
        "postgres://127.0.0.1:1/neuropod?pasword=hunter2",
        "mysql://ana:hunter2@db",
    ] {
        let mut server = server(folder.path());
        server
            .env("NEUROPOD_STORE", address)
            .env("NEUROPOD_SECRETS__JWT", SECRET)
            .env("NEUROPOD_SECRETS__NAMING", SECRET);
        refused(&mut server).await;
        let mut shown = self::server(folder.path());
        shown
            .args(["--print-config", "--explain"])
            .env("NEUROPOD_STORE", address);
        let ended = timeout(LIMIT, shown.output())
            .await
            .expect("it ends in time")
            .unwrap();
        for said in [ended.stdout, ended.stderr] {
            assert!(!String::from_utf8(said).unwrap().contains("hunter2"), "{address}");
        }
    }
}

/// The running server, and its first lines.
async fn started(command: &mut Command) -> (Child, Vec<String>) {
    let mut running = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    let ready = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            said.push(line);
            if said.last().is_some_and(|line| line.contains("http://")) {
                return;
            }
        }
        panic!("it ended: {said:?}");
    };
    timeout(LIMIT, ready).await.expect("it starts");
    // Its further output is read, so that it never blocks.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (running, said)
}

#[cfg(unix)]
#[tokio::test]
async fn its_files_are_private_and_incomplete_secrets_are_replaced() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder();
    for unfinished in [
        "neuropod.db",
        "neuropod.db.jwt-secret",
        "neuropod.db.naming-secret",
    ] {
        let file = folder.path().join(unfinished);
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let (mut running, _) = started(&mut server(folder.path())).await;
    let files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}: {mode:o}", file.path().display());
    }
    let secret = std::fs::read_to_string(folder.path().join("neuropod.db.jwt-secret")).unwrap();
    assert_eq!(secret.len(), 64);
    running.kill().await.unwrap();
}

/// An unreachable API server is reported once, and not for each attempt.
#[tokio::test]
async fn an_unreachable_cluster_is_one_line() {
    let folder = folder();
    let path = folder.path().join("kubeconfig");
    let nobody = "{ apiVersion: v1, kind: Config, current-context: a,
        clusters: [{ name: a, cluster: { server: 'https://127.0.0.1:1' } }],
        users: [{ name: a, user: {} }], contexts: [{ name: a, context: { cluster: a, user: a } }] }";
    std::fs::write(&path, nobody).unwrap();
    let mut server = server(folder.path());
    server
        .args(["--store", "memory", "--cluster", "kube"])
        .env("KUBECONFIG", &path);
    let ended = timeout(LIMIT, server.output())
        .await
        .expect("it ends in time")
        .unwrap();
    let all = [ended.stdout, ended.stderr]
        .map(|said| String::from_utf8(said).unwrap())
        .concat();
    let about: Vec<_> = all.lines().filter(|line| !line.contains("dev: ")).collect();
    assert_eq!(about.len(), 1, "{all}");
    assert!(about[0].contains("kubectl get namespaces"), "{all}");
}

#[tokio::test]
async fn an_unreadable_configuration_is_named_and_not_repeated() {
    let folder = folder();
    let path = folder.path().join("server.toml");
    let refused = async || refused(server(folder.path()).arg("--config").arg(&path)).await;
    let place = format!("config: {}: ", path.display());
    assert!(refused().await.starts_with(&place), "it is missing");
    std::fs::write(&path, format!("dev = true\n[secrets]\njwt = \"{SECRET}\n")).unwrap();
    let said = refused().await;
    assert!(said.starts_with(&format!("{place}line 3: ")), "{said}");
    std::fs::write(&path, b"domain = \"\xff\"").unwrap();
    let said = refused().await;
    assert!(said.starts_with(&place) && said.contains("UTF-8"), "{said}");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(refused().await.starts_with(&place), "it is a folder");
}

#[tokio::test]
async fn an_unusable_cluster_is_reported() {
    let folder = folder();
    let path = folder.path().join("kubeconfig");
    let refused = async || {
        let mut server = server(folder.path());
        server.args(["--store", "memory", "--cluster", "kube"]);
        refused(server.env("KUBECONFIG", &path)).await
    };
    let said = refused().await;
    assert!(said.starts_with("cluster: there is no kubeconfig"), "{said}");
    assert!(said.contains(&*path.to_string_lossy()), "{said}");
    std::fs::write(
        &path,
        format!("users: [{{ name: ana, user: {{ token: {SECRET} }}"),
    )
    .unwrap();
    let said = refused().await;
    assert!(
        said.starts_with("cluster: the kubeconfig can't be used: "),
        "{said}"
    );
    assert!(said.contains("line 1"), "{said}");
    let nobody = "{ apiVersion: v1, kind: Config, current-context: a,
        clusters: [{ name: a, cluster: { server: 'https://127.0.0.1:1' } }],
        users: [{ name: a, user: { token: hunter2 } }],
        contexts: [{ name: a, context: { cluster: a, user: a } }] }";
    std::fs::write(&path, nobody).unwrap();
    let said = refused().await;
    assert!(
        said.starts_with("cluster: the API server can't be reached"),
        "{said}"
    );
}

#[tokio::test]
async fn an_unreachable_database_is_reported() {
    let folder = folder();
    for (address, says) in [
        (
            "mongodb://ana:hunter2@127.0.0.1:1/neuropod",
            "store: the database can't be reached",
        ),
        (
            "postgres://ana:hunter2@127.0.0.1:1/neuropod",
            "store: the connection to the database broke",
        ),
    ] {
        let mut server = server(folder.path());
        server
            .env("NEUROPOD_STORE", address)
            .env("NEUROPOD_SECRETS__JWT", SECRET)
            .env("NEUROPOD_SECRETS__NAMING", SECRET);
        let said = refused(&mut server).await;
        assert!(said.starts_with(says), "{said}");
    }
}

#[tokio::test]
async fn a_file_of_a_later_version_is_left_alone() {
    let folder = folder();
    let (mut running, _) = started(&mut server(folder.path())).await;
    running.kill().await.unwrap();
    let file = folder.path().join("neuropod.db");
    let mut database = SqliteConnectOptions::new()
        .filename(&file)
        .connect()
        .await
        .unwrap();
    let later = "INSERT INTO _sqlx_migrations SELECT version + 1000, 'later', installed_on, success, checksum, \
        execution_time FROM _sqlx_migrations ORDER BY version DESC LIMIT 1";
    sqlx::query(later).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    let said = refused(&mut server(folder.path())).await;
    assert!(said.starts_with("store: neuropod.db: another version"), "{said}");
}

#[tokio::test]
async fn the_greeting_names_address_account_and_how_to_stop() {
    let folder = folder();
    let mut running = server(folder.path())
        .args(["--scenario", "running,stopped"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    let said = timeout(LIMIT, async {
        let mut said = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            said = format!("{said}{line}\n");
            if line.trim_start().starts_with("Stop ") {
                return said;
            }
        }
        panic!("it ended: {said}");
    });
    let said = said.await.expect("it starts");
    let open = said.lines().find_map(|line| line.trim().strip_prefix("Open "));
    let port = open.unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
    assert!(port > 0 && tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok());
    for part in [
        "admin@example.com",
        "gallery@example.com (2 pods)",
        "simulated",
        "memory",
        "Ctrl-C",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    running.kill().await.unwrap();
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "a gallery leaves nothing behind");
}

#[tokio::test]
async fn an_invalid_gallery_is_refused_with_the_valid_names() {
    let folder = folder();
    for (arguments, expected) in [
        (
            &["--scenario", "runing"][..],
            "scenario: there is none with the name \"runing\"",
        ),
        (&["--scenario", "all", "--cluster", "kube"], "scenario: "),
    ] {
        let said = refused(server(folder.path()).args(arguments)).await;
        assert!(said.starts_with(expected), "{said}");
    }
    let listed = server(folder.path()).args(["--scenario", "list"]).output();
    let listed = timeout(LIMIT, listed).await.unwrap().unwrap();
    assert!(listed.status.success());
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(
        listed.lines().count() > 30 && listed.contains("image_not_found"),
        "{listed}"
    );
}

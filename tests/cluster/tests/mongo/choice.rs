//! Which server it is, as `neuropod-test-cluster mongo` shows it.

use std::{
    env,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use neuropod_test_cluster::{MONGODB_IMAGE, MONGODB_URI, skip, wait_until};

use crate::docker::FakeDocker;

const IMAGE: &str = "db.example.com:5000/mongo:8";
const GIVEN: &str = "mongodb://db.example.com/";

/// The program, with a Docker at `host` whose program is in `folder`.
fn program(host: &str, folder: &Path) -> Command {
    let path = env::var_os("PATH").unwrap_or_default();
    let path = [folder.to_owned()].into_iter().chain(env::split_paths(&path));
    let mut command = Command::new(env!("CARGO_BIN_EXE_neuropod-test-cluster"));
    command
        .arg("mongo")
        .env("DOCKER_HOST", host)
        .env("PATH", env::join_paths(path).unwrap())
        .env_remove(MONGODB_URI)
        .env_remove(MONGODB_IMAGE)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Killed at the end, as a test process may be.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The address that the program prints once the server runs, or what it says instead.
fn address(program: &mut Running) -> Result<String, String> {
    let mut lines = BufReader::<&mut ChildStdout>::new(program.0.stdout.as_mut().unwrap()).lines();
    if let Some(line) = lines.next() {
        let line = line.unwrap();
        let (_, address) = line.split_once(&format!("{MONGODB_URI}=")).unwrap();
        return Ok(address.to_owned());
    }
    let mut error = String::new();
    let stderr = program.0.stderr.as_mut().unwrap();
    stderr.read_to_string(&mut error).unwrap();
    Err(error)
}

#[test]
fn a_given_server_is_taken_and_docker_not_asked() {
    let docker = FakeDocker::with_image(IMAGE);
    let mut command = program(&docker.host(), docker.folder());
    command.env(MONGODB_URI, GIVEN).env(MONGODB_IMAGE, IMAGE);
    let mut given = Running(command.spawn().unwrap());
    assert_eq!(address(&mut given), Ok(GIVEN.to_owned()));
    assert_eq!(docker.requests(), [""; 0]);
}

#[test]
fn docker_that_can_not_start_a_container_is_an_error() {
    let docker = FakeDocker::with_image(IMAGE);
    let mut other = Running(program(&docker.host(), docker.folder()).spawn().unwrap());
    let error = address(&mut other).unwrap_err();
    for part in ["Docker answers", "mongo:8", "no route to host"] {
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn the_container_of_a_killed_process_is_removed() {
    let docker = FakeDocker::with_image(IMAGE);
    let mut command = program(&docker.host(), docker.folder());
    let cache = tempfile::tempdir().unwrap();
    command
        .env(MONGODB_IMAGE, IMAGE)
        .env("NEUROPOD_TEST_CACHE", cache.path());
    let mut container = Running(command.spawn().unwrap());
    let address = address(&mut container).unwrap();
    assert!(address.starts_with("mongodb://127.0.0.1:"), "{address}");
    let created = docker
        .requests()
        .into_iter()
        .find(|request| request.contains("create"));
    let created = created.unwrap();
    let (_, name) = created.split_once("name=").unwrap();
    let name = name.split('&').next().unwrap();
    assert_eq!(docker.calls(), "");

    drop(container);
    wait_until(
        "the removal of the container",
        Duration::from_secs(30),
        async || {
            let calls = docker.calls();
            if calls == format!("rm --force --volumes {name}\n") {
                return Ok(());
            }
            Err(format!("docker was called with: {calls}"))
        },
    )
    .await
    .unwrap();
}

#[test]
fn without_docker_it_is_ferretdb() {
    let docker = FakeDocker::with_image(IMAGE);
    // Nothing listens here any more.
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut cases = [
        program(&format!("tcp://{nowhere}"), docker.folder()),
        program(&docker.host(), docker.folder()),
    ];
    cases[1].env(MONGODB_IMAGE, "");
    for mut command in cases {
        let mut server = Running(command.spawn().unwrap());
        match address(&mut server) {
            Ok(address) => assert!(address.starts_with("mongodb://127.0.0.1:"), "{address}"),
            Err(error) if error.contains("unavailable") => {
                skip("neuropod-test-cluster/mongo/without_docker", &error);
                return;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(docker.requests(), [""; 0]);
}

//! The document that describes the API, against the server that it describes.

use neuropod_test_cluster::{python, skip};
use tokio::process::Command;

use crate::common::{ADMIN, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn the_server_does_what_its_document_says() {
    let python = match python() {
        Ok(python) => python,
        Err(error) if error.is_unavailable() => return skip("contract/openapi", &error.to_string()),
        Err(error) => panic!("{error}"),
    };
    let set_up = |config: &mut neuropod_server::config::Config| {
        // No token that is made up gets as far as Google's keys.
        config.auth.google_client_id = Some("client".into());
    };
    let server = TestServer::start_with(set_up).await;
    let folder = tempfile::tempdir().unwrap();
    let token = server.sign_in(ADMIN).await;
    let run = Command::new(python)
        .args(["-m", "schemathesis.cli", "run", "--no-color"])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        // It would end the session that all other requests need.
        .args(["--exclude-path", "/api/auth/logout"])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "10",
            "--max-time",
            "30",
        ])
        .arg("--generation-deterministic")
        // What a schema can't say (a name is taken, a GPU is not on offer) is refused all the same.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .arg(format!("{}/api/openapi.json", server.origin))
        .current_dir(&folder)
        .output();
    let run = run.await.expect("schemathesis runs");
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&run.stderr)
    );
}

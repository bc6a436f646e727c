//! The dashboard's own tests of modules that need no page.

use std::path::Path;

use neuropod_test_cluster::{npm_modules, skip};
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn its_modules_pass_their_own_tests() {
    if let Err(error) = npm_modules() {
        assert!(error.is_unavailable(), "{error}");
        return skip("contract/dashboard", &error.to_string());
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboard");
    let tests = Command::new("node")
        .args(["--test", "tests/"])
        .current_dir(folder)
        .output();
    let tests = tests.await.expect("node runs");
    let output = String::from_utf8_lossy(&tests.stdout);
    assert!(tests.status.success() && output.contains("# fail 0"), "{output}");
}

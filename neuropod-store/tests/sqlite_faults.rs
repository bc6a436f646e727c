//! Failures of a file, and recovery from them.
#![allow(clippy::unwrap_used, reason = "tests")]

mod by_hand;
mod failure;
mod sample;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::store::UserStore;
use neuropod_core::{Billing, Money, Pod, PodStore, Result, Status, UserId};
use neuropod_store::SqliteStore;
use sqlx::Connection;

use self::by_hand::{connect, run};
use self::failure::failed;
use self::sample::minute;

/// The time limit of every operation, whatever happens.
const DEADLINE: Duration = Duration::from_secs(20);

/// Fields of a later version are kept when this one changes the rest.
#[tokio::test]
async fn unknown_fields_survive_a_rewrite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let pod = store.insert(&sample::pod(&UserId::new("ana"))).await.unwrap();

    let mut other = connect(&path).await;
    run(
        &mut other,
        "UPDATE pods SET document = json_set(document, '$.team', 'vision', '$.options.shm', 8, \
         '$.options.ports[1].zone', 'grpc')",
    )
    .await;
    let pod = Pod {
        status: Status::Running,
        ..store.get(&pod.id).await.unwrap().unwrap()
    };
    let updated = store.update(&pod).await.unwrap();
    assert_eq!(updated.status, Status::Running);
    let kept: (String, i64, String, String) = sqlx::query_as(
        "SELECT document ->> '$.team', document ->> '$.options.shm', \
         document ->> '$.options.ports[1].zone', document ->> '$.status' FROM pods",
    )
    .fetch_one(&mut other)
    .await
    .unwrap();
    assert_eq!(kept, ("vision".into(), 8, "grpc".into(), "running".into()));
}

/// The same of what happened under a key of money, which changes as the hold is used and ends.
#[tokio::test]
async fn unknown_fields_of_a_hold_survive_its_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let ana = UserId::new("ana");
    store.open(&ana, AccountKind::Unlimited).await.unwrap();
    store
        .hold_amount("hour", &ana, Money::from_cents(9))
        .await
        .unwrap();

    let mut other = connect(&path).await;
    run(
        &mut other,
        "UPDATE keys SET record = json_set(record, '$.team', 'vision', '$.by', json('{\"tax\":21}'))",
    )
    .await;
    let mut record = async || {
        let record: (String, i64, i64, Option<String>) = sqlx::query_as(
            "SELECT record ->> '$.team', record ->> '$.by.tax', record ->> '$.held', \
             record ->> '$.end' FROM keys WHERE key = 'hour'",
        )
        .fetch_one(&mut other)
        .await
        .unwrap();
        record
    };
    store.draw(&minute("minute", &ana, "hour")).await.unwrap();
    assert_eq!(record().await, ("vision".into(), 21, 80_000, None));
    store.release("hour").await.unwrap();
    assert_eq!(record().await, ("vision".into(), 21, 0, Some("released".into())));
    // It is still read as such.
    store.release("hour").await.unwrap();
}

/// While another process holds the lock, writes fail in time and reads go on.
#[tokio::test]
async fn locked_by_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let user = UserId::new("ana");
    let pod = store.insert(&sample::pod(&user)).await.unwrap();

    let mut other = connect(&path).await;
    run(&mut other, "BEGIN EXCLUSIVE").await;
    let start = Instant::now();
    failed(store.update(&pod).await, "unavailable", true);
    assert!(start.elapsed() < DEADLINE);
    assert_eq!(store.get(&pod.id).await.unwrap().as_ref(), Some(&pod));
    // Opening another store gives up in time, too.
    failed(SqliteStore::open(&path).await, "unavailable", true);

    run(&mut other, "COMMIT").await;
    store.update(&pod).await.unwrap();
}

/// The file and those beside it are for their owner alone, even if an earlier version created them for
/// everybody. Access granted to a group stays.
#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    let modes = || -> Vec<u32> {
        let files = fs::read_dir(folder.path()).unwrap();
        let modes = files.map(|file| file.unwrap().metadata().unwrap().permissions().mode() & 0o777);
        modes.collect()
    };
    let store = SqliteStore::open(&path).await.unwrap();
    store.insert(&sample::pod(&UserId::new("ana"))).await.unwrap();
    assert_eq!(modes(), [0o600; 3], "the file, -wal and -shm");
    let set = |mode| {
        for file in fs::read_dir(folder.path()).unwrap() {
            fs::set_permissions(file.unwrap().path(), fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    for (before, after) in [(0o644, 0o600), (0o666, 0o600), (0o604, 0o600), (0o640, 0o640)] {
        set(before);
        let other = SqliteStore::open(&path).await.unwrap();
        assert_eq!(modes(), [after; 3], "{before:o}");
        other.close().await;
        store.insert(&sample::pod(&UserId::new("berta"))).await.unwrap();
    }
    store.close().await;
    set(0o644);
    let store = SqliteStore::open(&path).await.unwrap();
    store.insert(&sample::pod(&UserId::new("carla"))).await.unwrap();
    assert!(modes().iter().all(|mode| *mode == 0o600), "{:?}", modes());
}

/// If the file can't be created, the error says why.
#[tokio::test]
async fn a_missing_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    for path in [
        folder.path().join("missing/neuropod.db"),
        file.join("neuropod.db"),
    ] {
        let error = SqliteStore::open(&path).await.unwrap_err();
        assert!(error.to_string().contains("folder of the database"), "{error}");
    }
}

/// Writes to an unlinked file would be lost, so they are refused.
#[cfg(unix)]
#[tokio::test]
async fn removed_or_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let pod = store.insert(&sample::pod(&UserId::new("ana"))).await.unwrap();

    fs::remove_file(&path).unwrap();
    failed(store.update(&pod).await, "not_configured", false);
    fs::write(&path, "").unwrap();
    failed(store.update(&pod).await, "not_configured", false);
}

#[tokio::test]
async fn files_that_can_not_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no such folder").join("neuropod.db");
    let error = failed(SqliteStore::open(&missing).await, "not_configured", false);
    assert_eq!(error.context("file"), Some(&*missing.display().to_string()));

    let garbage = folder.path().join("garbage");
    fs::write(&garbage, "this is no database".repeat(1000)).unwrap();
    failed(SqliteStore::open(&garbage).await, "unexpected", false);
    let text = fs::read_to_string(&garbage).unwrap();
    assert!(text.starts_with("this is no database"), "it is left as it was");
}

/// A file with tables of a later version is left alone.
#[tokio::test]
async fn a_file_of_a_later_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    SqliteStore::open(&path).await.unwrap().close().await;
    let mut other = connect(&path).await;
    run(
        &mut other,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', TRUE, x'00', 0)",
    )
    .await;
    other.close().await.unwrap();
    failed(SqliteStore::open(&path).await, "not_configured", false);
}

/// A file system of a megabyte, where this machine allows it: on Linux, as root.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(test: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = ["-t", "tmpfs", "-o", "size=1m", "tmpfs"];
        if let Err(reason) = mount(&options, folder.path()) {
            neuropod_test_cluster::skip(&format!("neuropod-store/sqlite_faults/{test}"), &reason);
            return None;
        }
        Some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a store that a failed test left open must not block it.
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.0.path())
            .status();
    }
}

fn mount(options: &[&str], folder: &Path) -> Result<(), String> {
    let output = std::process::Command::new("mount")
        .args(options)
        .arg(folder)
        .output()
        .map_err(|error| format!("no `mount`: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// No acknowledged write is lost, reads continue, and writes do once there is room.
#[tokio::test]
async fn disk_full() {
    let Some(disk) = SmallDisk::mount("disk_full") else {
        return;
    };
    let folder = disk.0.path();
    let filler = folder.join("filler");
    fs::write(&filler, vec![0; 400 * 1024]).unwrap();
    let store = SqliteStore::open(folder.join("neuropod.db")).await.unwrap();
    let user = UserId::new("ana");
    let mut stored = Vec::new();
    let error = loop {
        let large = Pod {
            name: "x".repeat(20_000),
            ..sample::pod(&user)
        };
        match store.insert(&large).await {
            Ok(pod) => stored.push(pod),
            Err(error) => break error,
        }
    };
    failed(Err::<(), _>(error), "unavailable", true);
    assert!(!stored.is_empty());
    for pod in &stored {
        assert_eq!(store.get(&pod.id).await.unwrap().as_ref(), Some(pod));
    }

    fs::remove_file(&filler).unwrap();
    store.update(&stored[0]).await.unwrap();
    store.close().await;
    let store = SqliteStore::open(folder.join("neuropod.db")).await.unwrap();
    assert_eq!(store.get(&stored[0].id).await.unwrap().unwrap().version, 2);
    store.close().await;
}

#[tokio::test]
async fn disk_read_only() {
    let Some(disk) = SmallDisk::mount("disk_read_only") else {
        return;
    };
    let path = disk.0.path().join("neuropod.db");
    SqliteStore::open(&path).await.unwrap().close().await;
    mount(&["-o", "remount,ro"], disk.0.path()).unwrap();
    failed(SqliteStore::open(&path).await, "not_configured", false);

    mount(&["-o", "remount,rw"], disk.0.path()).unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    assert!(store.users().await.unwrap().is_empty());
    store.close().await;
}

/// The path of the read-only file, for a process whose user may not write it.
#[cfg(unix)]
const FILE: &str = "NEUROPOD_TEST_SQLITE_FILE";

#[cfg(unix)]
#[tokio::test]
async fn file_read_only() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;

    const NOBODY: u32 = 65534;
    let open = async |path: &Path| failed(SqliteStore::open(path).await, "permission_denied", false);
    if let Some(path) = std::env::var_os(FILE) {
        open(Path::new(&path)).await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    SqliteStore::open(&path).await.unwrap().close().await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    if fs::File::options().write(true).open(&path).is_err() {
        open(&path).await;
        return;
    }
    // Root writes whatever the permissions say, so another user has to try.
    let exe = folder.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &exe).unwrap();
    let status = std::process::Command::new(exe)
        .args(["file_read_only", "--exact"])
        .current_dir("/")
        .env(FILE, &path)
        .uid(NOBODY)
        .status()
        .unwrap();
    assert!(status.success());
}

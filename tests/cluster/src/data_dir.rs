//! The folder of a cluster, which is removed with the cluster.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{
    cache, command,
    error::{Error, IoContext, Result},
};

const CLEAN_UP: &str = include_str!("clean_up.sh");

/// A folder that is removed, with the control groups and the container of the same name, when this value is dropped or this
/// process is killed: a guard process waits for the end of a pipe whose other end is here.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    guard: Child,
    // Locked while this process lives, so that a later one can recognise unused folders.
    _lock: File,
}

impl DataDir {
    /// The file of this folder that names a container of Docker, which is removed first.
    pub(crate) const CONTAINER: &str = "container";

    pub(crate) fn create() -> Result<Self> {
        let parent = cache::folder()?.join("run");
        fs::create_dir_all(&parent).at_path(&parent)?;
        Self::create_in(&parent)
    }

    /// The same, by root for a server of another user: a folder that everybody may pass through, to folders in it that
    /// they must know by name.
    pub(crate) fn create_for_others() -> Result<Self> {
        let parent = std::env::temp_dir().join("neuropod-test-run");
        match create_private(&parent) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made.at_path(&parent)?,
        }
        // Fails if somebody else has made it.
        for_passing(&parent).at_path(&parent)?;
        let this = Self::create_in(&parent)?;
        for_passing(&this.path).at_path(&this.path)?;
        Ok(this)
    }

    fn create_in(parent: &Path) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        remove_stale(parent);

        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("{}-{id}", process::id()));
        create_private(&path).at_path(&path)?;
        let lock_path = path.join("lock");
        let lock = File::create(&lock_path).at_path(&lock_path)?;
        lock.lock().at_path(&lock_path)?;
        // In a session of its own: the terminal's Ctrl-C must not reach it.
        let guard = Command::new("setsid")
            .args(["sh", "-c", CLEAN_UP, "neuropod-test-guard"])
            .arg(&path)
            .arg(cgroup_of(&path))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .during("start the guard process")?;
        Ok(Self {
            path,
            guard,
            _lock: lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The name of the control group that belongs to this folder.
    pub(crate) fn cgroup(&self) -> String {
        cgroup_of(&self.path)
    }

    /// The name for a container that belongs to this folder.
    pub(crate) fn container_name(&self) -> String {
        self.cgroup()
    }

    /// Writes a file and returns its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).at_path(parent)?;
        }
        let mut file = File::create(&path).at_path(&path)?;
        file.write_all(text.as_bytes()).at_path(&path)?;
        Ok(path)
    }

    /// The file for the output of the server `name`.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.join(&format!("{name}.log"))
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if let Some(logs) = std::env::var_os("NEUROPOD_TEST_LOGS") {
            keep_logs(&self.path, Path::new(&logs));
        }
        drop(self.guard.stdin.take());
        // On failure there is no guard any more, so nothing to wait for.
        let _ = self.guard.wait();
    }
}

fn cgroup_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("neuropod-test-{name}")
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// Lets everybody pass through a folder of ours, but not list it.
#[cfg(unix)]
fn for_passing(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let found = fs::symlink_metadata(path)?;
    let own = fs::metadata("/proc/self")?.uid();
    if !found.is_dir() || found.uid() != own {
        return Err(io::Error::other("it is not a folder of ours"));
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o711))
}

#[cfg(not(unix))]
fn for_passing(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Removes the leftovers of processes that died together with their guard, such as when a whole session is
/// killed.
fn remove_stale(parent: &Path) {
    for folder in fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
    {
        // The lock of a dead process is free; a folder without a lock is just being created.
        let unused = File::open(folder.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok());
        if unused {
            let mut clean_up = Command::new("sh");
            clean_up
                .args(["-c", CLEAN_UP, "neuropod-test-guard"])
                .arg(&folder)
                .arg(cgroup_of(&folder));
            // A failed removal is retried at the next start.
            let _ = command::run(&mut clean_up);
        }
    }
}

/// Copies the servers' logs to `NEUROPOD_TEST_LOGS`, for investigating a failed test.
fn keep_logs(from: &Path, to: &Path) {
    let to = to.join(from.file_name().unwrap_or_default());
    if fs::create_dir_all(&to).is_err() {
        return;
    }
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "log")
        {
            // A missing log must not fail a test that has passed.
            let _ = fs::copy(entry.path(), to.join(entry.file_name()));
        }
    }
}

/// Whether the process runs as root, and so may install packages and start containers.
pub(crate) fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let user = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .unwrap_or_default();
    user.split_whitespace().nth(1) == Some("0")
}

/// The error on systems other than Linux.
pub(crate) fn require_linux() -> Result<()> {
    if cfg!(target_os = "linux") {
        return Ok(());
    }
    Err(Error::Unavailable(
        "servers are started on Linux only; NEUROPOD_TEST_KUBECONFIG can name a cluster of your own".into(),
    ))
}

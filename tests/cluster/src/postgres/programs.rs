//! The programs of the server, and the user who runs them: `postgres` refuses to be root.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    command,
    data_dir::{DataDir, is_root},
    debian,
    error::{Error, IoContext, Result},
};

/// Where Debian's packages have the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";
const NEEDED: [&str; 3] = ["initdb", "postgres", "pg_isready"];

/// Finds the programs, or installs them, which requires root on Debian.
pub(super) fn prepare() -> Result<()> {
    if Programs::find().is_err() && is_root() && command::exists("apt-get") {
        debian::install_without_services(&["postgresql"])?;
    }
    Programs::find().map(drop)
}

/// The folder with the programs.
#[derive(Debug)]
pub(super) struct Programs(PathBuf);

impl Programs {
    /// Those of the newest version.
    pub(super) fn find() -> Result<Self> {
        let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
        let debian = versions.map(|version| version.path().join("bin"));
        let others = std::env::var_os("PATH").unwrap_or_default();
        let others = std::env::split_paths(&others).collect::<Vec<_>>();
        let complete = |folder: &PathBuf| NEEDED.iter().all(|program| folder.join(program).is_file());
        let version = |folder: &PathBuf| {
            let version = folder.parent()?.file_name()?.to_str()?;
            version.parse::<u32>().ok()
        };
        let newest = debian.filter(complete).max_by_key(version);
        newest
            .or_else(|| others.into_iter().find(complete))
            .map(Self)
            .ok_or_else(|| {
                Error::Unavailable(
                    "there is no PostgreSQL: install the Debian package postgresql, or run `cargo xtask test` as root, \
                     which does"
                        .into(),
                )
            })
    }

    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.0.join(program)
    }
}

/// The user who runs the server.
#[derive(Debug)]
pub(super) enum User {
    /// We ourselves.
    This,
    /// Another one, as we are root.
    Named(&'static str),
}

impl User {
    pub(super) fn for_server() -> Result<Self> {
        if !is_root() {
            return Ok(Self::This);
        }
        let users = fs::read_to_string("/etc/passwd").at_path(Path::new("/etc/passwd"))?;
        let exists = |name: &&str| users.lines().any(|line| line.split(':').next() == Some(name));
        let name = ["postgres", "nobody"].into_iter().find(exists);
        name.map(Self::Named).ok_or_else(|| {
            Error::Unavailable(
                "there is no user `postgres` or `nobody` to run PostgreSQL, which refuses root".into(),
            )
        })
    }

    /// A folder for a server's files. That of another user is not in the home of root, where nobody else gets.
    pub(super) fn data_dir(&self) -> Result<DataDir> {
        match self {
            Self::This => DataDir::create(),
            Self::Named(_) => DataDir::create_for_others(),
        }
    }

    /// Makes a folder in `data` that belongs to this user alone.
    pub(super) fn folder_in(&self, data: &DataDir, name: &str) -> Result<PathBuf> {
        let path = data.join(name);
        let mut install = Command::new("install");
        install.args(["--directory", "--mode=0700"]);
        if let Self::Named(user) = self {
            install.arg(format!("--owner={user}"));
        }
        command::run(install.arg(&path))?;
        Ok(path)
    }

    /// Makes a file one of this user, for them alone.
    pub(super) fn give(&self, file: &Path) -> Result<()> {
        command::run(Command::new("chmod").arg("0600").arg(file))?;
        match self {
            Self::This => Ok(()),
            Self::Named(user) => command::run(Command::new("chown").arg(user).arg(file)).map(drop),
        }
    }

    /// `command`, run by this user.
    pub(super) fn run(&self, command: &Command) -> Command {
        let mut run = match self {
            Self::This => Command::new("env"),
            Self::Named(user) => {
                let mut run = Command::new("setpriv");
                // A change of the user makes the kernel forget the death signal that `setpriv` has set before.
                run.args(["--reuid", user, "--regid", group(user), "--clear-groups"]);
                run.args(["--pdeathsig", "KILL", "--"]);
                run
            }
        };
        run.arg(command.get_program()).args(command.get_args());
        // The folder that we are in may be closed to this user.
        run.current_dir("/");
        run
    }
}

/// The group of the same name, but for `nobody`.
fn group(user: &str) -> &str {
    if user == "nobody" { "nogroup" } else { user }
}

/// The processes that `parent` has started.
pub(super) fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|process| process.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| parent_of(*id) == Some(parent)).collect()
}

/// Whether a process still has its memory: one that waits to be noted by its parent (`Z`) has not.
pub(super) fn is_alive(id: u32) -> bool {
    stat(id).is_some_and(|fields| !fields.starts_with(['Z', 'X']))
}

/// The second of the fields.
fn parent_of(id: u32) -> Option<u32> {
    stat(id)?.split(' ').nth(1)?.parse().ok()
}

/// The fields of `/proc/PID/stat` from the state on. Before it is a name in brackets, which may have spaces.
fn stat(id: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(") ").map(|(_, fields)| fields.to_owned())
}

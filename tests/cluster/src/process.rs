//! Servers as child processes that never outlive this one.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, OnceLock, PoisonError, mpsc},
    thread,
};

use crate::{
    command,
    error::{Error, IoContext, Result},
};

/// A running server. Dropping it kills it; the kernel kills it when this process ends in any other way.
#[derive(Debug)]
pub(crate) struct Server {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `command`, with its output in the file `log`.
    pub(crate) fn spawn(name: &str, command: &Command, log: &Path) -> Result<Self> {
        let mut bound = bound(command)?;
        let file = File::options().create(true).append(true).open(log).at_path(log)?;
        bound
            .stdin(Stdio::null())
            .stdout(file.try_clone().at_path(log)?)
            .stderr(file);
        let child = spawn(bound).during(format!("start {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How the server ended, if it has.
    pub(crate) fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// The end of the server's output.
    pub(crate) fn log_tail(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        command::tail(&String::from_utf8_lossy(&text), 25).to_owned()
    }

    /// Sends a signal such as `STOP`.
    pub(crate) fn signal(&self, signal: &str) -> Result<()> {
        let script = format!("kill -{signal} {}", self.id());
        command::run(Command::new("sh").args(["-c", &script])).map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // They only fail if the server is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command, set up so that the kernel kills it when the thread that starts it ends.
fn bound(command: &Command) -> Result<Command> {
    if !command::exists("setpriv") {
        return Err(Error::Unavailable(
            "no `setpriv` (package util-linux) to tie servers to this process".into(),
        ));
    }
    let mut bound = Command::new("setpriv");
    bound
        .args(["--pdeathsig", "KILL", "--"])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bound.env(name, value),
            None => bound.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        bound.current_dir(folder);
    }
    Ok(bound)
}

type Order = (Command, mpsc::Sender<io::Result<Child>>);

/// Starts `command` from a thread that lives as long as this process: the kernel's death signal follows the
/// *thread* that forked, and a test's thread ends long before a server that other tests share.
fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Mutex<mpsc::Sender<Order>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, orders) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in orders {
                // The caller waits, unless its thread died.
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(sender)
    });
    let (answer, child) = mpsc::channel();
    let gone = |_| io::Error::other("the thread that starts servers is gone");
    let sender = spawner.lock().unwrap_or_else(PoisonError::into_inner).clone();
    sender
        .send((command, answer))
        .map_err(|_| io::Error::other("the thread that starts servers is gone"))?;
    child.recv().map_err(gone)?
}

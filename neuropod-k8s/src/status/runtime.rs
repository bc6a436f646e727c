//! The reason why a container can't be created or started, or has ended, in the words of the container
//! runtimes.

use neuropod_core::cluster::ReasonCode;

use super::cause::Cause;
use super::conditions::since;
use super::pull::unquoted;
use crate::api::partial::{PartialPod, Terminated};

/// The reason why the runtime can't create or start a container, and whether the node is at fault.
pub(super) fn start_failure(message: &str) -> (ReasonCode, bool) {
    if let Some(program) = other_format(message) {
        return (format_code(program), false);
    }
    let image = is_of_the_image(message);
    if !image && is_of_the_node(message) {
        (ReasonCode::ContainerConfig, true)
    } else {
        (ReasonCode::ContainerStart, false)
    }
}

/// The reason of `CreateContainerConfigError`: an object of the platform is missing, unless the user of the
/// image is the problem.
pub(super) fn config_failure(message: &str) -> ReasonCode {
    if message.contains("runAsNonRoot") {
        ReasonCode::ContainerStart
    } else {
        ReasonCode::ContainerConfig
    }
}

/// Whether the owner of the image can solve it: its program, its directories, its version of CUDA.
fn is_of_the_image(message: &str) -> bool {
    // A helper program of the runtime can be missing, too.
    const HELPERS: [&str; 4] = [
        "exec: \"apparmor_parser",
        "exec: \"crun",
        "exec: \"nvidia-",
        "exec: \"runc",
    ];
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let program = message.contains("exec: \"") && !has(&HELPERS);
    let missing = has(&[
        "executable file not found",
        "no such file or directory",
        "permission denied",
        "is a directory",
    ]);
    (program && missing)
        || has(&[
            "unsatisfied condition",
            "not a directory",
            "no matching entries in passwd",
        ])
}

/// Whether only the people who run the node can solve it.
fn is_of_the_node(message: &str) -> bool {
    const WORDS: [&str; 56] = [
        // The driver of the GPU, and the tools that bring it into containers.
        "cdi device",
        "cdi spec",
        "nvml",
        "nvidia-container-cli",
        "nvidia-container-runtime",
        "driver/library version mismatch",
        "driver not loaded",
        "gpu is lost",
        "unknown device",
        "no such device",
        "stat /dev/",
        "generate spec: lstat",
        "generate spec: stat",
        "gathering device information",
        // Hooks that bring devices and mounts into containers. Errors that an image causes were recognised before.
        "running hook",
        "prestart hook",
        "createruntime hook",
        // Names that an earlier attempt still holds: containerd, CRI-O, Docker.
        "failed to reserve container name",
        "is reserved",
        "error reserving ctr name",
        "is already in use by",
        // The node itself lacks something, or its runtime does not respond.
        "oom-killed",
        "deadline exceeded",
        "deadlineexceeded",
        "timed out",
        "no space left on device",
        "too many open files",
        "cannot allocate memory",
        "resource temporarily unavailable",
        "input/output error",
        "device or resource busy",
        "ttrpc",
        "error while dialing",
        "connection refused",
        "failed to start shim",
        "unable to retrieve oci runtime error",
        "no runtime for",
        "failed to find runtime handler",
        "system load",
        "content digest",
        "from content store",
        "snapshotter",
        "cgroup",
        "sandbox",
        "rootfs component",
        "fork/exec",
        "session keyring",
        "disk quota exceeded",
        "rlimit",
        "dbus",
        // The set-up of the node: a tool that creates or isolates containers is missing.
        "binary not installed",
        "apparmor",
        "seccomp",
        "selinux",
        "/dev/kvm",
        "qemu",
    ];
    let text = unquoted(message).to_lowercase();
    let mounts_driver = message.contains("error mounting \"") && message.contains("nvidia");
    mounts_driver || WORDS.iter().any(|word| text.contains(word))
}

/// The program that the node can't run, by the message of the runtime; `None` if the message is about something else,
/// `Some("")` if it does not name the program.
fn other_format(message: &str) -> Option<&str> {
    let at = message.to_ascii_lowercase().find("exec format error")?;
    let before = message[..at].trim_end_matches([' ', ':', '"', '`', '\'']);
    let program = before.rsplit([' ', '`', '"']).next().unwrap_or_default();
    Some(if program.starts_with('/') || program.starts_with('.') {
        program
    } else {
        ""
    })
}

/// The same from the end of a container's log. The program itself could print the text too, so it has to be the only
/// line, in the runtime's own words and with its exit codes.
fn other_format_in_log(terminated: &Terminated) -> Option<&str> {
    let line = terminated.message.trim();
    if line.contains('\n') {
        return None;
    }
    let runc = line.starts_with("exec /") && line.ends_with(": exec format error");
    let old_runc = line.starts_with("standard_init_linux.go:") && line.contains("exec user process");
    let crun = line.starts_with("exec container process `")
        || line.starts_with("{\"msg\":\"exec container process `");
    let words = line.split(' ').count();
    match terminated.exit_code {
        // `exec <program>: exec format error`.
        255 if runc && words == 5 => other_format(line),
        1 | 255 if old_runc => other_format(line),
        1 | 126 | 255 if crun => other_format(line),
        _ => None,
    }
}

/// The reason code of an exec format error. A script without an interpreter line looks like a program for another
/// processor. Only its name gives a hint.
fn format_code(program: &str) -> ReasonCode {
    let (_, extension) = program.rsplit_once('.').unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "sh" | "bash" | "zsh" | "py" | "pl" | "rb" | "js" | "lua" | "r" => ReasonCode::ContainerStart,
        _ => ReasonCode::ImageArchitecture,
    }
}

/// The reason why a container has ended. Its message may contain the last lines of the log, which are not
/// passed on because they may contain a token.
pub(super) fn exited(pod: &PartialPod, terminated: &Terminated, otherwise: ReasonCode) -> Cause {
    let at = terminated.finished_at.unwrap_or_else(|| since(pod, "Ready"));
    let exit = exit(terminated.exit_code);
    match terminated.reason.as_str() {
        "OOMKilled" => Cause::new(ReasonCode::OutOfMemory, exit, at),
        // The program did not start, so this message is the runtime's own.
        "StartError" | "ContainerCannotRun" => {
            let (code, of_the_node) = start_failure(&terminated.message);
            Cause::new(code, terminated.message.as_str(), at).blame_node(of_the_node)
        }
        _ => match other_format_in_log(terminated) {
            Some(program) => {
                let detail = match program {
                    "" => "exec format error".to_owned(),
                    program => format!("exec {program}: exec format error"),
                };
                Cause::new(format_code(program), detail, at)
            }
            None => Cause::new(otherwise, exit, at),
        },
    }
}

/// An exit code, with the name of its signal.
fn exit(code: i32) -> String {
    let signal = match code {
        132 => "SIGILL: an instruction that this processor does not have",
        134 => "SIGABRT",
        135 => "SIGBUS",
        136 => "SIGFPE",
        137 => "SIGKILL: often for want of memory",
        139 => "SIGSEGV",
        143 => "SIGTERM",
        _ => return format!("exit code {code}"),
    };
    format!("exit code {code} ({signal})")
}

//! Where a workspace volume may be mounted.

use crate::error::validation::Violation;
use crate::user::person::check_visible;

/// The longest path, in bytes.
const MAX_PATH_LEN: usize = 255;

/// Folders of the system, with everything below them: an image whose programs, libraries or sockets are hidden behind a
/// volume does not run, and what the kubelet and the runtime mount there would come to lie on the volume.
const SYSTEM: [&str; 15] = [
    "bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "nix", "proc", "run", "sbin", "snap",
    "sys", "usr",
];

/// Folders that only hold others: themselves they are refused, since a volume there hides all of them.
const PARENTS: [&str; 4] = ["opt", "root", "tmp", "var"];

/// The parts of `/var` that are the system's own (Filesystem Hierarchy Standard, chapter 5), with everything below them.
/// `/var/www` and `/var/data` are not.
const SYSTEM_VAR: [&str; 11] = [
    "backups", "cache", "crash", "empty", "lib", "lock", "log", "mail", "run", "spool", "tmp",
];

/// Folders in which programs look for the keys and settings of the user that runs them, wherever their home is.
const KEYS: [&str; 9] = [
    ".aws",
    ".azure",
    ".config",
    ".docker",
    ".gnupg",
    ".kube",
    ".password-store",
    ".pki",
    ".ssh",
];

/// Checks where a template mounts the workspace: an absolute path that is not the system's own.
///
/// Refused are `/`; the folders of the system with all that is below them (`/etc`, `/usr/local/bin`, `/run/secrets`,
/// `/var/run`, `/var/lib`); `/opt`, `/root`, `/tmp` and `/var` themselves, though not `/opt/data`, `/root/data`, `/tmp/data`
/// and `/var/www`; and folders of keys such as `/root/.ssh`. Case and dots at the end make no difference. `.`, `..`, two slashes
/// in a row, colons, backslashes, and characters that can't be seen are refused anywhere.
///
/// ```
/// use neuropod_core::pod::check::check_volume_path;
///
/// assert!(check_volume_path("/home/jovyan/work").is_ok());
/// assert!(check_volume_path("/var/run/secrets").is_err());
/// ```
///
/// # Errors
/// [`Violation::VolumePath`].
pub fn check_volume_path(path: &str) -> Result<(), Violation> {
    // Kubernetes refuses a colon in a mount path.
    let is_odd = path.len() > MAX_PATH_LEN || path.contains([':', '\\']) || check_visible(path).is_err();
    let Some(rest) = path.strip_prefix('/').filter(|_| !is_odd) else {
        return Err(Violation::VolumePath);
    };
    let parts: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
    if parts.iter().all(|part| is_plain(part)) && !is_reserved(&parts) {
        Ok(())
    } else {
        Err(Violation::VolumePath)
    }
}

/// Whether a part of a path is a name, and not a way to another folder.
fn is_plain(part: &str) -> bool {
    !part.is_empty() && part.trim() == part && !part.bytes().all(|byte| byte == b'.')
}

/// Whether the path is one that no volume may hide.
fn is_reserved(parts: &[&str]) -> bool {
    let parts: Vec<String> = parts
        .iter()
        .map(|part| part.trim_end_matches('.').to_lowercase())
        .collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let is_system = match parts.as_slice() {
        [] => true,
        [only] if PARENTS.contains(only) => true,
        ["var", second, ..] if SYSTEM_VAR.contains(second) => true,
        [first, ..] => SYSTEM.contains(first),
    };
    is_system || parts.iter().any(|part| KEYS.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_programs_and_people() {
        for path in [
            "/workspace",
            "/workspace/",
            "/Workspace",
            "/home/jovyan/work",
            "/home/jovyan",
            "/home/ana/mis datos",
            "/home/ana/año",
            "/root/data",
            "/root/.cache/huggingface",
            "/root/.ollama",
            "/data",
            "/data/",
            "/data.d",
            "/mnt",
            "/mnt/data",
            "/opt/data",
            "/srv/etc",
            "/tmp/data",
            "/var/www/html",
            "/var/data",
            "/libs",
            "/library",
            "/users",
            "/runs",
            "/runpod-volume",
            "/ComfyUI/models",
            "/content",
            "/kaggle/working",
            "/app/usr",
        ] {
            assert_eq!(check_volume_path(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn folders_of_the_system_and_their_subfolders() {
        for path in [
            "/",
            "//",
            "/bin",
            "/boot/efi",
            "/dev",
            "/dev/shm",
            "/etc",
            "/etc/",
            "/etc/x",
            "/etc/ssh",
            "/lib",
            "/lib/x86_64-linux-gnu",
            "/lib64",
            "/libx32",
            "/proc",
            "/proc/self",
            "/proc/self/root",
            "/run",
            "/run/secrets",
            "/run/secrets/kubernetes.io/serviceaccount",
            "/run/nvidia",
            "/run/containerd/containerd.sock",
            "/sbin",
            "/sys",
            "/sys/fs/cgroup",
            "/usr",
            "/usr/bin",
            "/usr/lib/x86_64-linux-gnu",
            "/usr/local",
            "/usr/local/bin",
            "/usr/local/nvidia/lib64",
            "/usr/src/app",
            "/var",
            "/var/",
            "/var/run",
            "/var/run/docker.sock",
            "/var/run/secrets/kubernetes.io/serviceaccount",
            "/var/lib",
            "/var/lib/kubelet/pods",
            "/var/lib/dpkg",
            "/var/log",
            "/var/cache/apt",
            "/var/spool/cron",
            "/var/lock",
            "/var/tmp",
            "/root",
            "/root/",
            "/root/.ssh",
            "/root/.ssh/authorized_keys",
            "/root/.kube",
            "/root/.docker",
            "/root/.aws",
            "/root/.config/gcloud",
            "/home/jovyan/.ssh",
            "/home/ana/.gnupg",
            "/opt",
            "/tmp",
            "/nix/store",
            "/snap",
        ] {
            assert_eq!(check_volume_path(path), Err(Violation::VolumePath), "{path}");
        }
    }

    #[test]
    fn other_ways_to_write_them() {
        for path in [
            "/ETC",
            "/Usr/Local",
            "/var/RUN",
            "/ROOT/.SSH",
            "/etc.",
            "/etc./x",
            "/run...",
            "/var./run",
            "/root/.ssh.",
            "/usr ",
            " /usr",
            "/ usr",
            "/workspace/../etc",
            "/a/../etc",
            "/..",
            "/...",
            "/a/./b",
            "/./etc",
            "/a//b",
            "//etc",
            "/workspace//..",
            "/etc//",
            "/a:b",
            "/a\\..\\etc",
            "/a\nb",
            "/a\0",
            "/etc\u{200b}",
            "/\u{202e}cte",
            "",
            "work",
            "./work",
            "~/work",
            "$HOME/work",
            "C:/work",
        ] {
            assert_eq!(check_volume_path(path), Err(Violation::VolumePath), "{path:?}");
        }
        let long = format!("/{}", "x".repeat(MAX_PATH_LEN));
        assert_eq!(check_volume_path(&long), Err(Violation::VolumePath));
        assert_eq!(check_volume_path(&long[1..].replacen('x', "/", 1)), Ok(()));
    }
}

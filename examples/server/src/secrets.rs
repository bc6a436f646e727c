//! The secrets of the server: configured, or generated once and stored beside the database.

use std::fs;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use secrecy::{ExposeSecret, SecretString};

use crate::config;

/// The minimum length of the secret for tokens in bytes: the output size of SHA-256 (RFC 7518, section 3.2).
const MIN_JWT_LEN: usize = 32;
/// The minimum length of the key of public names in bytes, as `Naming` requires.
const MIN_NAMING_LEN: usize = 16;

/// The secrets of the server.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    /// Signs tokens.
    pub(crate) jwt: SecretString,
    /// The key of the hash in public names.
    pub(crate) naming: SecretString,
}

impl Secrets {
    /// The configured secrets. Missing ones are read from the files beside the database, or generated and
    /// written there; without a database they last until the process ends.
    ///
    /// # Errors
    /// A file that can't be read or written, and a secret that is too short.
    pub(crate) fn open(given: &config::Secrets, place: &Place) -> Result<Self> {
        let jwt = secret(
            "jwt",
            MIN_JWT_LEN,
            given.jwt.as_ref(),
            given.jwt_file.as_deref(),
            place,
        )?;
        let naming = secret(
            "naming",
            MIN_NAMING_LEN,
            given.naming.as_ref(),
            given.naming_file.as_deref(),
            place,
        )?;
        ensure!(
            jwt.expose_secret().len() >= MIN_JWT_LEN,
            "secrets.jwt needs at least {MIN_JWT_LEN} bytes"
        );
        Ok(Self { jwt, naming })
    }
}

/// The place for secrets that are not configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Beside this file.
    Beside(PathBuf),
    /// In memory only: everything ends with the process.
    Nowhere,
    /// Nowhere: they have to be configured, because other servers use the same store.
    Shared,
}

fn secret(
    name: &str,
    least: usize,
    given: Option<&SecretString>,
    file: Option<&Path>,
    place: &Place,
) -> Result<SecretString> {
    match (given, file, place) {
        (Some(_), Some(_), _) => bail!("secrets.{name} and secrets.{name}_file are both given: keep one"),
        (Some(secret), None, _) => Ok(secret.clone()),
        (None, Some(file), _) => {
            read(file).with_context(|| format!("secrets.{name}_file: {}", file.display()))
        }
        (None, None, Place::Nowhere) => Ok(random()),
        (None, None, Place::Shared) => bail!(
            "secrets.{name}_file (NEUROPOD_SECRETS__{}_FILE) is missing: all servers on one store need the same secret",
            name.to_uppercase()
        ),
        (None, None, Place::Beside(database)) => {
            let mut file = database.clone().into_os_string();
            file.push(format!(".{name}-secret"));
            let file = Path::new(&file);
            keep(file, least).with_context(|| format!("the secret in {}", file.display()))
        }
    }
}

/// The secret in a file, without the line break at its end.
fn read(file: &Path) -> Result<SecretString> {
    let text = fs::read_to_string(file)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    ensure!(!secret.is_empty(), "the file is empty");
    Ok(secret.into())
}

/// The secret in a file of this server, which is created if it is missing. Concurrent processes get the same
/// secret.
///
/// A file that is too short was not completed, because the disk was full or the machine went down. It was never
/// used, so it is replaced.
fn keep(file: &Path, least: usize) -> Result<SecretString> {
    let usable = |text: &str| {
        let secret = text.trim_end_matches(['\r', '\n']);
        (secret.len() >= least).then(|| SecretString::from(secret))
    };
    match fs::read_to_string(file) {
        Ok(text) => {
            if let Some(secret) = usable(&text) {
                only_for_owner(file)?;
                return Ok(secret);
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(secret) = create(file)? {
                return Ok(secret);
            }
            // Another process created it first.
        }
        Err(error) => return Err(error.into()),
    }
    let mut options = fs::OpenOptions::new();
    let mut unfinished = options.read(true).write(true).open(file)?;
    // Of several processes one writes, and the others read its secret. The lock ends with the file.
    unfinished.lock()?;
    let mut text = String::new();
    unfinished.read_to_string(&mut text)?;
    if let Some(secret) = usable(&text) {
        return Ok(secret);
    }
    tracing::warn!(file = %file.display(), "the secret in it was not finished: it gets a new one");
    let secret = random();
    only_for_owner(file)?;
    unfinished.set_len(0)?;
    unfinished.rewind()?;
    unfinished.write_all(secret.expose_secret().as_bytes())?;
    unfinished.sync_all()?;
    Ok(secret)
}

/// Creates the file with a new secret, completely or not at all. `None`: it exists already.
fn create(file: &Path) -> Result<Option<SecretString>> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // For its owner only, and removed if anything fails from here on.
    let mut made = tempfile::NamedTempFile::new_in(folder)?;
    let secret = random();
    made.write_all(secret.expose_secret().as_bytes())?;
    made.as_file().sync_all()?;
    match made.persist_noclobber(file) {
        Ok(_) => {
            // The name should survive a loss of power too. Windows has no equivalent.
            #[cfg(unix)]
            fs::File::open(folder)?.sync_all()?;
            Ok(Some(secret))
        }
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error.error.into()),
    }
}

/// Removes access for everybody but the owner, which an earlier version or a copy may have left.
fn only_for_owner(file: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(file)?.permissions().mode();
        if mode & 0o077 != 0 {
            // It fails for anybody but the owner, who may be a legitimate reader.
            let changed = fs::set_permissions(file, fs::Permissions::from_mode(0o600));
            let file = file.display();
            match changed {
                Ok(()) => tracing::warn!(%file, "others could read this secret: now its owner alone can"),
                Err(error) => tracing::warn!(%file, %error, "others can read this secret"),
            }
        }
    }
    Ok(())
}

/// 256 random bits in hexadecimal.
fn random() -> SecretString {
    let bytes: [u8; 32] = rand::random();
    data_encoding::HEXLOWER.encode(&bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(given: &config::Secrets, place: &Place) -> Result<Secrets> {
        Secrets::open(given, place)
    }

    #[test]
    fn generated_secrets_persist_and_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Beside(folder.path().join("neuropod.db"));
        let first = open(&config::Secrets::default(), &place).unwrap();
        let second = open(&config::Secrets::default(), &place).unwrap();
        assert_eq!(first.jwt.expose_secret(), second.jwt.expose_secret());
        assert_ne!(first.jwt.expose_secret(), first.naming.expose_secret());
        assert!(!format!("{first:?}").contains(first.jwt.expose_secret()));
        #[cfg(unix)]
        for file in fs::read_dir(folder.path()).unwrap() {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(
                file.unwrap().metadata().unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }

    #[test]
    fn an_incomplete_secret_is_replaced_and_a_complete_one_is_not() {
        for unfinished in ["", "\n", "\r\n", "5ec4e7"] {
            let folder = tempfile::tempdir().unwrap();
            let place = Place::Beside(folder.path().join("neuropod.db"));
            for name in ["jwt", "naming"] {
                let file = folder.path().join(format!("neuropod.db.{name}-secret"));
                fs::write(&file, unfinished).unwrap();
            }
            let first = open(&config::Secrets::default(), &place).unwrap();
            let second = open(&config::Secrets::default(), &place).unwrap();
            assert_eq!(first.jwt.expose_secret().len(), 64, "{unfinished:?}");
            assert_eq!(first.jwt.expose_secret(), second.jwt.expose_secret());
            assert_eq!(first.naming.expose_secret(), second.naming.expose_secret());
        }
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Beside(folder.path().join("neuropod.db"));
        let own = "a secret of the operator's own, long enough";
        fs::write(folder.path().join("neuropod.db.jwt-secret"), format!("{own}\n")).unwrap();
        let found = open(&config::Secrets::default(), &place).unwrap();
        assert_eq!(found.jwt.expose_secret(), own);
    }

    #[test]
    fn concurrent_starts_agree() {
        for unfinished in [None, Some(""), Some("5ec4e7")] {
            let folder = tempfile::tempdir().unwrap();
            let place = Place::Beside(folder.path().join("neuropod.db"));
            if let Some(text) = unfinished {
                fs::write(folder.path().join("neuropod.db.jwt-secret"), text).unwrap();
            }
            let found: Vec<_> = std::thread::scope(|scope| {
                let start = || open(&config::Secrets::default(), &place).unwrap().jwt;
                let all: Vec<_> = (0..16).map(|_| scope.spawn(start)).collect();
                all.into_iter().map(|one| one.join().unwrap()).collect()
            });
            for secret in &found {
                assert_eq!(secret.expose_secret(), found[0].expose_secret(), "{unfinished:?}");
            }
            let left = fs::read_dir(folder.path()).unwrap().count();
            assert_eq!(left, 2, "nothing but the two secrets");
        }
    }

    #[test]
    fn servers_on_a_shared_store_must_share_their_secrets() {
        let error = open(&config::Secrets::default(), &Place::Shared).unwrap_err();
        assert!(
            error.to_string().contains("NEUROPOD_SECRETS__JWT_FILE"),
            "{error}"
        );
    }

    #[test]
    fn short_and_empty_secrets_are_refused() {
        let short = config::Secrets {
            jwt: Some("short".into()),
            ..config::Secrets::default()
        };
        assert!(open(&short, &Place::Nowhere).is_err());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jwt");
        fs::write(&file, "\n").unwrap();
        let empty = config::Secrets {
            jwt_file: Some(file),
            ..config::Secrets::default()
        };
        assert!(open(&empty, &Place::Nowhere).is_err());
    }
}

//! The secrets of the server: given, or made once and kept beside the database.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use secrecy::{ExposeSecret, SecretString};

use crate::config;

/// Bytes that the secret for tokens has at least: as many as SHA-256 gives (RFC 7518, section 3.2).
const MIN_JWT_LEN: usize = 32;

/// The secrets of the server.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    /// Signs tokens.
    pub(crate) jwt: SecretString,
    /// The key of the hash in public names.
    pub(crate) naming: SecretString,
}

impl Secrets {
    /// The secrets that were given. What is missing is read from the files beside the database at `database`, or
    /// made and written there; without a database it holds until the process ends.
    ///
    /// # Errors
    /// A file that can't be read or written, and a secret that is too short.
    pub(crate) fn open(given: &config::Secrets, place: &Place) -> Result<Self> {
        let jwt = secret("jwt", given.jwt.as_ref(), given.jwt_file.as_deref(), place)?;
        let naming = secret(
            "naming",
            given.naming.as_ref(),
            given.naming_file.as_deref(),
            place,
        )?;
        ensure!(
            jwt.expose_secret().len() >= MIN_JWT_LEN,
            "secrets.jwt needs {MIN_JWT_LEN} bytes at least"
        );
        Ok(Self { jwt, naming })
    }
}

/// Where secrets are kept that were not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Beside this file.
    Beside(PathBuf),
    /// Nowhere: everything ends with the process.
    Nowhere,
    /// They have to be given: other servers use the same store.
    Shared,
}

fn secret(
    name: &str,
    given: Option<&SecretString>,
    file: Option<&Path>,
    place: &Place,
) -> Result<SecretString> {
    match (given, file, place) {
        (Some(_), Some(_), _) => bail!("secrets.{name} and secrets.{name}_file are both given"),
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
            keep(Path::new(&file)).with_context(|| format!("the secret in {}", Path::new(&file).display()))
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

/// The secret in a file, which is made if it is missing.
fn keep(file: &Path) -> Result<SecretString> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    match options.open(file) {
        Ok(mut created) => {
            let secret = random();
            created.write_all(secret.expose_secret().as_bytes())?;
            created.sync_all()?;
            Ok(secret)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(file),
        Err(error) => Err(error.into()),
    }
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
    fn what_is_made_is_there_the_next_time_and_for_nobody_else() {
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
    fn servers_that_share_a_store_are_told_to_share_their_secrets() {
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

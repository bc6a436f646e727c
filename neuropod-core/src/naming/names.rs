//! [`Naming`]: makes and parses names.

use std::collections::BTreeSet;
use std::fmt;

use super::domain;
use super::error::NamingError;
use super::hash::{Algorithm, UserHash};
use super::limits::{MAX_HOST_LEN, MAX_LABEL_LEN, MIN_KEY_LEN};
use super::scheme::Scheme;
use super::slug::{self, Slug};

/// First labels reserved for the platform itself.
const RESERVED: [&str; 4] = ["admin", "api", "app", "www"];

/// Makes and parses names. Two replicas with the same domain and key make the same names.
///
/// The domain and the key must never change in a deployment: another key gives every user another hash and so
/// other volumes and links.
#[derive(Clone)]
pub struct Naming {
    domain: String,
    scheme: Scheme,
    port: Option<u16>,
    algorithm: Algorithm,
    reserved: BTreeSet<String>,
}

impl Naming {
    /// Names with a keyed hash of the user id (BLAKE3, 50 bits in base32): a public link neither reveals nor
    /// confirms a user id to those without the key.
    ///
    /// 50 bits make collisions unlikely: two users share a hash with even odds at about 40 million users, while
    /// the 32 bits of [`legacy_md5`](Self::legacy_md5) reach that at 77,000.
    ///
    /// # Errors
    /// [`NamingError::Domain`]; [`NamingError::KeyTooShort`] under [`MIN_KEY_LEN`] bytes.
    pub fn new(domain: impl Into<String>, key: impl AsRef<[u8]>) -> Result<Self, NamingError> {
        let key = key.as_ref();
        if key.len() < MIN_KEY_LEN {
            return Err(NamingError::KeyTooShort(key.len()));
        }
        Self::with_algorithm(&domain.into(), Algorithm::keyed(key))
    }

    /// Names with the first 8 hexadecimal digits of the MD5 of the user id, for deployments that already have
    /// such names.
    ///
    /// Anybody who guesses a user id can check it against a public link, and two users share a hash with even
    /// odds at about 77,000 users: choose [`new`](Self::new) for everything else.
    ///
    /// ```
    /// use neuropod_core::naming::Naming;
    ///
    /// let naming = Naming::legacy_md5("pods.example.com")?;
    /// assert_eq!(naming.user_hash("1234").as_str(), "81dc9bdb");
    /// # Ok::<(), neuropod_core::naming::NamingError>(())
    /// ```
    ///
    /// # Errors
    /// [`NamingError::Domain`].
    pub fn legacy_md5(domain: impl Into<String>) -> Result<Self, NamingError> {
        Self::with_algorithm(&domain.into(), Algorithm::Md5)
    }

    fn with_algorithm(domain: &str, algorithm: Algorithm) -> Result<Self, NamingError> {
        let domain = domain::check(domain).map_err(NamingError::Domain)?;
        let reserved = RESERVED.iter().map(ToString::to_string).collect();
        Ok(Self {
            domain,
            scheme: Scheme::default(),
            port: None,
            algorithm,
            reserved,
        })
    }

    /// Sets the scheme of links.
    pub fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Sets the port of links, if pods are not reached at the scheme's own port.
    ///
    /// ```
    /// use neuropod_core::naming::{Naming, Scheme};
    ///
    /// let naming = Naming::new("pods.localhost", "a secret of at least 16 bytes")?;
    /// let naming = naming.with_scheme(Scheme::Http).with_port(3000);
    /// let (slug, hash) = (naming.slug("Training")?, naming.user_hash("ana"));
    /// let url = naming.url(&slug, &hash, 8888);
    /// assert_eq!(url, format!("http://training-{hash}-8888.pods.localhost:3000"));
    /// # Ok::<(), neuropod_core::naming::NamingError>(())
    /// ```
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Reserves further hosts, given by their first label or in full.
    ///
    /// `app`, `api`, `www`, `admin` and the domain itself are always reserved. No pod can have any of those,
    /// since a pod's host ends in hash and port. A host that does look like a pod's is reserved by refusing its
    /// slug: [`slug`](Self::slug) returns [`NamingError::Reserved`].
    pub fn with_reserved(mut self, hosts: impl IntoIterator<Item = String>) -> Self {
        let labels = hosts
            .into_iter()
            .map(|host| first_label(&host.to_ascii_lowercase()).to_owned());
        self.reserved.extend(labels);
        self
    }

    /// The domain below which all hosts are, in lower case.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Whether a host below the domain (or the domain itself) is the platform's own, never a pod's.
    pub fn is_reserved(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        host == self.domain
            || self
                .label_of(&host)
                .is_some_and(|label| self.reserved.contains(label))
    }

    /// The hash of a user id.
    pub fn user_hash(&self, user_id: &str) -> UserHash {
        self.algorithm.user_hash(user_id)
    }

    /// The slug of a pod's display name: letters of any script transliterated to `a-z`, everything else
    /// replaced by a hyphen; with the prefix `p-` if it would start with a digit or `xn-`.
    ///
    /// A slug of [`MAX_SLUG_LEN`](super::MAX_SLUG_LEN) characters or more is cut, and a digest of the full slug
    /// is added, so that two long names with a common start stay different. Any text is accepted; time is
    /// linear in its length.
    ///
    /// With [`legacy_md5`](Self::legacy_md5) a letter beyond ASCII becomes a hyphen, as in the existing
    /// backend: `Año 2` is `a-o-2`, not `ano-2`. A name that would be empty is transliterated.
    ///
    /// # Errors
    /// [`NamingError::Empty`] without any letter or digit; [`NamingError::Reserved`], see
    /// [`with_reserved`](Self::with_reserved).
    pub fn slug(&self, display_name: &str) -> Result<Slug, NamingError> {
        let digest = |whole: &str| self.algorithm.slug_digest(whole);
        let slug = match self.algorithm {
            Algorithm::Keyed(_) => slug::make(display_name, digest)?,
            Algorithm::Md5 => slug::make_legacy(display_name, digest)?,
        };
        let kept_back = |label: &String| self.parse_label(label).is_some_and(|(kept, ..)| kept == slug);
        if self.reserved.iter().any(kept_back) {
            Err(NamingError::Reserved)
        } else {
            Ok(slug)
        }
    }

    /// The slug with which a pod of the existing backend keeps its names.
    ///
    /// `text` is the display name, or the part before the user hash of a name in the cluster: in lower case,
    /// with a hyphen for every other character. Repeated and final hyphens stay.
    ///
    /// `None` if Kubernetes accepts none of these names for a Service of one of `ports` (RFC 1035: at most 63
    /// characters, starting with a letter), so that the pod can't have had them: use [`slug`](Self::slug)
    /// instead.
    ///
    /// ```
    /// use neuropod_core::naming::Naming;
    ///
    /// let naming = Naming::legacy_md5("pods.example.com")?;
    /// let slug = naming.kept_slug("Año  2!", &[8888]).expect("a name that Kubernetes takes");
    /// assert_eq!(slug.as_str(), "a-o--2-");
    /// assert_eq!(naming.pod(&slug, &naming.user_hash("1234")), "a-o--2--81dc9bdb");
    /// assert_eq!(naming.kept_slug("2 de mayo", &[8888]), None);
    /// # Ok::<(), neuropod_core::naming::NamingError>(())
    /// ```
    pub fn kept_slug(&self, text: &str, ports: &[u16]) -> Option<Slug> {
        let slug: Slug = slug::as_existing_backend(text).parse().ok()?;
        let port = ports.iter().copied().max().unwrap_or(u16::MAX);
        let host = slug.as_str().len() + "-".len() + self.algorithm.hash_len() + format!("-{port}").len();
        let fits =
            host + "-service".len() <= MAX_LABEL_LEN && host + ".".len() + self.domain.len() <= MAX_HOST_LEN;
        fits.then_some(slug)
    }

    /// The Pod: `<slug>-<hash>`.
    pub fn pod(&self, slug: &Slug, hash: &UserHash) -> String {
        format!("{slug}-{hash}")
    }

    /// The volume claim of a user with one claim for all pods: `workspace-<hash>`.
    pub fn workspace(&self, hash: &UserHash) -> String {
        format!("workspace-{hash}")
    }

    /// The volume claim of one pod: `workspace-<slug>-<hash>`.
    pub fn pod_workspace(&self, slug: &Slug, hash: &UserHash) -> String {
        format!("workspace-{slug}-{hash}")
    }

    /// The namespace of a user, if each has their own: `neuropod-<hash>`.
    pub fn namespace(&self, hash: &UserHash) -> String {
        format!("neuropod-{hash}")
    }

    /// The Secret with the pod's environment variables and its Jupyter token: `<slug>-<hash>-token`.
    pub fn token_secret(&self, slug: &Slug, hash: &UserHash) -> String {
        format!("{slug}-{hash}-token")
    }

    /// The Service of a port: `<slug>-<hash>-<port>-service`.
    pub fn service(&self, slug: &Slug, hash: &UserHash, port: u16) -> String {
        format!("{slug}-{hash}-{port}-service")
    }

    /// The Ingress of a port: `<slug>-<hash>-<port>-ingress`.
    pub fn ingress(&self, slug: &Slug, hash: &UserHash, port: u16) -> String {
        format!("{slug}-{hash}-{port}-ingress")
    }

    /// The public host of a port: `<slug>-<hash>-<port>.<domain>`.
    pub fn host(&self, slug: &Slug, hash: &UserHash, port: u16) -> String {
        format!("{slug}-{hash}-{port}.{}", self.domain)
    }

    /// The public link of a port, without a slash at the end: `https://<slug>-<hash>-<port>.<domain>`, followed
    /// by the port of [`with_port`](Self::with_port) unless it is the scheme's default.
    pub fn url(&self, slug: &Slug, hash: &UserHash, port: u16) -> String {
        let host = self.host(slug, hash, port);
        match self.port.filter(|port| *port != self.scheme.default_port()) {
            Some(link_port) => format!("{}://{host}:{link_port}", self.scheme),
            None => format!("{}://{host}", self.scheme),
        }
    }

    /// The slug, user hash and port of a host of this platform, ignoring case (RFC 4343).
    ///
    /// `None` for every other host, and for hosts with a port (`…:443`) or a final dot.
    pub fn parse_host(&self, host: &str) -> Option<(String, UserHash, u16)> {
        if host.len() > MAX_HOST_LEN {
            return None;
        }
        let host = host.to_ascii_lowercase();
        let (slug, hash, port) = self.parse_label(self.label_of(&host)?)?;
        Some((slug.into(), hash, port))
    }

    /// The part of a lower-case host before the domain.
    fn label_of<'a>(&self, host: &'a str) -> Option<&'a str> {
        host.strip_suffix(self.domain.as_str())?.strip_suffix('.')
    }

    fn parse_label(&self, label: &str) -> Option<(Slug, UserHash, u16)> {
        // From the right: port and hash have no hyphens, the slug may.
        let (rest, port) = label.rsplit_once('-')?;
        let (slug, hash) = rest.rsplit_once('-')?;
        let slug: Slug = slug.parse().ok()?;
        // Only migrated deployments have slugs of another form.
        if !slug.is_made() && matches!(self.algorithm, Algorithm::Keyed(_)) {
            return None;
        }
        let hash = (hash.len() == self.algorithm.hash_len()).then(|| hash.parse().ok())??;
        Some((slug, hash, parse_port(port)?))
    }
}

/// Shows neither the key nor anything derived from it.
impl fmt::Debug for Naming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Naming")
            .field("domain", &self.domain)
            .field("scheme", &self.scheme)
            .field("port", &self.port)
            .field("reserved", &self.reserved)
            .finish_non_exhaustive()
    }
}

/// The display name as in the existing backend's object names: lower case, and a hyphen for every UTF-16 unit
/// that is not `a-z`, `0-9` or hyphen. Kubernetes does not accept every result: see [`Naming::kept_slug`].
pub fn existing_label(display_name: &str) -> String {
    slug::as_existing_backend(display_name)
}

fn first_label(host: &str) -> &str {
    host.split('.').next().unwrap_or_default()
}

/// A port as [`Naming::host`] writes it: 1 to 65535, without sign and leading zeros.
fn parse_port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    plain.then(|| text.parse().ok())?
}

//! The source of every public name: objects in the cluster, host names, links.
//!
//! | object | name | at most |
//! |---|---|---|
//! | Pod | `<slug>-<hash>` | 49 |
//! | volume claim, one per user | `workspace-<hash>` | 20 |
//! | volume claim, one per pod | `workspace-<slug>-<hash>` | 59 |
//! | namespace, one per user | `neuropod-<hash>` | 19 |
//! | Secret of the Jupyter token | `<slug>-<hash>-token` | 55 |
//! | Service | `<slug>-<hash>-<port>-service` | 63 |
//! | Ingress | `<slug>-<hash>-<port>-ingress` | 63 |
//! | host | `<slug>-<hash>-<port>.<domain>` | 55 in the first label, 253 whole |
//!
//! All of them are DNS labels as in RFC 1035 (at most 63 of `a-z`, `0-9` and inner hyphens, starting with a
//! letter), the strictest form that Kubernetes requires anywhere, so each also serves as a label value. The
//! variable parts of a host are in its first label, because a wildcard certificate covers only one label.
//!
//! From the left a text can be split in several ways (`a-b` + `c`, `a` + `b-c`), but from the right in only
//! one, because port and hash have fixed forms without hyphens. So two different (slug, hash, port) never share
//! a name, and a name made to look like someone else's host (`alice-k3j5qzx2ab-8888`) is only a slug.
//!
//! ```
//! use neuropod_core::naming::Naming;
//!
//! let naming = Naming::new("pods.example.com", "a secret of at least 16 bytes")?;
//! let hash = naming.user_hash("64f1c0ffee");
//! let slug = naming.slug("Árbol de Ana")?;
//! assert_eq!(slug.as_str(), "arbol-de-ana");
//! assert_eq!(naming.service(&slug, &hash, 8888), format!("arbol-de-ana-{hash}-8888-service"));
//! let host = naming.host(&slug, &hash, 8888);
//! assert_eq!(host, format!("arbol-de-ana-{hash}-8888.pods.example.com"));
//! assert_eq!(naming.parse_host(&host), Some(("arbol-de-ana".to_owned(), hash, 8888)));
//! # Ok::<(), neuropod_core::naming::NamingError>(())
//! ```

mod domain;
mod error;
mod hash;
mod limits;
mod names;
mod scheme;
mod slug;
#[cfg(test)]
mod tests;

pub use self::{
    error::{DomainProblem, NamingError},
    hash::UserHash,
    limits::{MAX_DOMAIN_LEN, MAX_HOST_LEN, MAX_KEPT_SLUG_LEN, MAX_LABEL_LEN, MAX_SLUG_LEN, MIN_KEY_LEN},
    names::{Naming, existing_label},
    scheme::Scheme,
    slug::Slug,
};

//! The maximum lengths of the parts of a name.

/// Characters of a keyed hash or digest: 10 characters of base32 are 50 bits.
///
/// Among *n* users a collision has even odds at about 1.18·√(2^bits) users: 77,000 for 32 bits, 40 million for
/// 50 bits.
pub(super) const KEYED_LEN: usize = 10;
/// Characters of a legacy hash: 8 hexadecimal digits are 32 bits.
pub(super) const MD5_LEN: usize = 8;

/// Octets in a DNS label (RFC 1035), a Service name and a Kubernetes label value.
pub const MAX_LABEL_LEN: usize = 63;
/// Characters in a whole host name, without the final dot.
pub const MAX_HOST_LEN: usize = 253;
/// Characters in a [`Slug`](super::Slug): the rest of a Service name beside the hash, a port of five digits and
/// its suffix.
pub const MAX_SLUG_LEN: usize = MAX_LABEL_LEN - "-".len() - KEYED_LEN - "-65535-service".len();
/// Characters in the [`Slug`](super::Slug) of a migrated pod: the rest of a Service name beside a hash of
/// [`Naming::legacy_md5`](super::Naming::legacy_md5), a port of one digit and its suffix.
pub const MAX_KEPT_SLUG_LEN: usize = MAX_LABEL_LEN - "-".len() - MD5_LEN - "-1-service".len();
/// Characters in the domain: the rest of a host name beside the longest first label and its dot.
pub const MAX_DOMAIN_LEN: usize =
    MAX_HOST_LEN - (MAX_SLUG_LEN + "-".len() + KEYED_LEN + "-65535".len()) - ".".len();
/// The minimum length of the key of [`Naming::new`](super::Naming::new) in bytes: 128 bits, if chosen at
/// random.
pub const MIN_KEY_LEN: usize = 16;

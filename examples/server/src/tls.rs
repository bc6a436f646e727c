//! The TLS library.

/// Selects ring as the provider of rustls.
pub(crate) fn use_ring() {
    // Another part of the process may have selected it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

//! Which library does TLS.

/// Lets TLS be done by ring: rustls wants to be told.
pub(crate) fn use_ring() {
    // Another part of the process may have said so already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

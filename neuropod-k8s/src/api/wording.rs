//! The words of admission plug-ins, webhooks and proxies, for details that a status code does not show.

/// `admission webhook "…" denied the request: …`, with whatever code the webhook chose.
pub(super) fn is_denied_by_webhook(text: &str) -> bool {
    text.contains("admission webhook") && text.contains("denied the request")
}

/// The range of Service addresses is used up. Each port of each pod takes one.
pub(super) fn is_out_of_addresses(text: &str) -> bool {
    text.contains("failed to allocate a serviceIP")
}

/// The namespace was created a moment ago, and controllers have not prepared it yet.
pub(super) fn is_young_namespace(text: &str) -> bool {
    text.contains("error looking up service account") || text.contains("status unknown for quota")
}

/// An HTML page. The API server never sends one, so it comes from a proxy.
pub(super) fn is_page(text: &str) -> bool {
    let text = text.trim_start().to_ascii_lowercase();
    text.starts_with("<!doctype") || text.starts_with("<html") || text.starts_with("<head")
}

/// The class that the admission plug-in `RuntimeClass` did not find.
pub(super) fn missing_runtime_class(text: &str) -> Option<&str> {
    let (class, _) = text.split_once("RuntimeClass \"")?.1.split_once("\" not found")?;
    Some(class)
}

/// The words of the admission plug-ins `ResourceQuota` and `LimitRanger`.
pub(super) fn is_over_limit(text: &str) -> bool {
    text.contains("exceeded quota")
        || text.contains("insufficient quota")
        || text.contains("limit to request ratio per ")
        || ["maximum ", "minimum "]
            .iter()
            .any(|bound| text.contains(bound) && text.contains(" usage per "))
}

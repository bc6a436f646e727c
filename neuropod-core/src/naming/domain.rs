use super::error::DomainProblem;
use super::limits::{MAX_DOMAIN_LEN, MAX_LABEL_LEN};

/// Checks a domain and returns it in lower case, as Kubernetes requires for the hosts of an Ingress.
pub(super) fn check(domain: &str) -> Result<String, DomainProblem> {
    if domain.len() > MAX_DOMAIN_LEN {
        return Err(DomainProblem::TooLong);
    }
    let domain = domain.to_ascii_lowercase();
    let mut last = "";
    for label in domain.split('.') {
        check_label(label)?;
        last = label;
    }
    // No top-level domain is all digits (RFC 3696 section 2); browsers take such a host for an IP address.
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DomainProblem::IpAddress);
    }
    Ok(domain)
}

fn check_label(label: &str) -> Result<(), DomainProblem> {
    if label.is_empty() {
        return Err(DomainProblem::EmptyLabel);
    }
    if label.len() > MAX_LABEL_LEN {
        return Err(DomainProblem::LabelTooLong);
    }
    let allowed = label
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !allowed || label.starts_with('-') || label.ends_with('-') {
        return Err(DomainProblem::InvalidLabel);
    }
    Ok(())
}

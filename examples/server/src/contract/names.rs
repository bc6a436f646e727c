//! The names of fields on the wire and in the library.

/// The names that differ: in the library, and on the wire.
const NAMES: [(&str, &str); 7] = [
    ("image", "dockerImage"),
    ("disk_gb", "containerDiskSize"),
    ("volume_gb", "volumeDiskSize"),
    ("mount_path", "volumePath"),
    ("assign_to", "assignToUser"),
    ("daily_cap", "dailyCap"),
    ("idempotency_key", "idempotencyKey"),
];

/// The name of a field on the wire.
pub(crate) fn wire_name(field: &'static str) -> &'static str {
    let found = NAMES.iter().find(|(domain, _)| *domain == field);
    found.map_or(field, |(_, wire)| wire)
}

/// The name of a field in the library.
pub(crate) fn domain_name(field: &'static str) -> &'static str {
    let found = NAMES.iter().find(|(_, wire)| *wire == field);
    found.map_or(field, |(domain, _)| domain)
}

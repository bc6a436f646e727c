//! The required shape of replies.

use serde_json::Value;

/// Checks that an object has these fields, each of one of its types: `text`, `number`, `bool`, `list`,
/// `object`, `time`, `date` or `null`, separated by `|`. More fields are allowed, because the contract may add
/// some.
#[track_caller]
pub(crate) fn has(value: &Value, fields: &[(&str, &str)]) {
    for (field, types) in fields {
        let found = value
            .get(field)
            .unwrap_or_else(|| panic!("`{field}` is missing in {value:#}"));
        let fits = types.split('|').any(|kind| is(found, kind));
        assert!(fits, "`{field}` is no {types}: {found}");
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "text" => value.is_string(),
        "number" => value.is_number(),
        "bool" => value.is_boolean(),
        "list" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        "date" => value
            .as_str()
            .is_some_and(|text| text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()),
        "time" => value
            .as_str()
            .is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
        other => panic!("no type: {other}"),
    }
}

pub(crate) const USER: &[(&str, &str)] = &[
    ("id", "text"),
    ("email", "text"),
    ("name", "text"),
    ("role", "text"),
    ("balance", "number|text"),
    ("registrationDate", "date"),
    ("registeredAt", "time"),
    ("activePods", "number"),
    ("totalPods", "number"),
    ("status", "text"),
];

pub(crate) const POD: &[(&str, &str)] = &[
    ("podId", "text"),
    ("podName", "text"),
    ("userId", "text"),
    ("userHash", "text"),
    ("createdBy", "text"),
    ("deploymentType", "text"),
    ("dockerImage", "text"),
    ("gpu", "text"),
    ("containerDiskSize", "number"),
    ("volumeDiskSize", "number"),
    ("enableJupyter", "bool"),
    ("status", "text"),
    ("httpServices", "list"),
    ("tcpServices", "list"),
    ("createdAt", "time"),
    ("lastActive", "time"),
    ("kubernetesResources", "object"),
    ("stats", "object"),
    ("step", "text"),
    ("reason", "object|null"),
    ("costPerHour", "number"),
    ("costStopped", "number"),
    ("totalCost", "number"),
    ("startedAt", "time|null"),
    ("desired", "text"),
    ("volumeDeletedAt", "time|null"),
];

pub(crate) const HTTP_SERVICE: &[(&str, &str)] = &[
    ("port", "number"),
    ("serviceName", "text"),
    ("url", "text"),
    ("isCustom", "bool"),
    ("status", "text"),
    ("kubernetesServiceName", "text"),
    ("kubernetesIngressName", "text"),
];

pub(crate) const STATS: &[(&str, &str)] = &[
    ("cpuUsage", "number"),
    ("memoryUsage", "number"),
    ("gpuUsage", "number"),
    ("uptime", "number"),
    ("lastUpdated", "time"),
    ("known", "object"),
];

pub(crate) const TCP_SERVICE: &[(&str, &str)] = &[
    ("port", "number"),
    ("serviceName", "text"),
    ("url", "text"),
    ("isCustom", "bool"),
    ("status", "text"),
];

pub(crate) const CREATED: &[(&str, &str)] = &[
    ("podId", "text"),
    ("podName", "text"),
    ("userEmail", "text"),
    ("status", "text"),
    ("gpu", "text"),
    ("containerDiskSize", "number"),
    ("volumeDiskSize", "number"),
    ("createdBy", "text"),
    ("pod", "object"),
    ("timestamp", "time"),
];

pub(crate) const UPDATE: &[(&str, &str)] = &[
    ("podId", "text"),
    ("status", "text"),
    ("stats", "object"),
    ("httpServices", "list"),
    ("tcpServices", "list"),
    ("timestamp", "time"),
];

pub(crate) const TEMPLATE: &[(&str, &str)] = &[
    ("_id", "text"),
    ("id", "text"),
    ("name", "text"),
    ("dockerImage", "text"),
    ("httpPorts", "list"),
    ("tcpPorts", "list"),
    ("containerDiskSize", "number"),
    ("volumeDiskSize", "number"),
    ("volumePath", "text"),
    ("description", "text"),
    ("createdAt", "time"),
];

/// Checks figures: numbers that a page can show without conversion.
#[track_caller]
pub(crate) fn is_stats(stats: &Value) {
    has(stats, STATS);
    for (name, figure) in [
        ("cpu", "cpuUsage"),
        ("memory", "memoryUsage"),
        ("gpu", "gpuUsage"),
    ] {
        has(&stats["known"], &[(name, "bool")]);
        let percent = stats[figure].as_f64().unwrap();
        assert!((0.0..=100.0).contains(&percent), "{stats}");
        assert!(stats["known"][name] == true || percent == 0.0, "{stats}");
    }
}

/// Checks an update with all its fields.
#[track_caller]
pub(crate) fn is_update(update: &Value) {
    has(update, UPDATE);
    is_stats(&update["stats"]);
    for service in update["httpServices"].as_array().unwrap() {
        has(service, HTTP_SERVICE);
    }
    for service in update["tcpServices"].as_array().unwrap() {
        has(service, TCP_SERVICE);
    }
}

/// An update without the fields that change with time, by which consecutive updates may differ.
pub(crate) fn without_time(mut update: Value) -> Value {
    update["timestamp"].take();
    for stats in ["/stats", "/pod/stats"] {
        if let Some(stats) = update.pointer_mut(stats) {
            stats["lastUpdated"].take();
            stats["uptime"].take();
        }
    }
    update
}

/// Checks a pod with all its fields.
#[track_caller]
pub(crate) fn is_pod(pod: &Value) {
    has(pod, POD);
    is_stats(&pod["stats"]);
    let names = [("podName", "text"), ("pvcName", "text"), ("namespace", "text")];
    has(&pod["kubernetesResources"], &names);
    for service in pod["httpServices"].as_array().unwrap() {
        has(service, HTTP_SERVICE);
    }
    for service in pod["tcpServices"].as_array().unwrap() {
        has(service, TCP_SERVICE);
    }
    let id = pod["podId"].as_str().unwrap();
    let is_hex = id
        .chars()
        .all(|digit| digit.is_ascii_digit() || ('a'..='f').contains(&digit));
    assert!(id.len() == 16 && is_hex, "{id}");
}

//! Parses the messages of quotas and limits that refuse a pod or a volume: those of the admission plug-ins
//! `ResourceQuota` and `LimitRanger`, and of webhooks and policies with the same purpose (Capsule, hierarchical
//! quotas, Gatekeeper).

use super::{Reason, ReasonCode};
use crate::cluster::gpus::is_accelerator;

/// The reason why a quota or a limit refuses an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A quota is used up, for this resource if it is known.
    UsedUp(Option<Counted>),
    /// A pod, container or volume may not have this size: it has too much or too little of this resource.
    Size(Option<Counted>),
    /// The quota or limit requires a setting that the platform does not set.
    Unset,
}

/// A resource that a quota counts, or a limit measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    Gpus,
    Memory,
    Processors,
    Storage,
    Disk,
    Pods,
}

impl Counted {
    /// The most helpful ones first, because a message may name several.
    const ALL: [Self; 6] = [
        Self::Gpus,
        Self::Memory,
        Self::Processors,
        Self::Storage,
        Self::Disk,
        Self::Pods,
    ];

    /// The kind of a resource in the notation of a `ResourceQuota` (`requests.nvidia.com/gpu`, `limits.memory`,
    /// `count/pods`), of a `LimitRange`, or of a person.
    fn of(resource: &str) -> Option<Self> {
        let name = resource.to_lowercase();
        let plain = name.rsplit('.').next().unwrap_or_default();
        if name.contains("ephemeral") {
            Some(Self::Disk)
        } else if name.contains("storage") || name.contains("persistentvolumeclaim") {
            Some(Self::Storage)
        } else if is_accelerator(&name) || name.contains("deviceclass.resource.") {
            Some(Self::Gpus)
        } else {
            match plain {
                "gpu" | "gpus" => Some(Self::Gpus),
                "memory" => Some(Self::Memory),
                "cpu" | "cpus" => Some(Self::Processors),
                "pods" | "count/pods" => Some(Self::Pods),
                _ => None,
            }
        }
    }

    fn first(resources: &[&str]) -> Option<Self> {
        let found: Vec<_> = resources.iter().copied().filter_map(Self::of).collect();
        Self::ALL.into_iter().find(|counted| found.contains(counted))
    }
}

impl Refusal {
    /// The refusal in a message of the cluster; `None` if it is not about quotas or limits.
    pub(crate) fn read(text: &str) -> Option<Self> {
        // The error's own suffix is about the request, and its beginning is about the object.
        let said = text.rsplit_once(" (request: ").map_or(text, |(said, _)| said);
        let said = said.split_once(" is forbidden: ").map_or(said, |(_, said)| said);
        // The names of webhooks and policies have no meaning.
        let denied = ["denied the request:", "denied request:"]
            .into_iter()
            .find_map(|words| Some(said.split_once(words)?.1));
        let words = denied.unwrap_or(said).to_lowercase();
        if is_unset(&words) {
            return Some(Self::Unset);
        }
        if let Some(resources) = sized(&words) {
            return Some(Self::Size(Counted::first(&resources)));
        }
        let used_up = is_quota(&words) || (denied.is_some() && is_quota_of_webhook(&words));
        used_up.then(|| Self::UsedUp(Counted::first(&requested(&words))))
    }
}

impl Reason {
    /// The refusal by a quota or limit of the cluster, if that is the reason.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let may_be = matches!(
            self.cause(),
            ReasonCode::QuotaExceeded | ReasonCode::Rejected | ReasonCode::ClusterSetup
        );
        may_be.then(|| Refusal::read(&self.detail))?
    }
}

/// `failed quota: a: must specify limits.cpu for: main`, `maximum cpu usage per Pod is 4.  No limit is
/// specified`, and Gatekeeper's messages.
fn is_unset(words: &str) -> bool {
    let has = |part: &str| words.contains(part);
    (has("failed quota") && has("must specify "))
        || has("no limit is specified")
        || has("no request is specified")
        || ["cpu", "memory", "ephemeral-storage", "resource"]
            .iter()
            .any(|of| has(&format!("has no {of} limit")) || has(&format!("has no {of} request")))
}

/// The resources of which one object has too much or too little; `None` if the message is about something else.
fn sized(words: &str) -> Option<Vec<&str>> {
    let before = |separator| {
        let parts: Vec<_> = words.split(separator).collect();
        let last_words = parts.split_last().map_or(&[][..], |(_, before)| before);
        let names = last_words
            .iter()
            .filter_map(|part| part.split_whitespace().next_back());
        names
            .map(|name| name.trim_matches(['[', '"', '<']))
            .collect::<Vec<_>>()
    };
    let bounds = if words.contains("maximum ") || words.contains("minimum ") {
        before(" usage per ")
    } else {
        Vec::new()
    };
    let ratios = before(" max limit to request ratio per ");
    let by_policy = [
        "higher than the maximum allowed",
        "exceeds the maximum allowed",
        "greater than the maximum allowed",
    ];
    let found = [bounds, ratios].concat();
    if !found.is_empty() {
        return Some(found);
    }
    // Other properties have a maximum too, such as the length of a name.
    let all: Vec<_> = tokens(words).collect();
    let is_too_much = by_policy.iter().any(|part| words.contains(part));
    (is_too_much && Counted::first(&all).is_some()).then_some(all)
}

/// The words of the plug-in itself, and of others modelled on it.
fn is_quota(words: &str) -> bool {
    [
        "exceeded quota",
        "exceeded hierarchical quota",
        "insufficient quota",
    ]
    .iter()
    .any(|part| words.contains(part))
}

/// The words of webhooks' authors.
fn is_quota_of_webhook(words: &str) -> bool {
    let full = [
        "exceed",
        "reached",
        "insufficient",
        "not enough",
        "used up",
        "exhausted",
        "out of quota",
        "over quota",
    ];
    // A webhook that could not be reached is a different failure.
    let is_asked = !["deadline exceeded", "timed out", "permission"]
        .iter()
        .any(|part| words.contains(part));
    let is_full = || full.iter().any(|part| words.contains(part));
    (words.contains("quota") && is_asked && is_full())
        || words.contains("limit would be exceeded")
        || (words.contains("limit of ") && words.contains("would be exceeded"))
}

/// The requested resources: the words after each `requested:`, or all words without it.
fn requested(words: &str) -> Vec<&str> {
    let lists = words.split("requested:").skip(1);
    let lists: Vec<_> = lists
        .map(|list| list.split(", used:").next().unwrap_or_default())
        .collect();
    if lists.is_empty() {
        return tokens(words).collect();
    }
    let pairs = lists.into_iter().flat_map(|list| list.split(','));
    pairs
        .filter_map(|pair| pair.split('=').next())
        .map(str::trim)
        .collect()
}

/// Words that may be names of resources.
fn tokens(words: &str) -> impl Iterator<Item = &str> {
    let is_between = |c: char| c.is_whitespace() || ",:;=()[]<>\"'".contains(c);
    words
        .split(is_between)
        .map(|word| word.trim_matches('.'))
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests;

//! What quotas and limits of a cluster say when they refuse a pod or a volume: the words of the admission plug-ins
//! `ResourceQuota` and `LimitRanger`, and of webhooks and policies that do the same (Capsule, hierarchical quotas,
//! Gatekeeper).

use super::{Reason, ReasonCode};
use crate::cluster::gpus::is_accelerator;

/// Why a quota or a limit refuses something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A quota is used up: that of this, where it is known.
    UsedUp(Option<Counted>),
    /// One pod, container or volume may not be of this size: it has too much of this, or too little.
    Size(Option<Counted>),
    /// The quota or limit asks for something that the platform does not say.
    Unset,
}

/// What a quota counts, or a limit measures.
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
    /// Those that say most to an owner come first: one answer may name several.
    const ALL: [Self; 6] = [
        Self::Gpus,
        Self::Memory,
        Self::Processors,
        Self::Storage,
        Self::Disk,
        Self::Pods,
    ];

    /// What a resource is, as a `ResourceQuota` (`requests.nvidia.com/gpu`, `limits.memory`, `count/pods`), a `LimitRange`
    /// or a person calls it.
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
    /// What a refusal of the cluster says of quotas and limits; `None`: nothing.
    pub(crate) fn read(text: &str) -> Option<Self> {
        // What the error itself adds is about the request, and what comes first is about the object.
        let said = text.rsplit_once(" (request: ").map_or(text, |(said, _)| said);
        let said = said.split_once(" is forbidden: ").map_or(said, |(_, said)| said);
        // The names of webhooks and policies say nothing.
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
    /// What a quota or limit of the cluster said, where this is the reason.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let may_be = matches!(
            self.cause(),
            ReasonCode::QuotaExceeded | ReasonCode::Rejected | ReasonCode::ClusterSetup
        );
        may_be.then(|| Refusal::read(&self.detail))?
    }
}

/// `failed quota: a: must specify limits.cpu for: main`, `maximum cpu usage per Pod is 4.  No limit is specified`,
/// and what Gatekeeper says.
fn is_unset(words: &str) -> bool {
    let has = |part: &str| words.contains(part);
    (has("failed quota") && has("must specify "))
        || has("no limit is specified")
        || has("no request is specified")
        || ["cpu", "memory", "ephemeral-storage", "resource"]
            .iter()
            .any(|of| has(&format!("has no {of} limit")) || has(&format!("has no {of} request")))
}

/// The resources of which there is too much or too little for one object; `None`: that is not what it says.
fn sized(words: &str) -> Option<Vec<&str>> {
    let before = |mark| {
        let parts: Vec<_> = words.split(mark).collect();
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
    // Other things have a maximum too, such as the length of a name.
    let all: Vec<_> = tokens(words).collect();
    let is_too_much = by_policy.iter().any(|part| words.contains(part));
    (is_too_much && Counted::first(&all).is_some()).then_some(all)
}

/// The words of the plug-in itself, and of those that were written after it.
fn is_quota(words: &str) -> bool {
    [
        "exceeded quota",
        "exceeded hierarchical quota",
        "insufficient quota",
    ]
    .iter()
    .any(|part| words.contains(part))
}

/// In the words of whoever wrote the webhook.
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
    // That it could not be asked is another matter.
    let is_asked = !["deadline exceeded", "timed out", "permission"]
        .iter()
        .any(|part| words.contains(part));
    let is_full = || full.iter().any(|part| words.contains(part));
    (words.contains("quota") && is_asked && is_full())
        || words.contains("limit would be exceeded")
        || (words.contains("limit of ") && words.contains("would be exceeded"))
}

/// The resources that were asked for: what follows each `requested:`, or all words where there is none.
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

/// Words that may be the names of resources.
fn tokens(words: &str) -> impl Iterator<Item = &str> {
    let is_between = |c: char| c.is_whitespace() || ",:;=()[]<>\"'".contains(c);
    words
        .split(is_between)
        .map(|word| word.trim_matches('.'))
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests;

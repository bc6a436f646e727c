//! Makes documents fit beside each other: what is unique gets another value, and that is told.

use std::collections::{BTreeMap, BTreeSet};

use neuropod_core::naming::{Slug, existing_label};
use neuropod_core::{Naming, Pod, PodId, Template, User, UserId};

use super::finding::Oddity;
use super::item::Item;
use super::pod::id_from;
use super::user::{Account, placeholder};
use crate::input::folded;

/// Addresses are unique, whatever their case. The one that is in lower case already is the one that people sign in with;
/// else the oldest keeps it.
pub(super) fn users(items: &mut [Item<(User, Account)>], others: &[User]) {
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for user in others
        .iter()
        .chain(items.iter().filter_map(Item::done).map(|(user, _)| user))
    {
        taken.insert(folded(&user.email), user.id.to_string());
    }
    for lower_case in [true, false] {
        for item in items.iter_mut() {
            let Some((user, _)) = item.taken_mut() else {
                continue;
            };
            let key = folded(&user.email);
            if (key == user.email) != lower_case {
                continue;
            }
            let Some(by) = taken.get(&key) else {
                taken.insert(key, user.id.to_string());
                continue;
            };
            let was = user.email.clone();
            let now = placeholder(user.id.as_str());
            let oddity = Oddity::AddressTaken {
                was: was.clone(),
                by: by.clone(),
                now: now.clone(),
            };
            // Who they are stays readable.
            if user.name != was {
                user.name = format!("{} ({was})", user.name);
            }
            user.email.clone_from(&now);
            taken.insert(folded(&now), user.id.to_string());
            item.tell(oddity);
        }
    }
}

/// Names of templates are unique, whatever their case.
pub(super) fn templates(items: &mut [Item<Template>], others: &[Template]) {
    let done = items.iter().filter_map(Item::done);
    let mut taken: BTreeSet<String> = others
        .iter()
        .chain(done)
        .map(|template| folded(&template.name))
        .collect();
    for item in items {
        let Some(template) = item.taken_mut() else {
            continue;
        };
        if taken.insert(folded(&template.name)) {
            continue;
        }
        let was = template.name.clone();
        let free = (2_u32..).map(|number| format!("{was} ({number})"));
        let Some(now) = free.into_iter().find(|name| !taken.contains(&folded(name))) else {
            continue;
        };
        taken.insert(folded(&now));
        template.name.clone_from(&now);
        item.tell(Oddity::TemplateTaken { was, now });
    }
}

/// Ids of pods are unique, and so are their names in the cluster: slug and hash together, and the slug for each owner. Of
/// several pods whose records say the same, the one that is called so keeps the names.
pub(super) fn pods(items: &mut [Item<Pod>], others: &[Pod], naming: &Naming) {
    let mut taken = Taken::default();
    for pod in others.iter().chain(items.iter().filter_map(Item::done)) {
        taken.ids.insert(pod.id.clone());
        taken.is_free(pod, &pod.slug);
    }
    let is_called_so = |item: &Item<Pod>| {
        item.value()
            .is_some_and(|pod| existing_label(&pod.name) == pod.slug.as_str())
    };
    let (mut items, others): (Vec<_>, Vec<_>) = items.iter_mut().partition(|item| is_called_so(item));
    items.extend(others);
    for item in items {
        let document = item.id.clone();
        let Some(pod) = item.taken_mut() else { continue };
        for oddity in taken.fit(pod, &document, naming) {
            item.tell(oddity);
        }
    }
}

/// What pods have taken.
#[derive(Default)]
struct Taken {
    ids: BTreeSet<PodId>,
    /// Slugs and hashes of owners.
    names: BTreeSet<(String, String)>,
    /// Owners and slugs.
    slugs: BTreeSet<(UserId, String)>,
}

impl Taken {
    /// Whether the pod can have this slug; then it is taken.
    fn is_free(&mut self, pod: &Pod, slug: &Slug) -> bool {
        let name = (slug.to_string(), pod.owner_hash.to_string());
        let slug = (pod.owner.clone(), slug.to_string());
        let free = !self.names.contains(&name) && !self.slugs.contains(&slug);
        free && self.names.insert(name) && self.slugs.insert(slug)
    }

    /// Gives a pod what nobody else has. `document`: the `_id` of its document.
    fn fit(&mut self, pod: &mut Pod, document: &str, naming: &Naming) -> Vec<Oddity> {
        let mut told = Vec::new();
        if !self.ids.insert(pod.id.clone()) {
            let was = pod.id.to_string();
            pod.id = id_from(document);
            self.ids.insert(pod.id.clone());
            told.push(Oddity::PodIdReplaced {
                was,
                now: pod.id.clone(),
            });
        }
        if self.is_free(pod, &pod.slug) {
            return told;
        }
        let was = naming.pod(&pod.slug, &pod.owner_hash);
        let ports: Vec<_> = pod.options.ports().iter().map(|port| port.number).collect();
        let start: String = pod.slug.as_str().chars().take(30).collect();
        let start = start.trim_end_matches('-');
        // One of them is free: there are not that many pods.
        let numbered = (2_u64..).filter_map(|number| format!("{start}-{number}").parse().ok());
        let mut other = naming.kept_slug(&pod.name, &ports).into_iter().chain(numbered);
        if let Some(slug) = other.find(|slug| self.is_free(pod, slug)) {
            pod.slug = slug;
        }
        told.push(Oddity::NameTaken {
            was,
            now: naming.pod(&pod.slug, &pod.owner_hash),
        });
        told
    }
}

//! Pods, with the names that they have in the cluster.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use mongodb::bson::Document;
use neuropod_core::cluster::catalogue::NO_GPU;
use neuropod_core::cluster::observation::Step;
use neuropod_core::money::meter::{HoldState, Meter, Price};
use neuropod_core::naming::{Slug, UserHash, existing_label};
use neuropod_core::pod::options::DEFAULT_MOUNT_PATH;
use neuropod_core::pod::{Desired, ImageReference, Jupyter, Limits, Login, Port};
use neuropod_core::token::TokenState;
use neuropod_core::{AccessToken, Money, Naming, Pod, PodId, PodOptions, Status, Template, UserId};

use super::finding::Oddity;
use super::old::{Old, OldPort, shown};
use super::template::{CONTAINER_DISK_GB, VOLUME_DISK_GB};

/// The context for reading a pod.
pub(super) struct Context<'a> {
    pub(super) naming: &'a Naming,
    pub(super) templates: BTreeMap<String, &'a Template>,
    /// Users who are migrated now or were before.
    pub(super) users: BTreeSet<UserId>,
    pub(super) now: Timestamp,
}

/// Reads a pod. It is stopped, because the platform does not know its running container.
pub(super) fn read(old: &mut Old<'_>, context: &Context<'_>) -> Option<Pod> {
    let naming = context.naming;
    let resources = old.document().get_document("kubernetesResources").ok();
    let in_cluster = |field: &str| resources.and_then(|resources| text(resources, field));
    let owner = old.reference("userId").map(UserId::new);
    let Some(owner) = owner.filter(|owner| context.users.contains(owner)) else {
        let was = shown(old.get("userId"));
        return old.reject(Oddity::NoOwner {
            was,
            volume: in_cluster("pvcName"),
        });
    };
    let template = old.reference("templateId");
    let known_template = template
        .as_ref()
        .and_then(|id| context.templates.get(id).copied());
    let image = image(old, known_template, in_cluster("pvcName"))?;
    let id = id(old);
    let hash = old.text("userHash").and_then(|hash| hash.parse().ok());
    let owner_hash = hash.unwrap_or_else(|| naming.user_hash(owner.as_str()));
    let services = old.ports("httpServices");
    let name = old.text("podName").unwrap_or_else(|| id.to_string());
    let slug = slug(old, &name, &id, &owner_hash, &services, naming)?;
    links(old, &slug, &owner_hash, &services, naming);
    let gpu = old.text("gpu").unwrap_or_else(|| {
        old.report(Oddity::NoGpu);
        NO_GPU.to_owned()
    });
    let limits = Limits::default();
    let proposed = known_template.map(|template| &template.options);
    let sizes = known_template.map_or((CONTAINER_DISK_GB, VOLUME_DISK_GB), |template| {
        (template.options.disk_gb(), template.options.volume_gb())
    });
    // The default of the existing backend.
    let jupyter = if old.flag("enableJupyter").unwrap_or(true) {
        let of_template = proposed.and_then(|options| options.jupyter.clone());
        of_template.unwrap_or(Jupyter::Generated)
    } else {
        Jupyter::Off
    };
    let token = services
        .iter()
        .find_map(|service| text(service.document, "jupyterToken"));
    let active_at = old.time(&["lastActive", "createdAt"], context.now);
    Some(Pod {
        id,
        version: 1,
        created_by: old
            .reference("createdBy")
            .map_or_else(|| owner.clone(), UserId::new),
        name,
        slug,
        options: PodOptions::default()
            .with_image(image)
            .with_gpu(gpu)
            .with_disks(
                old.size("containerDiskSize", limits.disk_gb, sizes.0),
                old.size("volumeDiskSize", limits.volume_gb, sizes.1),
            )
            .with_mount_path(proposed.map_or(DEFAULT_MOUNT_PATH, PodOptions::mount_path))
            .with_ports(services.iter().enumerate().map(port))
            .with_jupyter(jupyter),
        volume: volume(in_cluster("pvcName"), &owner_hash, naming),
        namespace: None,
        template,
        desired: Desired::Stopped,
        run: 1,
        status: Status::Stopped,
        step: Step::Stopped,
        reason: None,
        login: Login {
            found: token.map_or(TokenState::Unknown, |token| {
                TokenState::Generated(AccessToken::new(token))
            }),
            ..Login::default()
        },
        price: Price::default(),
        meter: Meter {
            hold_state: HoldState::None,
            ..Meter::opening(Price::default())
        },
        charged: Money::ZERO,
        spent: None,
        owner_cap: None,
        volume_deletion: None,
        started_at: None,
        node: None,
        failed_nodes: Vec::new(),
        last_end: None,
        attempts: 0,
        failing_since: None,
        wait: None,
        retry_at: None,
        request_digest: None,
        created_at: old.time(&["createdAt"], context.now),
        requested_at: active_at,
        updated_at: active_at,
        owner,
        owner_hash,
    })
}

/// The namespace of the pod's objects.
pub(super) fn namespace(document: &Document) -> String {
    let resources = document.get_document("kubernetesResources").ok();
    resources
        .and_then(|resources| text(resources, "namespace"))
        .unwrap_or_else(|| "default".to_owned())
}

/// A deterministic id, for a document whose own id is missing or a duplicate.
pub(super) fn id_from(text: &str) -> PodId {
    // FNV-1a, 64 bits.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    PodId::from_bits(hash)
}

fn id(old: &mut Old<'_>) -> PodId {
    let was = old.text("podId").unwrap_or_default();
    was.to_lowercase().parse().unwrap_or_else(|_| {
        let now = id_from(old.id());
        let was = shown(old.get("podId"));
        old.report(Oddity::PodIdReplaced {
            was,
            now: now.clone(),
        });
        now
    })
}

fn image(old: &mut Old<'_>, template: Option<&Template>, volume: Option<String>) -> Option<ImageReference> {
    match (old.image(), template) {
        (Ok(image), _) => Some(image),
        (Err(was), Some(template)) => {
            let now = template.options.image.clone()?;
            old.report(Oddity::ImageOfTemplate {
                was,
                now: now.to_string(),
            });
            Some(now)
        }
        (Err(was), None) => old.reject(Oddity::ImageUnusable { was, volume }),
    }
}

/// The slug that keeps the names of the pod's objects: from the object names in the record, else as the
/// existing backend derives it from the pod's name, else a new one.
fn slug(
    old: &mut Old<'_>,
    name: &str,
    id: &PodId,
    hash: &UserHash,
    services: &[OldPort<'_>],
    naming: &Naming,
) -> Option<Slug> {
    let ports: Vec<_> = services.iter().map(|service| service.port.number).collect();
    let resources = old.document().get_document("kubernetesResources").ok();
    let pod = resources.and_then(|resources| text(resources, "podName"));
    let pod = pod.and_then(|pod| without(&pod, &format!("-{hash}")));
    let service = services.iter().find_map(|service| {
        let name = text(service.document, "kubernetesServiceName")?;
        without(&name, &format!("-{hash}-{}-service", service.port.number))
    });
    let mut recorded = [pod, service, Some(name.to_owned())].into_iter().flatten();
    let kept = recorded.find_map(|text| naming.kept_slug(&text, &ports));
    if kept.is_some() {
        return kept;
    }
    let new = naming.slug(name).or_else(|_| naming.slug(&format!("pod-{id}")));
    let Ok(now) = new else {
        return old.reject(Oddity::IdUnusable);
    };
    old.report(Oddity::Renamed {
        was: format!("{}-{hash}", existing_label(name)),
        now: naming.pod(&now, hash),
    });
    Some(now)
}

/// The part of an object name before `end`.
fn without(name: &str, end: &str) -> Option<String> {
    let name = existing_label(name);
    let rest = name.strip_suffix(end)?;
    (!rest.is_empty()).then(|| rest.to_owned())
}

/// The name of the volume claim: the one in the record, as Kubernetes stores it.
fn volume(recorded: Option<String>, hash: &UserHash, naming: &Naming) -> String {
    let name = recorded.map(|name| existing_label(&name));
    let name = name.map(|name| name.trim_matches('-').to_owned());
    // A claim's name is a DNS subdomain of at most 253 characters (RFC 1123).
    let usable = name.filter(|name| (1..=253).contains(&name.len()));
    usable.unwrap_or_else(|| naming.workspace(hash))
}

/// Reports links that change.
fn links(old: &mut Old<'_>, slug: &Slug, hash: &UserHash, services: &[OldPort<'_>], naming: &Naming) {
    let changed = services.iter().find_map(|service| {
        let url = text(service.document, "url")?;
        let host = url.split_once("://").map_or(&*url, |(_, rest)| rest);
        let host = host
            .split(['/', '?', ':'])
            .next()
            .unwrap_or_default()
            .to_lowercase();
        let now = naming.host(slug, hash, service.port.number);
        (host != now).then_some((host, now))
    });
    if let Some((was, now)) = changed {
        old.report(Oddity::LinkChanges { was, now });
    }
}

fn text(document: &Document, field: &str) -> Option<String> {
    let text = document.get_str(field).ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A port. Drops the name that the existing backend generated for an unnamed port, from its position.
fn port((index, service): (usize, &OldPort<'_>)) -> Port {
    let mut port = service.port.clone();
    let is_custom = service.document.get_bool("isCustom").unwrap_or(false);
    let generated = format!("Servicio {}", index + 1);
    port.name = port.name.filter(|name| !(is_custom && *name == generated));
    port
}

#[cfg(test)]
mod tests;

//! Creating a pod.

use super::idempotency::Keyed;
use super::money::within_cap;
use super::owner::Owner;
use super::{Inner, Platform};
use crate::cluster::observation::Step;
use crate::cluster::workload::VolumePolicy;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::error::validation::{Problem, ValidationErrors, Violation};
use crate::id::{Actor, PodId, Role, UserId};
use crate::money::amount::Money;
use crate::money::meter::{Meter, Price};
use crate::naming::Slug;
use crate::pod::check::{Checked, Source, check};
use crate::pod::endpoint::name_endpoints;
use crate::pod::record::{Desired, Login, Pod, PodSpec, Status};
use crate::pod::request::CreatePod;
use crate::pod::template::{DEFAULT_VOLUME_PATH, Template};
use crate::reconcile;
use crate::store::audit::AuditAction;
use crate::store::traits::Outcome;
use crate::token::secret::AccessToken;
use crate::user::profile::User;

/// Characters of a refused e-mail address that are repeated.
const SHOWN_EMAIL_LEN: usize = 100;

impl Platform {
    /// Creates a pod: checks everything, reserves the money of the first hour, and answers. The driver does the rest.
    ///
    /// A request with an idempotency key that was used before answers what became of the first one: its pod, or that
    /// it could not be paid for. A key is known as long as its pod is there, and for 24 hours after the request in any
    /// case. One that was refused before anything was stored (`Invalid`, `Forbidden`, `SpendCapReached`) or for
    /// want of room (`TooManyPods`) has not used its key.
    ///
    /// # Errors
    /// `Invalid` lists everything that is wrong; `TooManyPods`; `InsufficientFunds`; `SpendCapReached`; `Forbidden` when
    /// the owner is suspended or was deleted; `AlreadyExists` when the idempotency key was used for another request, `InvalidState` when the pod
    /// that was made under it has been deleted. In each case nothing is created or charged. When the store or the
    /// billing fails it may be that the pod is there all the same: the same request with the same key tells.
    pub async fn create(&self, actor: &Actor, request: &CreatePod) -> Result<Pod> {
        let platform = &*self.0;
        let keyed = request
            .idempotency_key
            .as_deref()
            .map(|key| Keyed::new(actor, key, request));
        if let Some(keyed) = &keyed
            && let Some(pod) = platform.made_before(keyed).await?
        {
            return Ok(pod);
        }
        match (platform.accept(actor, request, keyed.as_ref()).await, &keyed) {
            (Ok(pod), keyed) => {
                let trail = platform.trail_on_pod(actor, AuditAction::PodCreated, &pod);
                let trail = trail.await?;
                trail.end(platform.insert(pod, keyed.as_ref()).await).await
            }
            // The same request beside this one may have taken the name, or what may be spent.
            (Err(error), Some(keyed)) => platform.made_before(keyed).await?.ok_or(error),
            (Err(error), None) => Err(error),
        }
    }
}

impl Inner {
    /// The record of a pod that may be created; nothing is stored yet.
    async fn accept(&self, actor: &Actor, request: &CreatePod, keyed: Option<&Keyed>) -> Result<Pod> {
        let (checked, mut problems) = check(request, &self.catalogue, &self.naming, &self.images);
        let template = self.template_of(&checked, &mut problems).await?;
        let owner = self.owner_of(actor, request, &mut problems).await?;
        let mut pods = 0;
        if let (Some(owner), Some((_, slug))) = (&owner, &checked.name) {
            let records = self.records(Some(owner), true).await?;
            if records.iter().any(|pod| pod.slug == *slug) {
                problems.push(Problem::new("name", Violation::NameInUse));
            }
            pods = records.iter().filter(|pod| !pod.is_deleted()).count();
        }
        ValidationErrors::check(problems)?;
        // Every part is there once there is no problem; a part without one would be a bug in `check`.
        let parts = owner.zip(spec(request, checked, template.as_ref()));
        let Some((owner, (name, slug, spec))) = parts else {
            return Err(Error::new(
                ErrorKind::Unexpected,
                "a checked request is not complete",
            ));
        };
        let price = self.price_of(&spec).await?;
        let now = self.clock.now();
        let known = self.owner(&owner).await?;
        // Told before anything is stored; what counts is asked once the pod is.
        self.has_room(&known, pods)?;
        let owner_cap = self.may_start(&owner, &known, price).await?;
        if let Some(cap) = spec.daily_cap {
            within_cap(cap, None, price, now)?;
        }
        let hash = self.naming.user_hash(owner.as_str());
        let (volume, namespace) = self.layout.places(&self.naming, &slug, &hash);
        let spec = PodSpec {
            volume,
            namespace,
            ..spec
        };
        Ok(Pod {
            id: keyed.map_or_else(PodId::random, |keyed| keyed.id.clone()),
            version: 0,
            owner,
            owner_hash: hash,
            created_by: actor.id.clone(),
            name,
            slug,
            login: login(&spec),
            spec,
            desired: Desired::Running,
            run: 1,
            status: Status::Creating,
            step: Step::Accepted,
            reason: None,
            price,
            meter: Meter {
                // The id that an idempotency key makes comes again once its pod is gone: what was settled or released
                // for that one says nothing about this one.
                hold: rand::random::<u32>().into(),
                ..Meter::opening(price)
            },
            charged: Money::ZERO,
            spent: None,
            owner_cap,
            volume_deletion: None,
            started_at: None,
            node: None,
            failed_nodes: Vec::new(),
            last_end: None,
            attempts: 0,
            failing_since: None,
            wait: None,
            retry_at: None,
            request_digest: keyed.map(|keyed| keyed.digest.clone()),
            created_at: now,
            requested_at: now,
            updated_at: now,
        })
    }

    async fn insert(&self, pod: Pod, keyed: Option<&Keyed>) -> Result<Pod> {
        let stored = match self.store.insert(&pod).await {
            Ok(stored) => stored,
            Err(error) if *error.kind() == ErrorKind::AlreadyExists => {
                // By the same request beside this one, if there is one.
                if let Some(keyed) = keyed
                    && let Some(pod) = self.made_before(keyed).await?
                {
                    return Ok(pod);
                }
                return Err(if error.context("field") == Some("name") {
                    ValidationErrors::from(Problem::new("name", Violation::NameInUse)).into()
                } else {
                    error
                });
            }
            Err(error) => return Err(error),
        };
        let created = self.reserve_or_discard(stored).await?;
        self.feed.publish(&created);
        self.touched.add(&pod.id);
        self.hold_to_owner(created).await
    }

    /// Reserves the money of the first hour; a pod that can't pay it is taken back.
    pub(super) async fn reserve_or_discard(&self, pod: Pod) -> Result<Pod> {
        let id = pod.id.clone();
        match self.reserve_now(pod).await {
            Ok(created) => Ok(created),
            Err((refused, error)) => {
                let Err(failure) = self.discard(refused, &error).await else {
                    return Err(error);
                };
                self.touched.add(&id);
                // While the record stands the pod may still get its money and run, so it is not refused. The same
                // request beside this one may have taken it back.
                let taken_back = matches!(failure.kind(), ErrorKind::Conflict | ErrorKind::NotFound)
                    && self.store.get(&id).await?.is_none_or(|pod| pod.is_deleted());
                Err(if taken_back { error } else { failure })
            }
        }
    }

    /// Takes back a record of which nothing was created.
    ///
    /// # Errors
    /// Those of the store while the record stands. Once it says that the pod is deleted the driver does what is left.
    async fn discard(&self, refused: Pod, error: &Error) -> Result<()> {
        if *error.kind() == ErrorKind::Forbidden {
            // Its owner was deleted, and their other pods may have left the volume to this one.
            let pod = self.save(&refused).await?;
            self.touched.add(&pod.id);
            return Ok(());
        }
        let desired = Desired::Deleted {
            volume: VolumePolicy::Keep,
        };
        let pod = self.save(&Pod { desired, ..refused }).await?;
        let removed = async {
            // The key of the reservation is closed first, so that no late repetition of it can succeed.
            if let Some(release) = reconcile::next_charge(&pod) {
                self.pay(&pod, &release).await?;
            }
            match refusal(error) {
                Some(refusal) => self.forget(&pod, refusal).await,
                None => self.store.remove(&pod.id, pod.version).await,
            }
        };
        if let Err(error) = removed.await {
            tracing::warn!(pod = %pod.id, %error, "a refused pod is not gone yet");
            self.touched.add(&pod.id);
        }
        Ok(())
    }

    async fn template_of(&self, checked: &Checked, problems: &mut Vec<Problem>) -> Result<Option<Template>> {
        let Some(Source::Template(id)) = &checked.source else {
            return Ok(None);
        };
        let template = self.store.template(id).await?;
        let checked = match &template {
            // The rules may have changed since it was stored.
            Some(template) => self.images.check(&template.docker_image),
            None => Err(Violation::TemplateUnknown),
        };
        if let Err(violation) = checked {
            problems.push(Problem::new("template", violation));
        }
        Ok(template)
    }

    /// Who will own the pod; `None`: there is a problem with them.
    async fn owner_of(
        &self,
        actor: &Actor,
        request: &CreatePod,
        problems: &mut Vec<Problem>,
    ) -> Result<Option<UserId>> {
        let email = request
            .assign_to_user
            .as_deref()
            .map(str::trim)
            .filter(|email| !email.is_empty());
        let Some(email) = email else {
            return Ok(Some(actor.id.clone()));
        };
        // Whether an address is known is nothing for clients to learn.
        let violation = if actor.is_admin() {
            match self.store.user_by_email(email).await? {
                Some(User {
                    id,
                    role: Role::Client,
                    deleted: false,
                    ..
                }) => return Ok(Some(id)),
                Some(User { deleted: false, .. }) => Violation::AssigneeNotClient,
                _ => Violation::AssigneeUnknown(email.chars().take(SHOWN_EMAIL_LEN).collect()),
            }
        } else {
            Violation::AssignForbidden
        };
        problems.push(Problem::new("assignToUser", violation));
        Ok(None)
    }

    /// Whether this user may start pods, and what they may spend on a day.
    pub(super) async fn may_start(
        &self,
        owner: &UserId,
        known: &Owner,
        price: Price,
    ) -> Result<Option<Money>> {
        if known.user().is_some_and(|user| user.suspended) {
            let error = Error::new(ErrorKind::Forbidden, "the user is suspended");
            return Err(error.with_context("user", "suspended"));
        }
        let cap = self.cap_of(known.user());
        if let Some(cap) = cap {
            // One without an account is told so when the money is reserved.
            let spent = match self.billing.balance(owner).await {
                Err(error) if *error.kind() == ErrorKind::NotFound => None,
                balance => balance?.spent,
            };
            within_cap(cap, spent, price, self.clock.now())?;
        }
        Ok(cap)
    }
}

/// Why billing would not reserve the first hour, of the errors that are final; `None`: the request may be made again
/// under the same key.
fn refusal(error: &Error) -> Option<Outcome> {
    match *error.kind() {
        ErrorKind::InsufficientFunds { required, available } => {
            Some(Outcome::InsufficientFunds { required, available })
        }
        ErrorKind::TooManyPods { .. } => None,
        _ => Some(Outcome::NoAccount),
    }
}

/// The name, its slug and the specification, but for the places in the cluster; `None` when a part is missing.
fn spec(
    request: &CreatePod,
    checked: Checked,
    template: Option<&Template>,
) -> Option<(String, Slug, PodSpec)> {
    let (name, slug) = checked.name?;
    let (template_id, image) = match checked.source? {
        Source::Template(id) => (Some(id), template?.docker_image.clone()),
        Source::Image(image) => (None, *image),
    };
    let named = template.map_or(&[][..], |template| &template.http_ports);
    let mount_path = template.map_or(DEFAULT_VOLUME_PATH, |template| &template.volume_path);
    let spec = PodSpec {
        template: template_id,
        image,
        gpu: checked.gpu?,
        container_disk_gb: checked.container_disk_gb?,
        volume_disk_gb: checked.volume_disk_gb?,
        mount_path: mount_path.to_owned(),
        volume: String::new(),
        namespace: None,
        endpoints: name_endpoints(&checked.ports?, named, request.enable_jupyter),
        jupyter: request.enable_jupyter,
        daily_cap: checked.daily_cap,
        // In an image that knows no such variable it does nothing, and the log tells the token.
        inject_token: request.enable_jupyter && template.is_none_or(|template| template.inject_token),
        chosen_token: checked.chosen_token,
        environment: checked.environment,
    };
    Some((name, slug, spec))
}

/// How one logs in to a new run: with the token the user chose, or a new random one where the image takes it.
pub(super) fn login(spec: &PodSpec) -> Login {
    let generated = || spec.inject_token.then(AccessToken::random);
    Login {
        injected: spec.chosen_token.clone().or_else(generated),
        ..Login::default()
    }
}

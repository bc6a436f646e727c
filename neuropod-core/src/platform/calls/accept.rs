//! Decides whether a request may become a pod, and makes the record of that pod. Nothing is stored or held
//! here.

use crate::cluster::observation::Step;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::error::validation::{Problem, ValidationErrors, Violation};
use crate::id::{Actor, PodId, Role, UserId};
use crate::money::amount::Money;
use crate::money::meter::Meter;
use crate::platform::handle::Platform;
use crate::platform::requests::Keyed;
use crate::platform::run::first_login;
use crate::pod::check::{Checked, check};
use crate::pod::record::{Desired, Pod, Status};
use crate::pod::request::CreatePod;
use crate::pod::template::Template;
use crate::user::profile::User;

/// The characters of a refused e-mail address that are repeated.
const SHOWN_EMAIL_LEN: usize = 100;

impl Platform {
    /// The record of a pod that may be created.
    ///
    /// # Errors
    /// `Invalid` lists all problems; `TooManyPods`; `SpendCapReached`; `Forbidden`.
    pub(super) async fn accept(
        &self,
        actor: &Actor,
        request: &CreatePod,
        keyed: Option<&Keyed>,
    ) -> Result<Pod> {
        let parts = &*self.0;
        let rules = &*parts.rules;
        let template = self.template_of(request).await?;
        let (checked, mut problems) = check(request, template.as_ref(), rules.of_requests());
        let owner = self.owner_of(actor, request, &mut problems).await?;
        if let (Some(owner), Some((_, slug))) = (&owner, &checked.name)
            && parts.records.has_slug(owner, slug).await?
        {
            problems.push(Problem::new("name", Violation::NameInUse));
        }
        ValidationErrors::check(problems)?;
        let Checked { name, options } = checked;
        // Both are there once there is no problem; one that is missing would be a bug in `check`.
        let Some((owner, (name, slug))) = owner.zip(name) else {
            return Err(Error::new(
                ErrorKind::Unexpected,
                "a checked request is not complete",
            ));
        };
        let price = parts.price_book.price_of(&options).await?;
        let now = parts.clock.now();
        let known = parts.admission.owner(&owner).await?;
        // Refused before anything is stored; the check that counts is made once the record is.
        parts.admission.has_room(&owner, &known, 0).await?;
        let owner_cap = parts.admission.may_start(&owner, &known, price).await?;
        if let Some(cap) = options.daily_cap {
            parts.admission.within_cap(cap, None, price)?;
        }
        let hash = rules.naming.user_hash(owner.as_str());
        let (volume, namespace) = rules.layout.places(&rules.naming, &slug, &hash);
        Ok(Pod {
            id: keyed.map_or_else(PodId::random, |keyed| keyed.id.clone()),
            version: 0,
            owner,
            owner_hash: hash,
            created_by: actor.id.clone(),
            name,
            slug,
            login: first_login(&options),
            template: template.map(|template| template.id),
            options,
            volume,
            namespace,
            desired: Desired::Running,
            run: 1,
            status: Status::Creating,
            step: Step::Accepted,
            reason: None,
            price,
            meter: Meter {
                // The id derived from an idempotency key is used again once its pod is removed: releases for
                // that pod must not affect this one.
                hold_number: rand::random::<u32>().into(),
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

    /// The template that a request names, where there is one.
    async fn template_of(&self, request: &CreatePod) -> Result<Option<Template>> {
        match request.template.as_deref().filter(|id| !id.trim().is_empty()) {
            Some(id) => self.0.templates.template(id).await,
            None => Ok(None),
        }
    }

    /// The future owner of the pod; `None`: there is a problem with them.
    async fn owner_of(
        &self,
        actor: &Actor,
        request: &CreatePod,
        problems: &mut Vec<Problem>,
    ) -> Result<Option<UserId>> {
        let email = request
            .assign_to
            .as_deref()
            .map(str::trim)
            .filter(|email| !email.is_empty());
        let Some(email) = email else {
            return Ok(Some(actor.id.clone()));
        };
        // Clients must not learn whether an address is known.
        let violation = if actor.is_admin() {
            match self.0.users.user_by_email(email).await? {
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
        problems.push(Problem::new("assign_to", violation));
        Ok(None)
    }
}

//! Templates: reading them, and changing them as an administrator.

use crate::error::kind::{Error, ErrorKind, Result};
use crate::error::validation::{Problem, ValidationErrors, Violation};
use crate::id::Actor;
use crate::platform::handle::Platform;
use crate::pod::check::check_volume_path;
use crate::pod::template::Template;
use crate::store::audit::{AuditAction, AuditTarget};

impl Platform {
    /// All templates, by name.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn templates(&self) -> Result<Vec<Template>> {
        self.0.templates.templates().await
    }

    /// The template with this id.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn template(&self, id: &str) -> Result<Template> {
        let gone = || Error::new(ErrorKind::NotFound, "there is no such template");
        self.0.templates.template(id).await?.ok_or_else(gone)
    }

    /// Stores a new template and returns it as stored.
    ///
    /// # Errors
    /// `Forbidden` for clients; `Invalid` when its image or its path is not allowed; `AlreadyExists`, with the context
    /// `field`: `id` or `name`.
    pub async fn create_template(&self, actor: &Actor, template: &Template) -> Result<Template> {
        let action = AuditAction::TemplateCreated;
        let entry = self.0.audit.begin(actor, action, target(template)).await?;
        let done = async {
            actor.require_admin()?;
            self.check_template(template)?;
            self.0.templates.insert_template(template).await
        };
        entry.finish(done.await).await
    }

    /// Stores a changed template and returns it as stored. Pods that were created from it stay as they are.
    ///
    /// # Errors
    /// `Forbidden` for clients; `Invalid` when its image or its path is not allowed; `Conflict` when it was changed
    /// meanwhile; `NotFound`; `AlreadyExists` when another one has the name.
    pub async fn change_template(&self, actor: &Actor, template: &Template) -> Result<Template> {
        let action = AuditAction::TemplateChanged;
        let entry = self.0.audit.begin(actor, action, target(template)).await?;
        let done = async {
            actor.require_admin()?;
            self.check_template(template)?;
            self.0.templates.update_template(template).await
        };
        entry.finish(done.await).await
    }

    /// Removes a template; one that is gone already is no error. Pods that were created from it stay.
    ///
    /// # Errors
    /// `Forbidden` for clients.
    pub async fn delete_template(&self, actor: &Actor, template: &Template) -> Result<()> {
        let action = AuditAction::TemplateDeleted;
        let entry = self.0.audit.begin(actor, action, target(template)).await?;
        let done = async {
            actor.require_admin()?;
            self.0.templates.remove_template(&template.id).await
        };
        entry.finish(done.await).await
    }

    /// Checks that pods may be created from a template.
    ///
    /// # Errors
    /// `Invalid`, for the fields `image` and `mount_path`.
    fn check_template(&self, template: &Template) -> Result<()> {
        let options = &template.options;
        let rules = &self.0.rules.images;
        let image = options.image.as_ref().ok_or(Violation::Required);
        let checks = [
            ("image", image.and_then(|image| rules.check(image))),
            ("mount_path", check_volume_path(options.mount_path())),
        ];
        let problems = checks.into_iter().filter_map(|(field, checked)| {
            let violation = checked.err()?;
            Some(Problem::new(field, violation))
        });
        Ok(ValidationErrors::check(problems.collect())?)
    }
}

fn target(template: &Template) -> AuditTarget {
    AuditTarget::Template {
        id: template.id.clone(),
        name: template.name.clone(),
    }
}

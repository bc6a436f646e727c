//! The output of `server migrate`.

use std::fmt::{self, Write};

use anyhow::Result;
use neuropod::Error;
use neuropod::message::Language;
use neuropod::money::Currency;
use neuropod::store::mongo::migrate::{Applied, Count, Finding, Migration, Summary};

use super::arguments::Arguments;
use super::commands;
use super::target::Target;
use crate::config::Config;

/// A report under construction.
pub(super) struct Report<'a> {
    /// The address of the old database, without secrets.
    pub(super) from: String,
    pub(super) target: &'a Target,
    pub(super) config: &'a Config,
    pub(super) arguments: &'a Arguments,
    pub(super) language: Language,
    pub(super) currency: Currency,
}

impl Report<'_> {
    fn say<'t>(&self, es: &'t str, en: &'t str) -> &'t str {
        self.language.pick(es, en)
    }

    /// The planned changes.
    pub(super) fn plan(&self, migration: &Migration) -> Result<String, fmt::Error> {
        let mut text = String::new();
        self.head(&mut text)?;
        self.counts(&mut text, migration.summary())?;
        if self.arguments.list {
            writeln!(text, "\n{}", self.say("Documentos:", "Documents:"))?;
            for change in migration.changes() {
                writeln!(text, "  {}", change.text(self.language))?;
            }
        }
        let (aside, odd): (Vec<_>, Vec<_>) = migration
            .findings()
            .iter()
            .partition(|finding| finding.sets_aside());
        let title = self.say(
            "Datos inusuales y qué se hace con ellos",
            "Unusual data, and what happens to it",
        );
        self.findings(&mut text, title, &odd)?;
        let title = match self.target {
            Target::InPlace => self.say(
                "No se puede migrar: se aparta entero en la colección «unmigrated», con el motivo",
                "Can't be migrated: moved whole to the collection `unmigrated`, with the reason",
            ),
            _ => self.say(
                "No se puede migrar: se queda en la base de datos antigua",
                "Can't be migrated: stays in the old database",
            ),
        };
        self.findings(&mut text, title, &aside)?;
        self.unknown_gpus(&mut text, migration.summary())?;
        self.configuration(&mut text, migration)?;
        self.other_collections(&mut text, migration.summary())?;
        Ok(text)
    }

    fn head(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "{} {}", self.say("De:", "From:"), self.from)?;
        let target = match self.target {
            Target::InPlace => self.say(
                "la misma base de datos; el backend antiguo ya no podrá usarla",
                "the same database; the old backend can no longer use it afterwards",
            ),
            Target::File(_) | Target::Database(_) => self.target.shown(),
        };
        writeln!(text, "{} {target}", self.say("A: ", "Into:"))?;
        if self.arguments.dry_run {
            writeln!(
                text,
                "{}",
                self.say("Simulacro: no se cambia nada.", "Dry run: nothing is changed.")
            )?;
        }
        Ok(())
    }

    fn counts(&self, text: &mut String, summary: &Summary) -> fmt::Result {
        writeln!(text)?;
        for (es, en, count) in [
            ("Usuarios", "Users", summary.users),
            ("Plantillas", "Templates", summary.templates),
            ("Pods", "Pods", summary.pods),
        ] {
            writeln!(text, "{:<12}{}", self.say(es, en), self.count(count))?;
        }
        let prices = match &summary.price_list {
            None if summary.prices.found == 0 => self
                .say(
                    "el backend antiguo no guardó ninguno; se aplican los configurados",
                    "the old backend stored none; the configured ones apply",
                )
                .to_owned(),
            None => self
                .say(
                    "la plataforma nueva ya los tiene",
                    "the new platform already has them",
                )
                .to_owned(),
            Some(list) => {
                let mut prices: Vec<_> = list
                    .gpus
                    .iter()
                    .map(|(id, price)| format!("{id} {price}"))
                    .collect();
                prices.push(format!(
                    "{} {}",
                    self.say("otra GPU", "other GPU"),
                    list.other_gpu
                ));
                prices.push(format!(
                    "{} {}/GB",
                    self.say("disco", "disk"),
                    list.container_disk_gb
                ));
                prices.push(format!(
                    "{} {}/GB",
                    self.say("volumen", "volume"),
                    list.volume_disk_gb
                ));
                format!("{} ({})", prices.join(", "), self.per_hour())
            }
        };
        writeln!(text, "{:<12}{prices}", self.say("Precios", "Prices"))?;
        if let Some(credit) = summary.price_list.as_ref().and_then(|list| list.opening_credit) {
            let name = self.say("Saldo nuevo", "New users");
            writeln!(text, "{name:<12}{} {}", credit.credit(), self.currency.code())?;
        }
        Ok(())
    }

    fn per_hour(&self) -> String {
        let code = self.currency.code();
        self.language
            .pick(format!("{code} por hora"), format!("{code} per hour"))
    }

    fn count(&self, count: Count) -> String {
        let mut parts = vec![format!(
            "{} {}",
            count.to_take,
            self.say("por migrar", "to migrate")
        )];
        if count.done > 0 {
            parts.push(format!(
                "{} {}",
                count.done,
                self.say("ya migrados", "already migrated")
            ));
        }
        if count.to_set_aside > 0 {
            parts.push(format!(
                "{} {}",
                count.to_set_aside,
                self.say("que no se pueden migrar", "that can't be migrated")
            ));
        }
        parts.join(", ")
    }

    fn findings(&self, text: &mut String, title: &str, findings: &[&Finding]) -> fmt::Result {
        if findings.is_empty() {
            return Ok(());
        }
        writeln!(text, "\n{title} ({}):", findings.len())?;
        for finding in findings {
            writeln!(text, "  {}", finding.text(self.language))?;
        }
        Ok(())
    }

    fn unknown_gpus(&self, text: &mut String, summary: &Summary) -> fmt::Result {
        if summary.unknown_gpus.is_empty() {
            return Ok(());
        }
        let title = self.say(
            "Tipos de GPU que no están en el catálogo: se conservan, pero no se ofrecen. Sus pods se pueden ver, iniciar, detener \
             y borrar, y pagan su precio; reciben los recursos del tipo de GPU más pequeño, en cualquier nodo con GPU. Para \
             cambiarlo, añade el tipo al catálogo con offered = false",
            "GPU types missing from the catalogue: they are kept, but not offered. Their pods can be viewed, started, stopped \
             and deleted, and pay their price; they get the resources of the smallest GPU type, on any node with a GPU. To \
             change that, add the type to the catalogue with offered = false",
        );
        writeln!(text, "\n{title}:")?;
        for (id, pods) in &summary.unknown_gpus {
            let price = summary.price_list.as_ref().map(|list| list.quote(id, 0, 0).gpu);
            let price = price.map_or_else(String::new, |price| format!(", {price} {}", self.per_hour()));
            writeln!(text, "  {id}: {pods} pods{price}")?;
        }
        Ok(())
    }

    /// Settings that the configuration should have, but lacks.
    fn configuration(&self, text: &mut String, migration: &Migration) -> fmt::Result {
        let mut wrong = Vec::new();
        if !self.config.legacy_names {
            wrong.push(self.say(
                "legacy_names = true: sin ello los pods nuevos de cada usuario tendrían otro volumen y otros enlaces",
                "legacy_names = true: without it, new pods of a user would get another volume and other links",
            ).to_owned());
        }
        for (namespace, pods) in &migration.cluster().namespaces {
            if *namespace != self.config.kube.namespace || self.config.kube.namespace_per_user {
                wrong.push(match self.language {
                    Language::Es => {
                        format!("kube.namespace = {namespace:?}: los volúmenes de {pods} pods están ahí")
                    }
                    Language::En => {
                        format!("kube.namespace = {namespace:?}: the volumes of {pods} pods are there")
                    }
                });
            }
        }
        if wrong.is_empty() {
            return Ok(());
        }
        let title = self.say(
            "Falta en la configuración del servidor",
            "Missing from the server's configuration",
        );
        writeln!(text, "\n{title}:")?;
        for line in wrong {
            writeln!(text, "  {line}")?;
        }
        Ok(())
    }

    fn other_collections(&self, text: &mut String, summary: &Summary) -> fmt::Result {
        if summary.left.is_empty() && summary.set_aside_before == 0 {
            return Ok(());
        }
        writeln!(text, "\n{}:", self.say("No se cambia", "Not changed"))?;
        for (name, documents) in &summary.left {
            let why = match name.as_str() {
                "sessions" => self.say(
                    "; cada usuario vuelve a iniciar sesión",
                    "; everybody has to sign in again",
                ),
                "logs" => self.say(
                    "; el registro del backend antiguo",
                    "; the log of the old backend",
                ),
                _ => self.say("; no es del backend antiguo", "; not from the old backend"),
            };
            writeln!(
                text,
                "  {name}: {documents} {}{why}",
                self.say("documentos", "documents")
            )?;
        }
        if summary.set_aside_before > 0 {
            let why = self.say(
                "documentos que una ejecución anterior no pudo migrar",
                "documents that an earlier run could not migrate",
            );
            writeln!(text, "  unmigrated: {} {why}", summary.set_aside_before)?;
        }
        Ok(())
    }

    /// The work to be done in the cluster.
    pub(super) fn in_cluster(&self, migration: &Migration) -> Result<String, fmt::Error> {
        let cluster = migration.cluster();
        let mut text = String::new();
        if cluster.objects.is_empty() && cluster.volumes.is_empty() {
            return Ok(text);
        }
        let title = self.say(
            "En el clúster, antes de iniciar los pods: quita lo que dejó el backend antiguo y marca los volúmenes como de la \
             plataforma. Un volumen que no existe se creará nuevo",
            "In the cluster, before pods are started: remove what the old backend left, and mark the volumes as the \
             platform's. A volume that does not exist is created",
        );
        writeln!(text, "\n{title}:")?;
        let namespace = match cluster.namespaces.keys().next() {
            Some(namespace) if is_name(namespace) => namespace,
            _ => &self.config.kube.namespace,
        };
        for line in commands::kubectl(cluster, namespace, &self.config.kube.instance).lines() {
            writeln!(text, "  {line}")?;
        }
        Ok(text)
    }

    /// The changes made.
    pub(super) fn done(&self, applied: Applied) -> Result<String, fmt::Error> {
        let mut text = String::new();
        let Applied {
            taken,
            set_aside,
            prices,
            ..
        } = applied;
        match self.language {
            Language::Es => write!(text, "\nHecho: {taken} documentos migrados")?,
            Language::En => write!(text, "\nDone: {taken} documents migrated")?,
        }
        if prices {
            text.push_str(self.say(", los precios guardados", ", the prices stored"));
        }
        if set_aside > 0 {
            write!(text, ", {set_aside} {}", self.say("apartados", "set aside"))?;
        }
        text.push_str(".\n");
        Ok(text)
    }

    /// The end of a run without changes.
    pub(super) fn nothing_changed(&self, migration: &Migration) -> Result<String, fmt::Error> {
        if migration.changes().next().is_none() {
            let nothing = self.say("No hay nada que hacer.", "There is nothing to do.");
            return Ok(format!("\n{nothing}\n"));
        }
        let mut text = self.in_cluster(migration)?;
        let next = self.say(
            "No se ha cambiado nada. Detén el backend antiguo, haz una copia y repite la orden sin --dry-run.",
            "Nothing was changed. Stop the old backend, make a backup, and run it again without --dry-run.",
        );
        writeln!(text, "\n{next}")?;
        Ok(text)
    }

    /// The old backend is still running.
    pub(super) fn still_running(&self, error: &Error) -> String {
        match self.language {
            Language::Es => format!(
                "El backend antiguo cambió un documento después de hacerse el plan, y no se ha sobrescrito: {error}. Detén ese \
                 backend y repite la misma orden; lo ya hecho se conserva."
            ),
            Language::En => format!(
                "The old backend changed a document after the plan was made, so it was not overwritten: {error}. Stop that \
                 backend and run the same command again; what is done stays done."
            ),
        }
    }
}

/// Whether it is a valid name in Kubernetes, and safe in a shell.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && !text.starts_with('-') && text.bytes().all(plain)
}

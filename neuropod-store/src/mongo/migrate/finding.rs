//! Problems found in documents of the existing backend and how each is handled, in Spanish and English.

use std::fmt;

use neuropod_core::message::Language;
use neuropod_core::{Money, PodId};

/// A problem found in a document, and how it is handled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The collection of the document.
    pub collection: &'static str,
    /// Its `_id`.
    pub id: String,
    /// The email address or the name of the pod, if the document has one.
    pub name: Option<String>,
    /// The problem.
    pub oddity: Oddity,
}

/// A problem in a document, and how it is handled. `was` is the value in the document, shortened; `now` is its
/// replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "`was`, `now` and the like, as above")]
pub enum Oddity {
    /// The `_id` can't be used; the document is set aside.
    IdUnusable,
    /// The image can't be used; the pod is set aside. Its volume claim stays in the cluster.
    ImageUnusable { was: String, volume: Option<String> },
    /// The owner does not exist; the pod is set aside. Its volume claim stays in the cluster.
    NoOwner { was: String, volume: Option<String> },
    /// The user has no email address and gets a placeholder.
    NoAddress { now: String },
    /// Another user has the same address, perhaps in different case; this user gets a placeholder.
    AddressTaken { was: String, by: String, now: String },
    /// The role is unknown; the user becomes a client.
    RoleUnknown { was: String },
    /// A client has no balance; it becomes 0.
    NoBalance,
    /// The balance is not a valid amount; it becomes 0.
    BalanceUnusable { was: String },
    /// A client owes money; the debt is kept.
    Debt { balance: Money },
    /// Existing is no date; the current time is used.
    NoDate,
    /// A size in GB is invalid and is replaced.
    Size {
        field: &'static str,
        was: String,
        now: u32,
    },
    /// A size in GB exceeds the limit for new pods; it is kept.
    SizeAbove {
        field: &'static str,
        size: u32,
        most: u32,
    },
    /// A port is invalid or a duplicate; it is left out.
    PortLeftOut { field: &'static str, was: String },
    /// A template has no name and gets one.
    TemplateNamed { now: String },
    /// Another template has the same name, perhaps in different case; this one is renamed.
    TemplateTaken { was: String, now: String },
    /// The mount path of the volume is invalid; `/workspace` is used.
    PathUnusable { was: String },
    /// The id of a pod is invalid or a duplicate and is replaced.
    PodIdReplaced { was: String, now: PodId },
    /// The image of a pod is invalid; the image of its template is used.
    ImageOfTemplate { was: String, now: String },
    /// Kubernetes accepts no Service with the pod's name; the pod is renamed.
    Renamed { was: String, now: String },
    /// Another pod has the same name in the cluster; this one is renamed.
    NameTaken { was: String, now: String },
    /// The link to the pod changes.
    LinkChanges { was: String, now: String },
    /// The pod has no GPU type; it gets the type without a GPU.
    NoGpu,
    /// A price can't be charged; the configured price is used.
    PriceUnusable { what: String, was: String, now: Money },
    /// The old price list contradicts the configuration on whether a GPU type is offered; the configuration
    /// applies.
    Offer { gpu: String, offered: bool },
    /// The credit of new users is invalid; the configured credit applies.
    FreeTierUnusable { was: String },
    /// The new platform already has prices; they are kept.
    PricesThere { version: u64 },
    /// Existing are several price lists; this one is ignored.
    PriceListLeft,
    /// The document was migrated before and has since been deleted on the new platform; it is ignored.
    RemovedSince,
    /// The document was already migrated within this database; it is ignored.
    TakenOverInPlace,
}

impl Finding {
    pub(super) fn new(collection: &'static str, id: &str, oddity: Oddity) -> Self {
        Self {
            collection,
            id: id.to_owned(),
            name: None,
            oddity,
        }
    }

    /// Whether the document is set aside because it can't be migrated.
    pub fn sets_aside(&self) -> bool {
        matches!(
            self.oddity,
            Oddity::IdUnusable | Oddity::ImageUnusable { .. } | Oddity::NoOwner { .. }
        )
    }

    /// The finding in one line: place, problem and handling.
    pub fn text(&self, language: Language) -> String {
        let name = self.name.as_deref().map(|name| format!(" ({name})"));
        format!(
            "{} {}{}: {}",
            self.collection,
            self.id,
            name.unwrap_or_default(),
            self.oddity.text(language)
        )
    }
}

impl fmt::Display for Finding {
    /// In English, for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::En))
    }
}

/// A value for use in a text; `nothing` if it is empty.
fn or_nothing(was: &str, language: Language) -> &str {
    if was.is_empty() {
        language.pick("nada", "nothing")
    } else {
        was
    }
}

fn claim(volume: Option<&str>, language: Language) -> String {
    volume.map_or_else(String::new, |volume| match language {
        Language::Es => format!("; su volumen {volume} sigue en el clúster"),
        Language::En => format!("; its volume {volume} stays in the cluster"),
    })
}

impl Oddity {
    /// The problem and its handling, for people.
    #[expect(clippy::too_many_lines, reason = "one text for each")]
    pub fn text(&self, language: Language) -> String {
        let (es, en) = match self {
            Self::IdUnusable => (
                "su _id no se puede usar; se aparta".into(),
                "its _id can't be used; it is set aside".into(),
            ),
            Self::ImageUnusable { was, volume } => (
                format!(
                    "la imagen no se puede usar ({was}); se aparta{}",
                    claim(volume.as_deref(), language)
                ),
                format!(
                    "the image can't be used ({was}); it is set aside{}",
                    claim(volume.as_deref(), language)
                ),
            ),
            Self::NoOwner { was, volume } => {
                let (was, claim) = (or_nothing(was, language), claim(volume.as_deref(), language));
                (
                    format!("su dueño ({was}) no existe; se aparta{claim}"),
                    format!("its owner ({was}) does not exist; it is set aside{claim}"),
                )
            }
            Self::NoAddress { now } => (
                format!("no tiene correo; recibe {now} hasta que un administrador ponga el suyo"),
                format!("has no address; gets {now} until an administrator sets the real one"),
            ),
            Self::AddressTaken { was, by, now } => (
                format!("su correo {was} es también el de {by}; recibe {now} y conserva su saldo y sus pods"),
                format!("its address {was} also belongs to {by}; gets {now}, and keeps its balance and pods"),
            ),
            Self::RoleUnknown { was } => (
                format!("el rol {was} no existe; será cliente"),
                format!("the role {was} does not exist; becomes a client"),
            ),
            Self::NoBalance => (
                "no tiene saldo; recibe 0.00".into(),
                "has no balance; gets 0.00".into(),
            ),
            Self::BalanceUnusable { was } => (
                format!("{was} no es un saldo de cliente; recibe 0.00, corrígelo después si hace falta"),
                format!("{was} is not a client's balance; gets 0.00, correct it afterwards if needed"),
            ),
            Self::Debt { balance } => (
                format!("debe dinero ({balance}); la deuda se conserva"),
                format!("owes money ({balance}); the debt is kept"),
            ),
            Self::NoDate => (
                "no tiene fecha; recibe la de hoy".into(),
                "has no date; gets today's".into(),
            ),
            Self::Size { field, was, now } => {
                let was = or_nothing(was, language);
                (
                    format!("{field} era {was}; será {now} GB"),
                    format!("{field} was {was}; becomes {now} GB"),
                )
            }
            Self::SizeAbove { field, size, most } => (
                format!("{field} ({size} GB) supera el máximo de los pods nuevos ({most} GB); se conserva"),
                format!("{field} ({size} GB) is above the limit of new pods ({most} GB); it is kept"),
            ),
            Self::PortLeftOut { field, was } => {
                let was = or_nothing(was, language);
                (
                    format!("{field}: {was} no es un puerto o está repetido; se omite"),
                    format!("{field}: {was} is not a port, or is listed twice; it is left out"),
                )
            }
            Self::TemplateNamed { now } => (
                format!("no tiene nombre; recibe «{now}»"),
                format!("has no name; gets \"{now}\""),
            ),
            Self::TemplateTaken { was, now } => (
                format!("otra plantilla se llama «{was}»; recibe «{now}»"),
                format!("another template is called \"{was}\"; gets \"{now}\""),
            ),
            Self::PathUnusable { was } => (
                format!("el volumen no se puede montar en {was}; será /workspace"),
                format!("the volume can't be mounted at {was}; becomes /workspace"),
            ),
            Self::PodIdReplaced { was, now } => {
                let was = or_nothing(was, language);
                (
                    format!("el podId {was} no es válido o está repetido; será {now}"),
                    format!("the podId {was} is not valid, or is used twice; becomes {now}"),
                )
            }
            Self::ImageOfTemplate { was, now } => (
                format!("la imagen no se puede usar ({was}); recibe la de su plantilla, {now}"),
                format!("the image can't be used ({was}); gets that of its template, {now}"),
            ),
            Self::Renamed { was, now } => (
                format!(
                    "Kubernetes no admite servicios con el nombre {was}; se llamará {now}, con el mismo volumen"
                ),
                format!(
                    "Kubernetes does not accept services named {was}; becomes {now}, with the same volume"
                ),
            ),
            Self::NameTaken { was, now } => (
                format!(
                    "otro pod tiene el nombre {was} en el clúster; se llamará {now}, con el mismo volumen"
                ),
                format!("another pod has the name {was} in the cluster; becomes {now}, with the same volume"),
            ),
            Self::LinkChanges { was, now } => (
                format!("su enlace cambia de {was} a {now}"),
                format!("its link changes from {was} to {now}"),
            ),
            Self::NoGpu => (
                "no indica qué GPU tiene; recibe el tipo sin GPU".into(),
                "names no GPU; gets the type without a GPU".into(),
            ),
            Self::PriceUnusable { what, was, now } => {
                let was = or_nothing(was, language);
                (
                    format!("{what}: {was} no es un precio; se aplica el configurado, {now}"),
                    format!("{what}: {was} is not a price; the configured one applies, {now}"),
                )
            }
            Self::Offer { gpu, offered: true } => (
                format!(
                    "{gpu} no se ofrecía y la configuración lo ofrece; para no ofrecerlo: catalogue.{gpu}.offered = false"
                ),
                format!(
                    "{gpu} was not offered, but the configuration offers it; to stop offering it: catalogue.{gpu}.offered = false"
                ),
            ),
            Self::Offer { gpu, offered: false } => (
                format!(
                    "{gpu} se ofrecía y la configuración no lo ofrece; para ofrecerlo: catalogue.{gpu}.offered = true"
                ),
                format!(
                    "{gpu} was offered, but the configuration does not offer it; to offer it: catalogue.{gpu}.offered = true"
                ),
            ),
            Self::FreeTierUnusable { was } => {
                let was = or_nothing(was, language);
                (
                    format!("freeTier.initialBalance: {was} no es un importe; se aplica el configurado"),
                    format!("freeTier.initialBalance: {was} is not an amount; the configured one applies"),
                )
            }
            Self::PricesThere { version } => (
                format!("la plataforma nueva ya tiene otros precios (versión {version}); estos se ignoran"),
                format!("the new platform already has other prices (version {version}); these are ignored"),
            ),
            Self::PriceListLeft => (
                "no es la lista de precios que usaba el backend antiguo; se ignora".into(),
                "not the price list that the old backend used; ignored".into(),
            ),
            Self::RemovedSince => (
                "se borró en la plataforma nueva; no se vuelve a migrar".into(),
                "was deleted on the new platform; not migrated again".into(),
            ),
            Self::TakenOverInPlace => (
                "ya se migró dentro de esta misma base de datos; no se vuelve a migrar".into(),
                "already migrated inside this same database; not migrated again".into(),
            ),
        };
        language.pick(es, en)
    }
}

//! Documents as the existing backend has written them: plain functions without I/O.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mongodb::bson::{Bson, Document};
use neuropod_core::endpoint::Endpoint;
use neuropod_core::image::ImageReference;
use neuropod_core::meter::{Meter, Price, Reservation};
use neuropod_core::observation::Step;
use neuropod_core::pod::{Environment, Login};
use neuropod_core::template::{DEFAULT_VOLUME_PATH, NamedPort};
use neuropod_core::token::TokenState;
use neuropod_core::{
    AccessToken, AccountKind, Desired, Money, Naming, Pod, PodId, PodSpec, Role, Status, Template, User,
    UserId,
};

use super::Account;

/// The highest balance, either way, that is taken for one: 9,000 million euros. A double is exact to the micro-euro
/// below it.
const HIGHEST_EUROS: f64 = 9e9;
const MICROS_PER_EURO: f64 = 1e6;

/// A document in the making, and what is wrong with it.
pub(super) struct Legacy {
    document: Document,
    problems: Vec<(&'static str, String)>,
}

impl Legacy {
    pub(super) fn new(document: Document) -> Self {
        Self {
            document,
            problems: Vec::new(),
        }
    }

    pub(super) fn end(self) -> (Document, Vec<(&'static str, String)>) {
        (self.document, self.problems)
    }

    fn problem<T>(&mut self, field: &'static str, what: impl Into<String>) -> Option<T> {
        self.problems.push((field, what.into()));
        None
    }

    /// A text that may be missing.
    fn optional(&self, field: &str) -> Option<String> {
        self.document.get_str(field).ok().map(str::to_owned)
    }

    fn text(&mut self, field: &'static str) -> Option<String> {
        match self.optional(field) {
            Some(text) if !text.trim().is_empty() => Some(text),
            _ => self.problem(field, "there is none"),
        }
    }

    /// A size in GB.
    fn size(&mut self, field: &'static str) -> Option<u32> {
        match self.document.get(field).and_then(whole_number) {
            Some(size) => Some(size),
            None => self.problem(field, "it is no whole number"),
        }
    }

    fn image(&mut self) -> Option<ImageReference> {
        let image = self.text("dockerImage")?;
        match image.parse() {
            Ok(image) => Some(image),
            Err(error) => self.problem("dockerImage", format!("{image:?}: {error}")),
        }
    }

    /// A reference to another document.
    fn reference(&self, field: &str) -> Option<String> {
        self.document.get(field).and_then(reference)
    }

    fn id(&mut self) -> Option<String> {
        match self.reference("_id") {
            Some(id) => Some(id),
            None => self.problem("_id", "it is neither an ObjectId nor a text"),
        }
    }

    /// The time of the first of `fields` that is there, else when the document was made.
    fn time(&mut self, fields: &[&str]) -> Option<Timestamp> {
        let dates = fields
            .iter()
            .filter_map(|field| self.document.get_datetime(*field).ok());
        let id = self.document.get_object_id("_id").ok();
        let made = id.map(|id| id.timestamp());
        let time = dates.copied().next().or(made);
        let time = time.and_then(|time| Timestamp::from_millisecond(time.timestamp_millis()).ok());
        match time {
            Some(time) => Some(time),
            None => self.problem("createdAt", "there is none"),
        }
    }

    /// The ports with names in the list `field`.
    fn ports(&mut self, field: &'static str) -> Option<Vec<(NamedPort, Document)>> {
        let list = match self.document.get(field) {
            None | Some(Bson::Null) => return Some(Vec::new()),
            Some(Bson::Array(list)) => list.clone(),
            Some(_) => return self.problem(field, "it is no list"),
        };
        let ports: Option<Vec<_>> = list.iter().map(named_port).collect();
        match ports {
            Some(ports) => Some(ports),
            None => self.problem(field, "not every item has a port and a name"),
        }
    }
}

fn whole_number<N: TryFrom<i64>>(value: &Bson) -> Option<N> {
    let number = match *value {
        Bson::Int32(number) => i64::from(number),
        Bson::Int64(number) => number,
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and in the range")]
        Bson::Double(number) if number.fract() == 0.0 && number.abs() < 1e15 => number as i64,
        _ => return None,
    };
    N::try_from(number).ok()
}

fn reference(value: &Bson) -> Option<String> {
    match value {
        Bson::ObjectId(id) => Some(id.to_hex()),
        Bson::String(id) => Some(id.clone()),
        _ => None,
    }
}

fn named_port(item: &Bson) -> Option<(NamedPort, Document)> {
    let item = item.as_document()?;
    let named = NamedPort {
        port: whole_number(item.get("port")?)?,
        service_name: item.get_str("serviceName").ok()?.to_owned(),
    };
    Some((named, item.clone()))
}

pub(super) fn template(legacy: &mut Legacy) -> Option<Template> {
    let http = legacy.ports("httpPorts");
    let tcp = legacy.ports("tcpPorts");
    let named = |ports: Vec<(NamedPort, Document)>| ports.into_iter().map(|(port, _)| port).collect();
    let (id, name, image) = (legacy.id(), legacy.text("name"), legacy.image());
    let container_disk = legacy.size("containerDiskSize");
    let volume_disk = legacy.size("volumeDiskSize");
    let created_at = legacy.time(&["createdAt"]);
    Some(Template {
        id: id?,
        name: name?,
        docker_image: image?,
        http_ports: named(http?),
        tcp_ports: named(tcp?),
        container_disk_size: container_disk?,
        volume_disk_size: volume_disk?,
        volume_path: legacy
            .optional("volumePath")
            .unwrap_or_else(|| DEFAULT_VOLUME_PATH.to_owned()),
        description: legacy.optional("description").unwrap_or_default(),
        inject_token: true,
        created_at: created_at?,
        version: 1,
    })
}

pub(super) fn user(legacy: &mut Legacy) -> Option<User> {
    let (id, email) = (legacy.id(), legacy.text("email"));
    let role = match legacy.optional("role").as_deref() {
        Some("client") => Some(Role::Client),
        Some("admin") => Some(Role::Admin),
        _ => legacy.problem("role", "it is neither \"client\" nor \"admin\""),
    };
    let registration_date = legacy.time(&["registrationDate", "createdAt"]);
    let email = email?;
    Some(User {
        id: UserId::new(id?),
        name: legacy.optional("name").unwrap_or_else(|| email.clone()),
        email,
        role: role?,
        suspended: legacy.document.get_bool("suspended").unwrap_or(false),
        daily_cap: None,
        avatar: legacy.optional("avatar"),
        ended_sessions: Vec::new(),
        registration_date: registration_date?,
        version: 1,
    })
}

/// What becomes of the balance of a user.
pub(super) fn account(legacy: &mut Legacy, role: Role) -> Option<Account> {
    if role == Role::Admin {
        return Some(Account {
            kind: AccountKind::Unlimited,
            balance: Money::ZERO,
        });
    }
    let euros = match legacy.document.get("balance") {
        None | Some(Bson::Null) => 0.0,
        Some(Bson::Double(euros)) => *euros,
        Some(Bson::Int32(euros)) => f64::from(*euros),
        Some(Bson::Int64(euros)) => match i32::try_from(*euros) {
            Ok(euros) => f64::from(euros),
            Err(_) => return legacy.problem("balance", format!("{euros} is no amount")),
        },
        Some(_) => return legacy.problem("balance", "it is no number"),
    };
    if !euros.is_finite() || euros.abs() > HIGHEST_EUROS {
        return legacy.problem("balance", format!("{euros} is no amount of a client"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is in the range, see above")]
    let micros = (euros * MICROS_PER_EURO).round() as i64;
    Some(Account {
        kind: AccountKind::Prepaid,
        balance: Money::from_micros(micros),
    })
}

/// A pod, stopped: what runs of it is unknown to the platform.
pub(super) fn pod(
    legacy: &mut Legacy,
    naming: &Naming,
    templates: &BTreeMap<String, &Template>,
) -> Option<Pod> {
    let id: Option<PodId> = match legacy.text("podId")?.parse() {
        Ok(id) => Some(id),
        Err(_) => legacy.problem("podId", "it has not 16 lower-case hexadecimal digits"),
    };
    let name = legacy.text("podName");
    let slug = match name.as_deref().map(|name| naming.slug(name)) {
        Some(Ok(slug)) => Some(slug),
        Some(Err(error)) => legacy.problem("podName", error.to_string()),
        None => None,
    };
    let owner = match legacy.reference("userId") {
        Some(owner) => Some(UserId::new(owner)),
        None => legacy.problem("userId", "it is neither an ObjectId nor a text"),
    };
    let owner_hash = match legacy.text("userHash").map(|hash| hash.parse()) {
        Some(Ok(hash)) => Some(hash),
        Some(Err(_)) => legacy.problem("userHash", "it is none"),
        None => None,
    };
    let services = legacy.ports("httpServices");
    let (image, gpu) = (legacy.image(), legacy.text("gpu"));
    let container_disk = legacy.size("containerDiskSize");
    let volume_disk = legacy.size("volumeDiskSize");
    let created_at = legacy.time(&["createdAt"]);
    let active_at = legacy.time(&["lastActive", "createdAt"]);

    let (owner, owner_hash, services) = (owner?, owner_hash?, services?);
    let template = legacy.reference("templateId");
    let known_template = template.as_ref().and_then(|id| templates.get(id));
    let jupyter = legacy.document.get_bool("enableJupyter").unwrap_or(false);
    let resources = legacy.document.get_document("kubernetesResources").ok();
    let volume = resources.and_then(|resources| resources.get_str("pvcName").ok());
    let token = services
        .iter()
        .find_map(|(_, service)| service.get_str("jupyterToken").ok());
    Some(Pod {
        id: id?,
        version: 1,
        created_by: legacy
            .reference("createdBy")
            .map_or_else(|| owner.clone(), UserId::new),
        name: name?,
        slug: slug?,
        spec: PodSpec {
            image: image?,
            gpu: gpu?,
            container_disk_gb: container_disk?,
            volume_disk_gb: volume_disk?,
            mount_path: known_template.map_or_else(
                || DEFAULT_VOLUME_PATH.to_owned(),
                |template| template.volume_path.clone(),
            ),
            volume: volume.map_or_else(|| naming.workspace(&owner_hash), str::to_owned),
            namespace: None,
            endpoints: services.iter().map(endpoint).collect(),
            jupyter,
            inject_token: jupyter && known_template.is_none_or(|template| template.inject_token),
            daily_cap: None,
            chosen_token: None,
            environment: Environment::default(),
            template,
        },
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
            reservation: Reservation::None,
            ..Meter::opening(Price::default())
        },
        charged: Money::ZERO,
        spent: None,
        owner_cap: None,
        volume_deletion: None,
        started_at: None,
        attempts: 0,
        failing_since: None,
        retry_at: None,
        request_digest: None,
        created_at: created_at?,
        requested_at: active_at?,
        updated_at: active_at?,
        owner,
        owner_hash,
    })
}

fn endpoint((named, service): &(NamedPort, Document)) -> Endpoint {
    Endpoint {
        port: named.port,
        service_name: named.service_name.clone(),
        is_custom: service.get_bool("isCustom").unwrap_or(false),
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    fn balance(balance: impl Into<Bson>, role: Role) -> Result<Account, String> {
        let mut legacy = Legacy::new(doc! { "balance": balance.into() });
        account(&mut legacy, role).ok_or_else(|| legacy.end().1[0].1.clone())
    }

    #[test]
    fn a_balance_is_rounded_to_the_micro_euro() {
        for (euros, micros) in [
            (0.1 + 0.2, 300_000),
            (9.700_000_000_000_001, 9_700_000),
            (-0.3, -300_000),
            (HIGHEST_EUROS, 9_000_000_000_000_000),
        ] {
            let account = balance(euros, Role::Client).unwrap();
            assert_eq!(account.balance, Money::from_micros(micros), "{euros}");
            assert_eq!(account.kind, AccountKind::Prepaid);
        }
        let account = balance(7_i64, Role::Client).unwrap();
        assert_eq!(account.balance, Money::from_cents(700));
    }

    #[test]
    fn only_administrators_are_infinitely_rich() {
        for euros in [f64::INFINITY, f64::NAN, 3.5] {
            let account = balance(euros, Role::Admin).unwrap();
            assert_eq!(
                (account.kind, account.balance),
                (AccountKind::Unlimited, Money::ZERO)
            );
        }
        for euros in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e18] {
            assert!(balance(euros, Role::Client).is_err(), "{euros}");
        }
        assert!(balance(i64::MAX, Role::Client).is_err());
        assert!(balance("Infinity", Role::Client).is_err());
    }

    #[test]
    fn javascript_has_one_kind_of_numbers() {
        for whole in [Bson::Int32(20), Bson::Int64(20), Bson::Double(20.0)] {
            assert_eq!(whole_number::<u32>(&whole), Some(20));
        }
        for other in [
            Bson::Double(1.5),
            Bson::Double(f64::NAN),
            Bson::Int32(-1),
            "20".into(),
        ] {
            assert_eq!(whole_number::<u32>(&other), None, "{other}");
        }
    }
}

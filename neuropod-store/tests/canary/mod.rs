//! A pod with recognisable secrets, and everything that a platform stores beside it.

use jiff::Timestamp;
use neuropod_core::money::billing::{Details, Hold};
use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::pod::{Jupyter, Login};
use neuropod_core::store::audit::{
    AuditAction, AuditChange, AuditEntry, AuditId, AuditLog, AuditOutcome, AuditPerson, AuditTarget,
};
use neuropod_core::store::{Outcome, PastRequest, Store};
use neuropod_core::token::{AccessToken, TokenState};
use neuropod_core::{Billing, Money, Pod, PriceList, Role, Template, User, UserId};

/// The chosen token, the injected one, the one found in the log, and the value of a variable.
pub(crate) const ALL: [&str; 4] = [
    "canary-chosen",
    "canary-injected",
    "canary-found",
    "canary-variable",
];

/// Writes to every table and collection.
pub(crate) async fn fill(store: &(impl Store + Billing + AuditLog)) {
    let now = Timestamp::from_second(1_767_225_845).unwrap();
    let ana = UserId::new("ana");
    let sample = Pod::sample(now);
    let options = sample
        .options
        .with_jupyter(Jupyter::Chosen(AccessToken::new(ALL[0])))
        .with_variable("HF_TOKEN", ALL[3]);
    let pod = Pod {
        options: options.clone(),
        login: Login {
            injected: Some(AccessToken::new(ALL[1])),
            found: TokenState::Generated(AccessToken::new(ALL[2])),
            ..sample.login
        },
        ..sample
    };
    let pod = store.insert(&pod).await.unwrap();
    let pod = store.update(&pod).await.unwrap();
    let user = User {
        id: ana.clone(),
        email: "ana@example.com".into(),
        name: "Ana".into(),
        role: Role::Client,
        identity: None,
        email_verified: true,
        suspended: false,
        deleted: false,
        daily_cap: None,
        extra: [("avatar".to_owned(), "https://example.com/a.png".into())].into(),
        registration_date: now,
        version: 0,
    };
    store.insert_user(&user).await.unwrap();
    let gone = User {
        id: UserId::new("gone"),
        email: "gone@example.com".into(),
        ..user
    };
    store.insert_user(&gone).await.unwrap();
    store.remove_user(&gone.id).await.unwrap();
    let template = Template::new("template", "Scipy", options, now);
    store.insert_template(&template).await.unwrap();
    store.add_prices(&PriceList::default()).await.unwrap();
    let request = PastRequest {
        id: pod.id.clone(),
        digest: "0123".into(),
        outcome: Outcome::Deleted,
        created_at: now,
    };
    store.keep_request(&request).await.unwrap();
    store.open(&ana, AccountKind::Unlimited).await.unwrap();
    store
        .deposit("payment", &ana, Money::from_cents(100))
        .await
        .unwrap();
    let details = Details {
        pod: Some(pod.id.clone()),
        pod_name: Some(pod.name.clone()),
        ..Details::default()
    };
    let hold = Hold {
        details,
        ..Hold::new("hold", &ana, Money::from_cents(1))
    };
    store.hold(&hold).await.unwrap();
    store.release("hold").await.unwrap();
    let person = AuditPerson { id: ana, email: None };
    let entry = AuditEntry {
        id: AuditId::random(),
        at: now,
        actor: person.clone(),
        address: None,
        action: AuditAction::PodStopped,
        target: AuditTarget::Pod {
            id: pod.id,
            name: pod.name,
            owner: person,
        },
        change: Some(AuditChange::new(None, Some("stopped".into()))),
        outcome: AuditOutcome::Done,
    };
    store.record(&entry).await.unwrap();
}

/// The collections whose documents have a field for secrets, with the secrets in them.
pub(crate) const KEPT: [(&str, &[&str]); 2] = [("pods", &ALL), ("templates", &[ALL[0], ALL[3]])];

/// Checks that the field for secrets has each of these once.
pub(crate) fn check_secrets(field: &str, canaries: &[&str]) {
    for canary in canaries {
        assert_eq!(field.matches(canary).count(), 1, "{canary}");
    }
}

/// Checks that a text contains none of them.
pub(crate) fn check_clean(place: &str, text: &str) {
    for canary in ALL {
        assert!(!text.contains(canary), "{canary} is in {place}: {text}");
    }
}

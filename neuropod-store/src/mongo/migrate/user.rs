//! Users and their balances.

use jiff::Timestamp;
use mongodb::bson::Bson;
use neuropod_core::money::AccountKind;
use neuropod_core::{Money, Role, User, UserId};

use super::finding::Oddity;
use super::old::{Old, number, shown};

/// The largest amount that is valid, positive or negative: 9,000 million euros. Below it a double is exact to
/// the micro-euro.
const HIGHEST_EUROS: f64 = 9e9;
const MICROS_PER_EURO: f64 = 1e6;

/// The account of a migrated user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) kind: AccountKind,
    pub(super) balance: Money,
}

/// A placeholder for a missing address. Nobody can sign in with it, because RFC 2606 reserves the domain.
pub(super) fn placeholder(id: &str) -> String {
    format!("{id}@missing.invalid")
}

pub(super) fn read(old: &mut Old<'_>, in_place: bool, now: Timestamp) -> Option<(User, Account)> {
    let id = old.own_id(in_place)?;
    let email = old.text("email").unwrap_or_else(|| {
        let address = placeholder(&id);
        old.report(Oddity::NoAddress { now: address.clone() });
        address
    });
    let role = match old.text("role").map(|role| role.to_lowercase()).as_deref() {
        // The default of the existing backend.
        None | Some("client") => Role::Client,
        Some("admin") => Role::Admin,
        Some(_) => {
            let was = shown(old.get("role"));
            old.report(Oddity::RoleUnknown { was });
            Role::Client
        }
    };
    let account = account(old, role);
    let user = User {
        id: UserId::new(id),
        name: old.text("name").unwrap_or_else(|| email.clone()),
        email,
        role,
        suspended: old.flag("suspended").unwrap_or(false),
        daily_cap: None,
        identity: None,
        email_verified: false,
        deleted: false,
        extra: old
            .text("avatar")
            .map(|avatar| ("avatar".to_owned(), avatar.into()))
            .into_iter()
            .collect(),
        registration_date: old.time(&["registrationDate", "createdAt"], now),
        version: 1,
    };
    Some((user, account))
}

fn account(old: &mut Old<'_>, role: Role) -> Account {
    if role == Role::Admin {
        return Account {
            kind: AccountKind::Unlimited,
            balance: Money::ZERO,
        };
    }
    let balance = match old.get("balance") {
        None => {
            old.report(Oddity::NoBalance);
            Money::ZERO
        }
        Some(value) => money(value).unwrap_or_else(|| {
            let was = shown(Some(value));
            old.report(Oddity::BalanceUnusable { was });
            Money::ZERO
        }),
    };
    if balance.is_negative() {
        old.report(Oddity::Debt { balance });
    }
    Account {
        kind: AccountKind::Prepaid,
        balance,
    }
}

/// An amount in euros, rounded to the micro-euro; `None` if it is invalid.
pub(super) fn money(value: &Bson) -> Option<Money> {
    let euros = number(value)?;
    if !euros.is_finite() || euros.abs() > HIGHEST_EUROS {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is in the range, see above")]
    let micros = (euros * MICROS_PER_EURO).round() as i64;
    Some(Money::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{Document, doc};

    use super::super::finding::Finding;
    use super::*;

    fn read_document(document: &Document) -> (Option<(User, Account)>, Vec<Finding>) {
        let mut old = Old::new(document, "users");
        let read = read(&mut old, true, Timestamp::UNIX_EPOCH);
        (read, old.findings())
    }

    fn balance(balance: impl Into<Bson>, role: &str) -> (Account, usize) {
        let document = doc! { "_id": "a", "email": "a@example.com", "role": role, "balance": balance.into(),
        "createdAt": "2024-06-04T11:20:00Z" };
        let (read, findings) = read_document(&document);
        (read.unwrap().1, findings.len())
    }

    #[test]
    fn a_balance_is_rounded_to_the_micro_euro() {
        for (euros, micros) in [
            (Bson::Double(0.1 + 0.2), 300_000),
            (Bson::Double(9.700_000_000_000_001), 9_700_000),
            (Bson::Double(HIGHEST_EUROS), 9_000_000_000_000_000),
            (Bson::Int64(7), 7_000_000),
            (Bson::Int64(3_000_000_000), 3_000_000_000_000_000),
            (" 10.5 ".into(), 10_500_000),
            (Bson::Decimal128("2.5".parse().unwrap()), 2_500_000),
        ] {
            let (account, reported) = balance(euros.clone(), "client");
            assert_eq!(account.balance, Money::from_micros(micros), "{euros}");
            assert_eq!((account.kind, reported), (AccountKind::Prepaid, 0), "{euros}");
        }
        let (account, reported) = balance(-0.3, "client");
        assert_eq!((account.balance, reported), (Money::from_cents(-30), 1));
    }

    #[test]
    fn only_administrators_are_infinitely_rich() {
        for euros in [
            f64::INFINITY.into(),
            f64::NAN.into(),
            3.5.into(),
            "Infinity".into(),
            Bson::Null,
        ] {
            let (account, reported) = balance(euros, "admin");
            assert_eq!(
                (account.kind, account.balance, reported),
                (AccountKind::Unlimited, Money::ZERO, 0)
            );
        }
        for euros in [
            f64::INFINITY.into(),
            f64::NEG_INFINITY.into(),
            f64::NAN.into(),
            1e18.into(),
            Bson::Int64(i64::MAX),
            "Infinity".into(),
            "ten".into(),
            Bson::Boolean(true),
            Bson::Null,
        ] {
            let (account, reported) = balance(Bson::clone(&euros), "client");
            assert_eq!(
                (account.kind, account.balance, reported),
                (AccountKind::Prepaid, Money::ZERO, 1),
                "{euros}"
            );
        }
    }

    #[test]
    fn users_with_missing_fields_are_kept() {
        let (read, findings) = read_document(&doc! { "_id": "a" });
        let (user, account) = read.unwrap();
        assert_eq!(user.email, "a@missing.invalid");
        assert_eq!((user.role, account.balance), (Role::Client, Money::ZERO));
        // No address, no balance, no date.
        assert_eq!(findings.len(), 3, "{findings:#?}");
        let (read, findings) = read_document(
            &doc! { "_id": "a", "email": " Ana@Example.com\u{200B}", "role": "owner",
            "balance": 1, "createdAt": "2024-06-04T11:20:00Z" },
        );
        let (user, _) = read.unwrap();
        assert_eq!(
            (user.email.as_str(), user.name.as_str()),
            ("Ana@Example.com", "Ana@Example.com")
        );
        assert_eq!((user.role, findings.len()), (Role::Client, 1));
        for id in [
            Bson::Int32(7),
            Bson::Null,
            "".into(),
            "665f1f77bcf86cd799439011".into(),
        ] {
            let (read, findings) = read_document(&doc! { "_id": id });
            assert!(read.is_none() && findings.len() == 1);
        }
    }
}

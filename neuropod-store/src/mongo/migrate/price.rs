//! The price list: one document of the existing backend in `pricings`.

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document};
use neuropod_core::cluster::Catalogue;
use neuropod_core::money::pricing::OpeningCredit;
use neuropod_core::{Money, PriceList};

use super::finding::Oddity;
use super::old::{Old, id_of, shown};
use super::user::money;

/// The `_id` of the document that the existing backend reads; it creates no other.
const ID: &str = "507f1f77bcf86cd799439011";

/// The document that applies, and the ids of the others.
pub(super) fn choose(documents: &[Document]) -> Option<(&Document, Vec<String>)> {
    let is_read = |document: &&Document| {
        let id = document.get("_id");
        id == ObjectId::parse_str(ID).ok().map(Bson::ObjectId).as_ref()
            || id == Some(&Bson::String(ID.into()))
    };
    let chosen = documents.iter().find(is_read).or_else(|| documents.last())?;
    let others = documents
        .iter()
        .filter(|document| !std::ptr::eq(*document, chosen));
    Some((chosen, others.map(id_of).collect()))
}

/// The price list. Prices that are missing or can't be charged stay as in `configured`; the latter are
/// reported.
pub(super) fn read(old: &mut Old<'_>, configured: &PriceList, catalogue: &Catalogue) -> PriceList {
    let mut list = PriceList {
        version: 0,
        ..configured.clone()
    };
    let document = old.document();
    let part = |field: &str| document.get_document(field).ok();
    match part("gpus") {
        Some(gpus) => {
            for (id, gpu) in gpus {
                let given = gpu.as_document().map_or(Some(gpu), |gpu| gpu.get("price"));
                let kept = configured.gpus.get(id).copied().unwrap_or(configured.other_gpu);
                let price = price(old, given, id, kept);
                list.gpus.insert(id.clone(), price);
                let available = gpu.as_document().and_then(|gpu| gpu.get_bool("available").ok());
                let offered = catalogue.get(id).map(|gpu| gpu.offered);
                if let (Some(available), Some(offered)) = (available, offered)
                    && available != offered
                {
                    old.report(Oddity::Offer {
                        gpu: id.clone(),
                        offered,
                    });
                }
            }
        }
        None => old.report(Oddity::PriceUnusable {
            what: "gpus".into(),
            was: shown(document.get("gpus")),
            now: configured.other_gpu,
        }),
    }
    let disk = |disk: &str| {
        let disk = part("storage")?.get(disk)?;
        disk.as_document().map_or(Some(disk), |disk| disk.get("price"))
    };
    list.container_disk_gb = price(
        old,
        disk("containerDisk"),
        "storage.containerDisk",
        configured.container_disk_gb,
    );
    list.volume_disk_gb = price(
        old,
        disk("volumeDisk"),
        "storage.volumeDisk",
        configured.volume_disk_gb,
    );
    if let Some(tier) = part("freeTier") {
        let enabled = tier.get_bool("enabled").unwrap_or(true);
        let given = tier.get("initialBalance");
        let amount = given.and_then(money).filter(|price| is_chargeable(*price));
        // An amount that is disabled may be anything; it becomes 0.
        match amount.or((!enabled).then_some(Money::ZERO)) {
            Some(amount) => list.opening_credit = Some(OpeningCredit { enabled, amount }),
            None => old.report(Oddity::FreeTierUnusable { was: shown(given) }),
        }
    }
    list
}

/// A price per hour. If it can't be charged, this is reported and `kept` is used.
fn price(old: &mut Old<'_>, given: Option<&Bson>, what: &str, kept: Money) -> Money {
    given
        .and_then(money)
        .filter(|price| is_chargeable(*price))
        .unwrap_or_else(|| {
            old.report(Oddity::PriceUnusable {
                what: what.to_owned(),
                was: shown(given),
                now: kept,
            });
            kept
        })
}

/// Whether the library accepts the price.
fn is_chargeable(price: Money) -> bool {
    let list = PriceList {
        other_gpu: price,
        ..PriceList::default()
    };
    list.validate().is_ok()
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    fn read_document(document: &Document) -> (PriceList, Vec<Oddity>) {
        let mut old = Old::new(document, "pricings");
        let prices = read(&mut old, &PriceList::default(), &Catalogue::default());
        let findings = old.findings();
        (
            prices,
            findings.into_iter().map(|finding| finding.oddity).collect(),
        )
    }

    #[test]
    fn prices_are_those_of_the_old_list() {
        let (list, odd) = read_document(&doc! {
            "gpus": { "rtx-4050": { "price": 3.33 }, "rtx-4080": { "price": "4.99", "available": false }, "rtx-4090": { "price": 9, "available": true } },
            "storage": { "containerDisk": { "price": 0.05 }, "volumeDisk": { "price": 0.1 } },
            "freeTier": { "enabled": true, "initialBalance": 25 },
        });
        assert_eq!(odd, []);
        assert_eq!(list.quote("rtx-4050", 1, 1).gpu, Money::from_cents(333));
        assert_eq!(list.quote("rtx-4080", 1, 1).gpu, Money::from_cents(499));
        assert_eq!(list.quote("rtx-4090", 1, 1).gpu, Money::from_cents(900));
        assert_eq!(
            (list.container_disk_gb, list.volume_disk_gb),
            (Money::from_cents(5), Money::from_cents(10))
        );
        assert_eq!(
            list.opening_credit.map(|credit| credit.credit()),
            Some(Money::from_cents(2500))
        );
    }

    #[test]
    fn an_unusable_price_is_reported() {
        for wrong in [
            Bson::Double(-3.0),
            Bson::Double(f64::NAN),
            Bson::Double(f64::INFINITY),
            Bson::Double(1e7),
            "gratis".into(),
            Bson::Null,
            Bson::Boolean(true),
            Bson::Array(Vec::new()),
        ] {
            let (prices, odd) = read_document(&doc! {
                "gpus": { "rtx-4090": { "price": wrong.clone() } },
                "storage": { "containerDisk": { "price": wrong.clone() }, "volumeDisk": { "price": 0.1 } },
            });
            assert_eq!(odd.len(), 2, "{wrong}: {odd:?}");
            assert!(
                odd.iter().all(|odd| matches!(odd, Oddity::PriceUnusable { .. })),
                "{odd:?}"
            );
            assert_eq!(
                prices.quote("rtx-4090", 1, 1).gpu,
                Money::from_cents(250),
                "as configured"
            );
        }
        let (_, odd) = read_document(&doc! {});
        assert_eq!(odd.len(), 3, "no GPUs, no disks: {odd:?}");
    }

    #[test]
    fn contradictory_offers_and_unusable_credit_are_reported() {
        let storage = doc! { "containerDisk": { "price": 1 }, "volumeDisk": { "price": 1 } };
        let (_, odd) = read_document(&doc! {
            "gpus": { "rtx-4090": { "price": 1, "available": false } }, "storage": storage.clone(),
            "freeTier": { "enabled": true, "initialBalance": -1 },
        });
        assert!(
            matches!(
                &odd[..],
                [
                    Oddity::Offer { offered: true, .. },
                    Oddity::FreeTierUnusable { .. }
                ]
            ),
            "{odd:?}"
        );
        let (prices, _) = read_document(
            &doc! { "gpus": {}, "storage": storage, "freeTier": { "enabled": false, "initialBalance": 7 } },
        );
        assert_eq!(
            prices.opening_credit.map(|credit| credit.credit()),
            Some(Money::ZERO)
        );
    }

    #[test]
    fn the_document_with_the_known_id_applies() {
        let known = doc! { "_id": ObjectId::parse_str(ID).unwrap(), "a": 1 };
        let other = doc! { "_id": "b" };
        let documents = [known.clone(), other.clone()];
        assert_eq!(choose(&documents), Some((&known, vec!["b".to_owned()])));
        assert_eq!(choose(std::slice::from_ref(&other)), Some((&other, Vec::new())));
        assert_eq!(choose(&[]), None);
    }
}

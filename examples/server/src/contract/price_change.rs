//! Checks changes of prices by administrators.

use neuropod::error::{Problem, ValidationErrors, Violation};
use neuropod::money::OpeningCredit;
use neuropod::{Error, Money, PriceList};
use serde_json::{Map, Value};

use crate::contract::amount;
use crate::contract::failure::Failure;
use crate::contract::pricing::PricingView;

/// The prices after a change; `credit` is the credit of new clients before it.
pub(crate) fn apply(
    stored: &PriceList,
    shown: &PricingView,
    credit: OpeningCredit,
    change: &Value,
) -> Result<PriceList, Failure> {
    if !change.is_object() {
        return Err(Failure::field("body", Violation::Malformed));
    }
    let mut prices = stored.clone();
    let mut problems = Vec::new();
    for (id, gpu) in part(change, "gpus", &mut problems).into_iter().flatten() {
        if !shown.gpus.contains_key(id) {
            problems.push(Problem::new("gpus", Violation::GpuUnknown));
        } else if let Some(price) = price(gpu, "gpus", &mut problems) {
            prices.gpus.insert(id.clone(), price);
        }
    }
    for (id, disk) in part(change, "storage", &mut problems).into_iter().flatten() {
        let (field, stored) = match id.as_str() {
            "containerDisk" => ("containerDisk", &mut prices.container_disk_gb),
            "volumeDisk" => ("volumeDisk", &mut prices.volume_disk_gb),
            _ => continue,
        };
        if let Some(price) = price(disk, field, &mut problems) {
            *stored = price;
        }
    }
    let becomes = free_tier(change, credit, &mut problems);
    if becomes != credit {
        prices.opening_credit = Some(becomes);
    }
    ValidationErrors::check(problems).map_err(Error::from)?;
    prices.validate().map_err(Error::from)?;
    Ok(prices)
}

/// The credit of new clients after a change; adds problems if it is invalid.
fn free_tier(change: &Value, before: OpeningCredit, problems: &mut Vec<Problem>) -> OpeningCredit {
    let mut becomes = before;
    let Some(change) = part(change, "freeTier", problems) else {
        return becomes;
    };
    match change.get("enabled") {
        None => {}
        Some(Value::Bool(enabled)) => becomes.enabled = *enabled,
        Some(_) => problems.push(Problem::new("enabled", Violation::WrongType)),
    }
    match change.get("initialBalance") {
        None => {}
        Some(Value::Number(amount)) => match amount.as_f64().and_then(amount::exact) {
            Some(amount) => becomes.amount = amount,
            None => problems.push(Problem::new("initialBalance", Violation::Amount)),
        },
        Some(_) => problems.push(Problem::new("initialBalance", Violation::WrongType)),
    }
    becomes
}

/// A part of the change.
fn part<'a>(
    change: &'a Value,
    field: &'static str,
    problems: &mut Vec<Problem>,
) -> Option<&'a Map<String, Value>> {
    let found = change.get(field)?;
    if !found.is_object() {
        problems.push(Problem::new(field, Violation::WrongType));
    }
    found.as_object()
}

/// The price of an item; `None` if it does not change, or is invalid.
fn price(of: &Value, field: &'static str, problems: &mut Vec<Problem>) -> Option<Money> {
    let violation = match of.as_object().map(|of| of.get("price")) {
        Some(None) => return None,
        Some(Some(Value::Number(amount))) => match amount.as_f64().and_then(amount::exact) {
            Some(price) => return Some(price),
            None => Violation::Amount,
        },
        _ => Violation::WrongType,
    };
    problems.push(Problem::new(field, violation));
    None
}

/// Whether the change contains anything else, which would be lost silently.
pub(crate) fn asks_for_more(shown: &PricingView, change: &Value, becomes: &PricingView) -> bool {
    let mut asked = serde_json::to_value(shown).unwrap_or_default();
    merge(&mut asked, change);
    without_free(asked) != without_free(serde_json::to_value(becomes).unwrap_or_default())
}

/// Merges a document into another, object by object.
fn merge(onto: &mut Value, change: &Value) {
    match (onto, change) {
        (Value::Object(onto), Value::Object(change)) => {
            for (key, value) in change {
                merge(onto.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Number(old), Value::Number(new)) if old.as_f64() == new.as_f64() => {}
        (onto, change) => onto.clone_from(change),
    }
}

/// The number of free GPUs changes by itself: sending back a received document changes nothing.
fn without_free(mut pricing: Value) -> Value {
    for gpu in pricing["gpus"].as_object_mut().into_iter().flatten() {
        if let Some(gpu) = gpu.1.as_object_mut() {
            gpu.remove("free");
        }
    }
    floating(&mut pricing);
    pricing
}

/// Converts every number to floating point: 5 is 5.0.
fn floating(value: &mut Value) {
    match value {
        Value::Number(number) => *value = number.as_f64().into(),
        Value::Array(items) => items.iter_mut().for_each(floating),
        Value::Object(fields) => fields.values_mut().for_each(floating),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use neuropod::cluster::Catalogue;
    use neuropod::message::Language;
    use serde_json::json;

    use neuropod::pod::Limits;

    use super::*;

    fn shown(prices: &PriceList) -> PricingView {
        let offer = (&Catalogue::default(), &Limits::default());
        PricingView::of(prices, offer, None, CREDIT, Language::Es)
    }

    const CREDIT: OpeningCredit = OpeningCredit {
        enabled: true,
        amount: Money::from_cents(1000),
    };

    #[test]
    fn a_part_of_the_prices_can_be_changed() {
        let stored = PriceList::default();
        let change =
            json!({ "gpus": { "rtx-4090": { "price": 3 } }, "storage": { "volumeDisk": { "price": 0.02 } } });
        let prices = apply(&stored, &shown(&stored), CREDIT, &change).unwrap();
        assert_eq!(prices.gpus["rtx-4090"], Money::from_cents(300));
        assert_eq!(prices.gpus["rtx-4050"], Money::from_cents(50));
        assert_eq!(prices.volume_disk_gb, Money::from_cents(2));
    }

    #[test]
    fn the_opening_credit_can_be_enabled_and_changed_separately() {
        let stored = PriceList::default();
        let becomes = |change: Value| {
            let prices = apply(&stored, &shown(&stored), CREDIT, &json!({ "freeTier": change })).unwrap();
            prices
                .opening_credit
                .map(|credit| (credit.enabled, credit.amount))
        };
        let ten = Money::from_cents(1000);
        assert_eq!(becomes(json!({ "enabled": false })), Some((false, ten)));
        assert_eq!(
            becomes(json!({ "initialBalance": 2.5 })),
            Some((true, Money::from_cents(250)))
        );
        let both = becomes(json!({ "enabled": false, "initialBalance": 0 }));
        assert_eq!(both, Some((false, Money::ZERO)));
        // Sending back the shown values changes nothing, so the configuration still applies.
        assert_eq!(becomes(json!({ "enabled": true, "initialBalance": 10 })), None);
        assert_eq!(becomes(json!({})), None);
    }

    #[test]
    fn unusable_prices_are_refused() {
        let stored = PriceList::default();
        let wrong = [
            json!({ "gpus": { "rtx-4090": { "price": -1 } } }),
            json!({ "gpus": { "rtx-4090": { "price": "3" } } }),
            json!({ "gpus": { "rtx-9999": { "price": 1 } } }),
            json!({ "gpus": 7 }),
            json!({ "gpus": { "rtx-4090": 3 } }),
            json!({ "storage": [] }),
            json!({ "storage": { "containerDisk": null } }),
            json!({ "storage": { "volumeDisk": { "price": 1e18 } } }),
            json!({ "freeTier": true }),
            json!({ "freeTier": { "enabled": "yes" } }),
            json!({ "freeTier": { "enabled": null } }),
            json!({ "freeTier": { "initialBalance": -1 } }),
            json!({ "freeTier": { "initialBalance": "10" } }),
            json!({ "freeTier": { "initialBalance": 0.000_000_1 } }),
            json!({ "freeTier": { "initialBalance": 1_000_001 } }),
            json!([]),
        ];
        for change in wrong {
            assert!(
                apply(&stored, &shown(&stored), CREDIT, &change).is_err(),
                "{change}"
            );
        }
    }
}

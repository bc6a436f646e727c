//! What administrators say of prices, checked.

use neuropod::{Error, Money, PriceList, Problem, ValidationErrors, Violation};
use serde_json::{Map, Value};

use crate::euros;
use crate::failure::Failure;
use crate::view::pricing::PricingView;

/// The prices after a change.
pub(super) fn apply(stored: &PriceList, shown: &PricingView, change: &Value) -> Result<PriceList, Failure> {
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
    ValidationErrors::check(problems).map_err(Error::from)?;
    prices.validate().map_err(Error::from)?;
    Ok(prices)
}
/// A part of it.
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

/// The price of what has one; `None`: it stays, or has a problem.
fn price(of: &Value, field: &'static str, problems: &mut Vec<Problem>) -> Option<Money> {
    let violation = match of.as_object().map(|of| of.get("price")) {
        Some(None) => return None,
        Some(Some(Value::Number(amount))) => match amount.as_f64().and_then(euros::price) {
            Some(price) => return Some(price),
            None => Violation::Amount,
        },
        _ => Violation::WrongType,
    };
    problems.push(Problem::new(field, violation));
    None
}

/// Whether it asks for anything that is no price: that would be lost without a word.
pub(super) fn asks_for_more(shown: &PricingView, change: &Value, becomes: &PricingView) -> bool {
    let mut asked = serde_json::to_value(shown).unwrap_or_default();
    merge(&mut asked, change);
    without_free(asked) != without_free(serde_json::to_value(becomes).unwrap_or_default())
}

/// Lays one document over another, object by object.
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

/// How many GPUs are free changes by itself: whoever sends back what they got changes nothing.
fn without_free(mut pricing: Value) -> Value {
    for gpu in pricing["gpus"].as_object_mut().into_iter().flatten() {
        if let Some(gpu) = gpu.1.as_object_mut() {
            gpu.remove("free");
            if let Some(price) = gpu.get_mut("price") {
                *price = price.as_f64().into();
            }
        }
    }
    for disk in ["/storage/containerDisk/price", "/storage/volumeDisk/price"] {
        if let Some(price) = pricing.pointer_mut(disk) {
            *price = price.as_f64().into();
        }
    }
    pricing
}

#[cfg(test)]
mod tests {
    use neuropod::Catalogue;
    use neuropod::message::Language;
    use serde_json::json;

    use super::*;

    fn shown(prices: &PriceList) -> PricingView {
        PricingView::of(
            prices,
            &Catalogue::default(),
            None,
            Money::from_cents(1000),
            Language::Es,
        )
    }

    #[test]
    fn a_part_of_the_prices_can_be_changed() {
        let stored = PriceList::default();
        let change =
            json!({ "gpus": { "rtx-4090": { "price": 3 } }, "storage": { "volumeDisk": { "price": 0.02 } } });
        let prices = apply(&stored, &shown(&stored), &change).unwrap();
        assert_eq!(prices.gpus["rtx-4090"], Money::from_cents(300));
        assert_eq!(prices.gpus["rtx-4050"], Money::from_cents(50));
        assert_eq!(prices.volume_disk_gb, Money::from_cents(2));
    }

    #[test]
    fn what_can_not_be_charged_is_refused() {
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
            json!([]),
        ];
        for change in wrong {
            assert!(apply(&stored, &shown(&stored), &change).is_err(), "{change}");
        }
    }
}

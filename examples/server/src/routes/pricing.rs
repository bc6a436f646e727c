//! Prices: for all to read, for administrators to change.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use neuropod::message::Language;
use neuropod::{Actor, PriceList, Violation};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::{App, Shared};
use crate::auth::{Admin, Caller};
use crate::euros;
use crate::failure::{Failure, FailureBody};
use crate::language::Asked;
use crate::reply::{Answer, Body, data};
use crate::view::pricing::{CostView, GpuView, PricingView};

/// The most hours that a cost is calculated for: ten years.
const MAX_HOURS: f64 = 87_600.0;

/// What a pod would be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CostBody {
    /// The GPU type.
    gpu: String,
    /// In GB.
    #[schema(minimum = 1, maximum = 100)]
    container_disk_size: u32,
    /// In GB.
    #[schema(minimum = 1, maximum = 150)]
    volume_disk_size: u32,
    /// For how long; one hour unless given.
    hours: Option<f64>,
}

/// The prices.
#[utoipa::path(get, path = "/api/pricing/public", tag = "Pricing", responses((status = 200, body = Answer<PricingView>)))]
pub(crate) async fn public(
    State(app): State<Shared>,
    Asked(language): Asked,
) -> Result<Json<Answer<PricingView>>, Failure> {
    Ok(data(app.pricing(language).await?))
}

/// The prices.
#[utoipa::path(get, path = "/api/pricing", tag = "Pricing", security(("bearer" = [])), responses(
    (status = 200, body = Answer<PricingView>), (status = 401, body = FailureBody),
))]
pub(crate) async fn get(
    State(app): State<Shared>,
    Asked(language): Asked,
    _: Caller,
) -> Result<Json<Answer<PricingView>>, Failure> {
    Ok(data(app.pricing(language).await?))
}

/// Change prices: any part of what `GET` answers. Only prices can be changed; the rest is configuration.
#[utoipa::path(put, path = "/api/pricing", tag = "Pricing", request_body = Object, security(("bearer" = [])), responses(
    (status = 200, body = Answer<PricingView>), (status = 400, body = FailureBody),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody),
    (status = 409, description = "Somebody else has just changed them", body = FailureBody),
))]
pub(crate) async fn update(
    State(app): State<Shared>,
    Asked(language): Asked,
    Admin(admin): Admin,
    Body(change): Body<Value>,
) -> Result<Json<Answer<PricingView>>, Failure> {
    let stored = app.platform.prices().await?;
    let shown = app.pricing_of(&stored, None, language);
    let prices = changed(&stored, &shown, &change)?;
    // What was asked for and is no price would be lost without a word.
    let mut asked = serde_json::to_value(&shown).unwrap_or_default();
    merge(&mut asked, &change);
    let becomes = serde_json::to_value(app.pricing_of(&prices, None, language)).unwrap_or_default();
    if without_free(asked) != without_free(becomes) {
        return Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "read_only",
            "Solo se pueden cambiar los precios; lo demás es configuración del servidor",
            "Only prices can be changed; the rest is configuration of the server",
        ));
    }
    set(&app, &admin.actor(), &prices, language).await
}

/// Go back to the prices of the configuration.
#[utoipa::path(post, path = "/api/pricing/reset", tag = "Pricing", security(("bearer" = [])), responses(
    (status = 200, body = Answer<PricingView>),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody),
))]
pub(crate) async fn reset(
    State(app): State<Shared>,
    Asked(language): Asked,
    Admin(admin): Admin,
) -> Result<Json<Answer<PricingView>>, Failure> {
    let version = app.platform.prices().await?.version;
    let prices = PriceList {
        version,
        ..app.prices.clone()
    };
    set(&app, &admin.actor(), &prices, language).await
}

async fn set(
    app: &App,
    actor: &Actor,
    prices: &PriceList,
    language: Language,
) -> Result<Json<Answer<PricingView>>, Failure> {
    app.platform.set_prices(actor, prices).await?;
    Ok(data(app.pricing(language).await?))
}

/// What a pod would cost.
#[utoipa::path(post, path = "/api/pricing/calculate-cost", tag = "Pricing", request_body = CostBody, responses(
    (status = 200, body = Answer<CostView>), (status = 400, body = FailureBody),
))]
pub(crate) async fn calculate(
    State(app): State<Shared>,
    Body(body): Body<CostBody>,
) -> Result<Json<Answer<CostView>>, Failure> {
    let hours = body.hours.unwrap_or(1.0);
    if !(0.0..=MAX_HOURS).contains(&hours) {
        return Err(Failure::field("hours", Violation::Amount));
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
    let seconds = (hours * 3600.0).round() as i64;
    let sizes = (body.container_disk_size, body.volume_disk_size);
    let quote = app.platform.quote(&body.gpu, sizes.0, sizes.1).await?;
    let name = app
        .platform
        .catalogue()
        .get(&body.gpu)
        .map(|gpu| gpu.name.clone());
    Ok(data(CostView::of(
        name.unwrap_or(body.gpu),
        quote,
        sizes,
        seconds,
    )))
}

/// The GPU types that new pods can have.
#[utoipa::path(get, path = "/api/pricing/gpus/available", tag = "Pricing", responses(
    (status = 200, body = Answer<Vec<GpuView>>),
))]
pub(crate) async fn available(
    State(app): State<Shared>,
    Asked(language): Asked,
) -> Result<Json<Answer<Vec<GpuView>>>, Failure> {
    let gpus = app.pricing(language).await?.gpus.into_values();
    Ok(data(gpus.filter(|gpu| gpu.available).collect()))
}

/// One GPU type.
#[utoipa::path(get, path = "/api/pricing/gpus/{id}", tag = "Pricing", params(("id" = String, Path)), responses(
    (status = 200, body = Answer<GpuView>), (status = 404, body = FailureBody),
))]
pub(crate) async fn gpu(
    State(app): State<Shared>,
    Asked(language): Asked,
    Path(id): Path<String>,
) -> Result<Json<Answer<GpuView>>, Failure> {
    let gpu = app.pricing(language).await?.gpus.remove(&id);
    gpu.map(data).ok_or_else(|| {
        Failure::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "GPU no encontrada",
            "GPU type not found",
        )
    })
}

impl App {
    /// The prices, with how many GPUs are free where the cluster tells.
    async fn pricing(&self, language: Language) -> Result<PricingView, Failure> {
        let prices = self.platform.prices().await?;
        let stock = self.stock.get(&*self.cluster).await;
        Ok(self.pricing_of(&prices, stock.as_deref().map(Vec::as_slice), language))
    }

    fn pricing_of(
        &self,
        prices: &PriceList,
        stock: Option<&[neuropod::GpuStock]>,
        language: Language,
    ) -> PricingView {
        PricingView::of(
            prices,
            self.platform.catalogue(),
            stock,
            self.opening_credit,
            language,
        )
    }
}

/// The prices after a change.
fn changed(stored: &PriceList, shown: &PricingView, change: &Value) -> Result<PriceList, Failure> {
    let mut prices = stored.clone();
    let price = |field: &'static str, value: &Value| match value.as_f64() {
        Some(amount) => euros::price(amount).ok_or_else(|| Failure::field(field, Violation::Amount)),
        None => Err(Failure::field(field, Violation::WrongType)),
    };
    if !change.is_object() {
        return Err(Failure::field("body", Violation::Malformed));
    }
    for (id, gpu) in change["gpus"].as_object().into_iter().flatten() {
        if !shown.gpus.contains_key(id) {
            return Err(Failure::field("gpus", Violation::GpuUnknown));
        }
        if let Some(value) = gpu.get("price") {
            prices.gpus.insert(id.clone(), price("gpus", value)?);
        }
    }
    if let Some(value) = change.pointer("/storage/containerDisk/price") {
        prices.container_disk_gb = price("containerDisk", value)?;
    }
    if let Some(value) = change.pointer("/storage/volumeDisk/price") {
        prices.volume_disk_gb = price("volumeDisk", value)?;
    }
    match prices.validate() {
        Ok(()) => Ok(prices),
        Err(errors) => Err(neuropod::Error::from(errors).into()),
    }
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
    use neuropod::{Catalogue, Money};
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
        let prices = changed(&stored, &shown(&stored), &change).unwrap();
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
            json!({ "storage": { "volumeDisk": { "price": 1e18 } } }),
            json!([]),
        ];
        for change in wrong {
            assert!(changed(&stored, &shown(&stored), &change).is_err(), "{change}");
        }
    }
}

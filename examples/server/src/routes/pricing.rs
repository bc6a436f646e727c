//! Prices: for all to read, for administrators to change.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use neuropod::error::{Problem, ValidationErrors, Violation};
use neuropod::message::Language;
use neuropod::{Actor, Error, ErrorKind, PriceList};
use utoipa::ToSchema;

use crate::app::{App, Shared};
use crate::auth::{Admin, Caller};
use crate::contract::failure::{Failure, FailureBody};
use crate::contract::fields::{Body, Fields, FromFields};
use crate::contract::price_change;
use crate::contract::pricing::{CostView, GpuView, PricingView};
use crate::contract::reply::{Answer, Raw, data, json};
use crate::language::Asked;

/// The most hours that a cost is calculated for: ten years.
const MAX_HOURS: f64 = 87_600.0;

/// The size of a pod.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "gpu": "rtx-4090", "containerDiskSize": 10, "volumeDiskSize": 10, "hours": 2,
}))]
pub(crate) struct CostBody {
    /// The GPU type.
    gpu: String,
    /// In GB.
    #[schema(minimum = 1, maximum = 100)]
    container_disk_size: i64,
    /// In GB.
    #[schema(minimum = 1, maximum = 150)]
    volume_disk_size: i64,
    /// For how long; one hour unless given.
    hours: Option<f64>,
}

impl FromFields for CostBody {
    fn read(fields: &mut Fields) -> Self {
        Self {
            gpu: fields.required("gpu"),
            container_disk_size: fields.required("containerDiskSize"),
            volume_disk_size: fields.required("volumeDiskSize"),
            hours: fields.optional("hours"),
        }
    }
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

/// Change prices and what new clients get: any part of what `GET` returns. The rest is configuration. All of it is
/// changed, or nothing.
#[utoipa::path(put, path = "/api/pricing", tag = "Pricing", request_body(content = Object, example = json!({
    "gpus": { "rtx-4090": { "price": 2.5 } }, "freeTier": { "enabled": true, "initialBalance": 10 },
})),
    security(("bearer" = [])), responses(
    (status = 200, body = Answer<PricingView>), (status = 400, body = FailureBody),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody),
    (status = 409, description = "Somebody else has just changed them", body = FailureBody),
))]
pub(crate) async fn update(
    State(app): State<Shared>,
    Asked(language): Asked,
    Admin(admin): Admin,
    Raw(body): Raw,
) -> Result<Json<Answer<PricingView>>, Failure> {
    let change = json(&body)?;
    let stored = app.platform.prices().await?;
    let shown = app.pricing_of(&stored, None, language);
    let credit = app.platform.opening_credit_of(&stored);
    let prices = price_change::apply(&stored, &shown, credit, &change)?;
    if price_change::asks_for_more(&shown, &change, &app.pricing_of(&prices, None, language)) {
        return Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "read_only",
            "Solo se pueden cambiar los precios y el saldo inicial; lo demás se define en la configuración del servidor",
            "Only prices and the opening credit can be changed; the rest is set in the server's configuration",
        ));
    }
    set(&app, &admin.actor(), &prices, language).await
}

/// Go back to the prices and the opening credit of the configuration.
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

/// The cost of a pod.
#[utoipa::path(post, path = "/api/pricing/calculate-cost", tag = "Pricing", request_body = CostBody, responses(
    (status = 200, body = Answer<CostView>), (status = 400, body = FailureBody),
))]
pub(crate) async fn calculate(
    State(app): State<Shared>,
    Body(body): Body<CostBody>,
) -> Result<Json<Answer<CostView>>, Failure> {
    let hours = body.hours.unwrap_or(1.0);
    // A size out of the range of numbers is out of range for a disk.
    let size = |size| u32::try_from(size).unwrap_or(0);
    let sizes = (size(body.container_disk_size), size(body.volume_disk_size));
    let quote = app.platform.quote(&body.gpu, sizes.0, sizes.1).await;
    if !(0.0..=MAX_HOURS).contains(&hours) {
        // With all else that is wrong.
        let mut problems = match quote.as_ref().map_err(Error::kind) {
            Err(ErrorKind::Invalid(errors)) => errors.problems().to_vec(),
            _ => Vec::new(),
        };
        problems.push(Problem::new("hours", Violation::Amount));
        ValidationErrors::check(problems).map_err(Error::from)?;
    }
    let quote = quote?;
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
    let seconds = (hours * 3600.0).round() as i64;
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
        app.platform.currency(),
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
    /// The prices, with how many GPUs are free, if the cluster reports it.
    async fn pricing(&self, language: Language) -> Result<PricingView, Failure> {
        let prices = self.platform.prices().await?;
        let stock = self.stock.get(&self.platform).await;
        Ok(self.pricing_of(
            &prices,
            stock.as_ref().map(|gpus| gpus.nodes.as_slice()),
            language,
        ))
    }

    fn pricing_of(
        &self,
        prices: &PriceList,
        nodes: Option<&[neuropod::cluster::NodeGpus]>,
        language: Language,
    ) -> PricingView {
        PricingView::of(
            prices,
            (self.platform.catalogue(), self.platform.limits()),
            nodes,
            self.platform.opening_credit_of(prices),
            language,
        )
    }
}

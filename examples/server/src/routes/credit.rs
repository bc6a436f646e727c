//! Money that an administrator adds to an account.

use axum::Json;
use axum::extract::{Path, State};
use http::HeaderMap;
use neuropod::ErrorKind;
use neuropod::error::Violation;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::auth::Admin;
use crate::contract::amount;
use crate::contract::failure::{Failure, FailureBody};
use crate::contract::fields::{Body, Fields, FromFields};
use crate::contract::reply::{Answer, data};
use crate::contract::user::UserView;

/// Money for an account, and what it is for.
#[derive(ToSchema)]
#[schema(example = json!({ "amount": 20, "note": "Taller de octubre" }))]
pub(crate) struct CreditBody {
    /// Above zero, with at most six decimals.
    #[schema(exclusive_minimum = 0)]
    amount: f64,
    /// One line of plain text, which the owner of the account sees.
    #[schema(min_length = 1, max_length = 200)]
    note: String,
}

impl FromFields for CreditBody {
    fn read(fields: &mut Fields) -> Self {
        Self {
            amount: fields.required("amount"),
            note: fields.required("note"),
        }
    }
}

/// Add money to the account of a client.
#[utoipa::path(post, path = "/api/admin/users/{id}/credit", tag = "Administration", params(
        ("id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "With one, a repetition adds nothing"),
    ), request_body = CreditBody, security(("bearer" = [])), responses(
    (status = 200, body = Answer<UserView>),
    (status = 400, description = "The amount or the note is wrong, or the account has no limit", body = FailureBody),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
    (status = 409, description = "The key was used for another amount", body = FailureBody),
))]
pub(crate) async fn add(
    State(app): State<Shared>,
    headers: HeaderMap,
    Admin(admin): Admin,
    Path(id): Path<String>,
    Body(body): Body<CreditBody>,
) -> Result<Json<Answer<UserView>>, Failure> {
    let amount = amount::exact(body.amount).ok_or_else(|| Failure::field("amount", Violation::Amount))?;
    let user = app.known_user(&id).await?;
    let key = match headers.get("idempotency-key") {
        Some(key) if !(1..=255).contains(&key.len()) => {
            return Err(Failure::field("idempotencyKey", Violation::IdempotencyKey));
        }
        Some(key) => String::from_utf8_lossy(key.as_bytes()).into_owned(),
        None => format!("{:016x}", rand::random::<u64>()),
    };
    let added = app
        .platform
        .add_credit(&admin.actor(), &user.id, amount, &body.note, &key)
        .await;
    added.map_err(|error| match error.kind() {
        ErrorKind::Conflict if !error.is_retryable() => Failure::from(error).saying(
            "Esta clave de idempotencia ya se usó con otro importe",
            "This idempotency key was already used with another amount",
        ),
        _ => error.into(),
    })?;
    Ok(data(app.user_view(user).await?))
}

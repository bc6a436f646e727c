//! Users, for administrators.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use futures::{StreamExt, TryStreamExt, stream};
use neuropod::error::Violation;
use neuropod::pod::Desired;
use neuropod::{Actor, ErrorKind, Money, Pod, Role, User, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::actor::itself;
use crate::app::{App, Shared};
use crate::auth::Admin;
use crate::contract::amount;
use crate::contract::failure::{Failure, FailureBody};
use crate::contract::fields::{Body, Fields, FromFields};
use crate::contract::reply::{Answer, Done, Parameters, data, done};
use crate::contract::user::{Pods, UserView};
use crate::language::Asked;

/// So many balances are read at a time.
const BALANCES_AT_ONCE: usize = 16;

/// Which users.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Search {
    /// Only those with this in their name or address.
    search: Option<String>,
}

/// A new balance.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "userId": "0123456789abcdef01234567", "balance": 25 }))]
pub(crate) struct BalanceBody {
    user_id: String,
    /// Not negative, at most six decimals: a shown amount can be sent back.
    #[schema(minimum = 0)]
    balance: f64,
}

/// A daily cap.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "userId": "0123456789abcdef01234567", "dailyCap": 5 }))]
pub(crate) struct CapBody {
    user_id: String,
    /// Not negative, at most six decimals; null: that of the platform.
    #[schema(minimum = 0)]
    daily_cap: Option<f64>,
}

/// Whose pods are stopped, and whether they may start them again.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "userId": "0123456789abcdef01234567" }))]
pub(crate) struct SuspendBody {
    user_id: String,
    /// True: they start none until that is lifted, false: it is lifted; not given: their pods are stopped, and nothing
    /// more.
    suspended: Option<bool>,
}

impl FromFields for BalanceBody {
    fn read(fields: &mut Fields) -> Self {
        Self {
            user_id: fields.required("userId"),
            balance: fields.required("balance"),
        }
    }
}

impl FromFields for CapBody {
    fn read(fields: &mut Fields) -> Self {
        Self {
            user_id: fields.required("userId"),
            daily_cap: fields.optional("dailyCap"),
        }
    }
}

impl FromFields for SuspendBody {
    fn read(fields: &mut Fields) -> Self {
        Self {
            user_id: fields.required("userId"),
            suspended: fields.optional("suspended"),
        }
    }
}

/// All users.
#[utoipa::path(get, path = "/api/auth/users", tag = "Users", params(Search), security(("bearer" = [])), responses(
    (status = 200, body = Answer<Vec<UserView>>),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody),
))]
pub(crate) async fn list(
    State(app): State<Shared>,
    Parameters(query): Parameters<Search>,
    Admin(admin): Admin,
) -> Result<Json<Answer<Vec<UserView>>>, Failure> {
    let search = query.search.unwrap_or_default().to_lowercase();
    let found = |user: &User| {
        user.email.to_lowercase().contains(&search) || user.name.to_lowercase().contains(&search)
    };
    let mut counts: HashMap<UserId, Pods> = HashMap::new();
    for pod in app.platform.list_all(&admin.actor(), None).await? {
        app.count(counts.entry(pod.owner.clone()).or_default(), &pod);
    }
    let users = app
        .platform
        .users(&admin.actor())
        .await?
        .into_iter()
        .filter(found);
    let views = users.map(|user| {
        let pods = counts.get(&user.id).copied().unwrap_or_default();
        app.view_with(user, pods)
    });
    // One after the other, thousands of balances would take longer than anybody waits.
    let views = stream::iter(views).buffered(BALANCES_AT_ONCE).try_collect();
    Ok(data(views.await?))
}

/// Set what a client can spend. An administrator has no balance.
#[utoipa::path(post, path = "/api/auth/users/balance", tag = "Users", request_body = BalanceBody,
    security(("bearer" = [])), responses(
    (status = 200, body = Answer<UserView>), (status = 400, body = FailureBody),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn balance(
    State(app): State<Shared>,
    Admin(admin): Admin,
    Body(body): Body<BalanceBody>,
) -> Result<Json<Answer<UserView>>, Failure> {
    let amount = amount::exact(body.balance).ok_or_else(|| Failure::field("balance", Violation::Amount))?;
    let user = app.known_user(&body.user_id).await?;
    let number: u64 = rand::random();
    let key = format!("balance:{}:{number:016x}", user.id);
    app.platform
        .set_balance(&admin.actor(), &user.id, amount, &key)
        .await?;
    Ok(data(app.user_view(user).await?))
}

/// Set what a user may spend on a day (UTC) for all of their pods.
#[utoipa::path(post, path = "/api/auth/users/daily-cap", tag = "Users", request_body = CapBody,
    security(("bearer" = [])), responses(
    (status = 200, body = Answer<UserView>), (status = 400, body = FailureBody),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn daily_cap(
    State(app): State<Shared>,
    Admin(admin): Admin,
    Body(body): Body<CapBody>,
) -> Result<Json<Answer<UserView>>, Failure> {
    let cap = match body.daily_cap {
        Some(cap) => Some(amount::exact(cap).ok_or_else(|| Failure::field("dailyCap", Violation::Amount))?),
        None => None,
    };
    let user = app.known_user(&body.user_id).await?;
    let user = app.platform.set_daily_cap(&admin.actor(), &user.id, cap).await?;
    Ok(data(app.user_view(user).await?))
}

/// Stop all pods of a client, and suspend them or lift that where `suspended` says so. Administrators are not suspended.
#[utoipa::path(post, path = "/api/auth/users/suspend", tag = "Users", request_body = SuspendBody,
    security(("bearer" = [])), responses(
    (status = 200, body = Answer<UserView>), (status = 400, body = FailureBody),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn suspend(
    State(app): State<Shared>,
    Admin(admin): Admin,
    Body(body): Body<SuspendBody>,
) -> Result<Json<Answer<UserView>>, Failure> {
    let user = app.known_user(&body.user_id).await?;
    let actor = admin.actor();
    not_oneself(&actor, &user)?;
    // One who was suspended before they became an administrator is let in again.
    let lifts = user.suspended && body.suspended == Some(false);
    if user.role == Role::Admin && !lifts {
        return Err(Failure::is_administrator());
    }
    let user = if let Some(suspended) = body.suspended {
        app.platform.suspend(&actor, &user.id, suspended).await?
    } else {
        app.platform.stop_all(&actor, &user.id).await?;
        user
    };
    Ok(data(app.user_view(user).await?))
}

/// The repaired users.
#[derive(Serialize, ToSchema)]
pub(crate) struct Repaired {
    /// Always true.
    success: bool,
    /// For people.
    message: &'static str,
    data: RepairedUsers,
}

/// Whose balances were repaired.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RepairedUsers {
    /// How many; always 0.
    users_updated: usize,
    /// Who; always empty.
    updated_users: Vec<UserView>,
}

/// Repair balances: every balance is the sum of its ledger, so that there is nothing to repair.
#[utoipa::path(post, path = "/api/auth/admin/fix-balances", tag = "Users", security(("bearer" = [])), responses(
    (status = 200, body = Repaired), (status = 401, body = FailureBody), (status = 403, body = FailureBody),
))]
pub(crate) async fn fix_balances(Asked(language): Asked, _: Admin) -> Json<Repaired> {
    Json(Repaired {
        success: true,
        message: language.pick(
            "Todos los saldos son correctos: no hay nada que corregir",
            "All balances are correct: there is nothing to fix",
        ),
        data: RepairedUsers {
            users_updated: 0,
            updated_users: Vec::new(),
        },
    })
}

/// Delete a client with everything they own. An administrator is not deleted.
#[utoipa::path(delete, path = "/api/auth/users/{userId}", tag = "Users", params(("userId" = String, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = Done), (status = 400, body = FailureBody),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody), (status = 404, body = FailureBody),
))]
pub(crate) async fn delete(
    State(app): State<Shared>,
    Asked(language): Asked,
    Admin(admin): Admin,
    Path(id): Path<String>,
) -> Result<Json<Done>, Failure> {
    let user = app.known_user(&id).await?;
    not_oneself(&admin.actor(), &user)?;
    app.platform.delete_user(&admin.actor(), &user.id).await?;
    app.sessions.end_all(&user.id);
    Ok(done(
        language.pick("Usuario eliminado correctamente", "The user was deleted"),
    ))
}

/// An administrator who shuts themselves out can't be let in by anybody else.
fn not_oneself(actor: &Actor, user: &User) -> Result<(), Failure> {
    if actor.id == user.id {
        return Err(Failure::new(
            http::StatusCode::BAD_REQUEST,
            "oneself",
            "No puedes hacer esto con tu propia cuenta",
            "You can't do this to your own account",
        ));
    }
    Ok(())
}

impl App {
    fn count(&self, pods: &mut Pods, pod: &Pod) {
        pods.total += 1;
        pods.active += usize::from(pod.desired == Desired::Running);
        pods.accrued += pod.meter.accrued(self.platform.now());
    }

    /// The user with this id.
    ///
    /// # Errors
    /// 404 when there is none.
    pub(crate) async fn known_user(&self, id: &str) -> Result<User, Failure> {
        let user = self.find_user(&UserId::new(id)).await?;
        user.ok_or_else(Failure::no_user)
    }

    /// The user with this id; `None`: there is none.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn find_user(&self, id: &UserId) -> neuropod::Result<Option<User>> {
        match self.platform.user(&itself(), id).await {
            Err(error) if *error.kind() == ErrorKind::NotFound => Ok(None),
            found => found.map(Some),
        }
    }

    /// A user as the contract shows them.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn user_view(&self, user: User) -> Result<UserView, Failure> {
        let mut pods = Pods::default();
        for pod in self.platform.list_all(&itself(), Some(&user.id)).await? {
            self.count(&mut pods, &pod);
        }
        self.view_with(user, pods).await
    }

    async fn view_with(&self, user: User, pods: Pods) -> Result<UserView, Failure> {
        let available = match self.platform.balance(&itself(), &user.id).await {
            Ok(balance) => balance.after(pods.accrued).available,
            // Their first time has broken off before it was opened; the next one opens it.
            Err(error) if *error.kind() == ErrorKind::NotFound => Money::ZERO,
            Err(error) => return Err(error.into()),
        };
        let is_there = self.presence.is_there(&user.id);
        Ok(UserView::of(user, available.as_f64(), pods, is_there))
    }
}

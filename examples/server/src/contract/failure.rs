//! Errors in the format of the contract.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use neuropod::error::{Problem, ValidationErrors, Violation};
use neuropod::message::{self, Language};
use neuropod::money::Currency;
use neuropod::{Error, ErrorKind};
use serde::Serialize;
use utoipa::ToSchema;

use crate::contract::names::{domain_name, wire_name};

/// A failed request. [`localize`](crate::localize::localize) writes it in the client's language.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
    said: Said,
    retry_after: Option<u64>,
}

#[derive(Debug, Clone)]
enum Said {
    /// Spanish and English.
    Texts(&'static str, &'static str),
    /// An error of the library.
    Error(Arc<Error>),
}

/// The reply to a failed request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FailureBody {
    /// Always false.
    pub(crate) success: bool,
    /// The error code, for programs.
    pub(crate) code: &'static str,
    /// The error message, for people.
    pub(crate) message: String,
    /// All mistakes of the request, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errors: Option<Vec<String>>,
    /// The same, each with its field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fields: Option<Vec<FieldProblem>>,
    /// The amount that is required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) required: Option<f64>,
    /// The amount that is available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) available: Option<f64>,
    /// The daily limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cap: Option<f64>,
    /// The amount spent today.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) spent: Option<f64>,
    /// The maximum number of pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u32>,
}

/// A mistake in a field.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldProblem {
    /// The field of the body.
    pub(crate) field: &'static str,
    /// The mistake, for programs.
    pub(crate) code: &'static str,
    /// The mistake, for people.
    pub(crate) message: String,
}

impl Failure {
    /// A failure with a text in Spanish and English.
    pub(crate) const fn new(
        status: StatusCode,
        code: &'static str,
        es: &'static str,
        en: &'static str,
    ) -> Self {
        Self {
            status,
            code,
            said: Said::Texts(es, en),
            retry_after: None,
        }
    }

    /// The caller is not signed in, or no longer is.
    pub(crate) const fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Inicia sesión para continuar",
            "Sign in to continue",
        )
    }

    /// The caller is not on a list of people who may sign in.
    pub(crate) const fn not_allowed() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "not_allowed",
            "Esta cuenta no tiene acceso a la plataforma; pide a la administración que la añada",
            "This account has no access to the platform; ask the administrators to add it",
        )
    }

    /// The address belongs to another account.
    pub(crate) const fn address_taken() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "address_taken",
            "Esta dirección de correo ya pertenece a otra cuenta; entra como la primera vez o contacta con la \
             administración",
            "This e-mail address already belongs to another account; sign in as you did the first time, or contact the \
             administrators",
        )
    }

    /// The account is being deleted.
    pub(crate) const fn leaving() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "account_closing",
            "Esta cuenta se está eliminando; vuelve a intentarlo en unos minutos",
            "This account is being deleted; try again in a few minutes",
        )
        .after(60)
    }

    /// Only administrators may do this.
    pub(crate) const fn admins_only() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "Solo los administradores pueden hacer esto",
            "Only administrators may do this",
        )
    }

    /// There is no such user.
    pub(crate) const fn no_user() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "Usuario no encontrado",
            "User not found",
        )
    }

    /// The account is an administrator's, which others can't manage.
    pub(crate) fn is_administrator() -> Self {
        let error = Error::new(ErrorKind::InvalidState, "the account is an administrator's");
        error.with_context("user", "administrator").into()
    }

    /// There is no such template.
    pub(crate) const fn no_template() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "Template no encontrado",
            "Template not found",
        )
    }

    /// There is no such address.
    pub(crate) const fn no_route() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "Esta dirección no existe",
            "This address does not exist",
        )
    }

    /// The request took too long.
    pub(crate) const fn timeout() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "timeout",
            "El servicio no responde; vuelve a intentarlo",
            "The service is not responding; try again",
        )
        .after(1)
    }

    /// One field of the request is wrong.
    pub(crate) fn field(field: &'static str, violation: Violation) -> Self {
        Error::from(ValidationErrors::from(Problem::new(field, violation))).into()
    }

    /// The same status and code with another text.
    pub(crate) fn saying(mut self, es: &'static str, en: &'static str) -> Self {
        self.said = Said::Texts(es, en);
        self
    }

    /// Another text, if the status is 403.
    pub(crate) fn forbidding(self, es: &'static str, en: &'static str) -> Self {
        if self.status == StatusCode::FORBIDDEN {
            self.saying(es, en)
        } else {
            self
        }
    }

    /// Asks to retry after this many seconds.
    pub(crate) const fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Whether it says that only administrators may do this.
    pub(crate) fn is_for_admins(&self) -> bool {
        let Said::Texts(_, text) = Self::admins_only().said else {
            return false;
        };
        matches!(&self.said, Said::Texts(_, said) if *said == text)
    }

    /// Its code.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// Whether the server is at fault, not the caller.
    pub(crate) fn is_of_server(&self) -> bool {
        self.status.is_server_error()
    }

    /// The text for people.
    pub(crate) fn message(&self, language: Language, currency: &Currency) -> String {
        match &self.said {
            Said::Texts(es, en) => language.pick(*es, *en).to_owned(),
            Said::Error(error) => message::error(error, language, currency),
        }
    }

    /// The response in this language.
    pub(crate) fn written(&self, language: Language, currency: &Currency) -> Response {
        let mut answer = (self.status, Json(self.body(language, currency))).into_response();
        if let Some(seconds) = self.retry_after {
            answer
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    }

    fn body(&self, language: Language, currency: &Currency) -> FailureBody {
        let mut body = FailureBody {
            success: false,
            code: self.code,
            message: self.message(language, currency),
            errors: None,
            fields: None,
            required: None,
            available: None,
            cap: None,
            spent: None,
            limit: None,
        };
        let Said::Error(error) = &self.said else {
            return body;
        };
        match error.kind() {
            ErrorKind::Invalid(errors) => {
                let field_problem = |problem: &Problem| {
                    let field = wire_name(problem.field);
                    // An unreadable field is reported by the name in the request.
                    let name = match problem.violation {
                        Violation::WrongType | Violation::Duplicate => field,
                        _ => domain_name(problem.field),
                    };
                    let named = Problem::new(name, problem.violation.clone());
                    FieldProblem {
                        field,
                        code: problem.violation.code(),
                        message: message::problem(&named, language, currency),
                    }
                };
                let fields: Vec<_> = errors.problems().iter().map(field_problem).collect();
                body.errors = Some(fields.iter().map(|field| field.message.clone()).collect());
                body.fields = Some(fields);
            }
            ErrorKind::InsufficientFunds { required, available } => {
                body.required = Some(required.as_f64());
                body.available = Some(available.as_f64());
            }
            ErrorKind::SpendCapReached { cap, spent } => {
                body.cap = Some(cap.as_f64());
                body.spent = Some(spent.as_f64());
            }
            ErrorKind::TooManyPods { limit } => body.limit = Some(*limit),
            _ => {}
        }
        body
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            // Lack of money is 400 in the plan, like mistakes of the request; `code` distinguishes them.
            ErrorKind::Invalid(_)
            | ErrorKind::InvalidState
            | ErrorKind::InsufficientFunds { .. }
            | ErrorKind::SpendCapReached { .. }
            | ErrorKind::TooManyPods { .. } => StatusCode::BAD_REQUEST,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Forbidden => StatusCode::FORBIDDEN,
            ErrorKind::AlreadyExists | ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::Unsupported => StatusCode::NOT_IMPLEMENTED,
            ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::Timeout => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status.is_server_error() {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%error, cause, "a request failed");
            metrics::counter!("neuropod_request_failures_total", "kind" => error.kind().code()).increment(1);
        }
        let wait = error.retry_after().map(|wait| wait.as_secs().max(1));
        let unavailable = status == StatusCode::SERVICE_UNAVAILABLE;
        Self {
            status,
            code: error.kind().code(),
            retry_after: wait.or(unavailable.then_some(1)),
            said: Said::Error(Arc::new(error)),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

//! What goes wrong, as every answer says it: `{"error": {code, message, hint, field}}`.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use shared::{
    api::{ApiError, ErrorBody, ErrorCode},
    store::StoreError,
};

use crate::{auth::AuthError, history::HistoryError};

/// An answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub status: StatusCode,
    pub error: ApiError,
    /// When to try again.
    pub retry_after: Option<Duration>,
}

/// What a call returns.
pub type Answer<T> = Result<T, Failure>;

impl Failure {
    fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Failure {
        let error = ApiError {
            code,
            message: message.into(),
            hint: None,
            field: None,
        };
        Failure {
            status,
            error,
            retry_after: None,
        }
    }

    /// 422: it was understood and is wrong.
    pub fn invalid(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::Invalid, message)
    }

    /// 400: it could not be read at all.
    pub fn unreadable(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::BAD_REQUEST, ErrorCode::Invalid, message)
    }

    pub fn unauthenticated(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthenticated, message)
    }

    pub fn forbidden(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, message)
    }

    pub fn not_found(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::NOT_FOUND, ErrorCode::NotFound, message)
    }

    pub fn conflict(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::CONFLICT, ErrorCode::Conflict, message)
    }

    pub fn stale(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::PRECONDITION_FAILED, ErrorCode::Stale, message)
    }

    pub fn too_large(message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge, message)
    }

    pub fn too_many(message: impl Into<String>, wait: Duration) -> Failure {
        Failure::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::TooMany, message).after(wait)
    }

    pub fn unavailable(message: impl Into<String>) -> Failure {
        let failure = Failure::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable, message);
        failure.after(Duration::from_secs(2))
    }

    /// 500. What happened is for the log; the caller learns only that it did.
    pub fn internal(cause: &dyn std::fmt::Display) -> Failure {
        tracing::error!(%cause, "a request failed");
        let failure = Failure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::Internal,
            "something went wrong in this master",
        );
        failure.hint("the master's log says what")
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.error.hint = Some(hint.into());
        self
    }

    pub fn field(mut self, field: impl Into<String>) -> Failure {
        self.error.field = Some(field.into());
        self
    }

    pub fn after(mut self, wait: Duration) -> Failure {
        self.retry_after = Some(wait);
        self
    }

    pub fn status(mut self, status: StatusCode) -> Failure {
        self.status = status;
        self
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(ErrorBody { error: self.error })).into_response();
        if let Some(wait) = self.retry_after {
            let secs = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(secs.max(1)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"gnomon\""),
            );
        }
        response
    }
}

impl From<StoreError> for Failure {
    fn from(e: StoreError) -> Failure {
        match e {
            StoreError::Unavailable(_) => {
                tracing::warn!(error = %e, "the store does not answer");
                Failure::unavailable(
                    "the store does not answer; if this was a change, whether it was made is unknown",
                )
                .hint("look at how it stands, then try again")
            }
            StoreError::Refused(why) => Failure::invalid(format!("the store refused: {why}")),
            StoreError::Compacted { .. } | StoreError::LeaseGone => Failure::internal(&e),
        }
    }
}

impl From<HistoryError> for Failure {
    fn from(e: HistoryError) -> Failure {
        match e {
            HistoryError::Unavailable(_) => {
                tracing::warn!(error = %e, "the database does not answer");
                Failure::unavailable(
                    "the database does not answer; jobs go on, and what ran is shown once it does",
                )
            }
            HistoryError::Invalid(why) => Failure::invalid(why),
            other => Failure::internal(&other),
        }
    }
}

impl From<AuthError> for Failure {
    fn from(e: AuthError) -> Failure {
        let message = e.to_string();
        match e {
            AuthError::WrongPassword => Failure::unauthenticated(message)
                .hint("a lost password is made anew on the server, with `gnomon reset-password`"),
            AuthError::TooManyAttempts { wait } => {
                let secs = wait.as_secs() + 1;
                Failure::too_many(message, wait).hint(format!("try again in {secs}s"))
            }
            AuthError::Busy => Failure::too_many(message, Duration::from_secs(1)),
            AuthError::NotReady => {
                Failure::unavailable(message).hint("the store does not answer yet; try again")
            }
            AuthError::Invalid(_) => Failure::invalid(message),
            AuthError::TokenExists(_) => {
                Failure::conflict(message).hint("take another name, or revoke that one first")
            }
            AuthError::NoToken(_) | AuthError::NoUser(_) => Failure::not_found(message),
            AuthError::Raced => Failure::conflict(message).hint("look at how it stands, then try again"),
            AuthError::Hash(_) => Failure::internal(&message),
            AuthError::Store(e) => e.into(),
        }
    }
}

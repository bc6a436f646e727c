//! How much one user, or one address that is not signed in, may ask for.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::StatusCode;
use neuropod::UserId;

use crate::app::{App, Shared};
use crate::auth::Identity;
use crate::config;
use crate::failure::Failure;

/// Who is limited.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Asker {
    User(UserId),
    Address(Option<IpAddr>),
}

/// Counts what everybody asks for.
pub(crate) struct Limiter {
    counts: DefaultKeyedRateLimiter<Asker>,
    clock: DefaultClock,
    header: Option<String>,
}

impl Limiter {
    /// With these limits.
    pub(crate) fn new(limits: &config::Limits) -> Self {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(limits.requests_per_second));
        Self {
            counts: RateLimiter::keyed(quota.allow_burst(at_least_one(limits.burst))),
            clock: DefaultClock::default(),
            header: limits.client_address_header.clone(),
        }
    }

    fn asker(&self, request: &Request) -> Asker {
        if let Some(Identity(Some(Ok(caller)))) = request.extensions().get::<Identity>() {
            return Asker::User(caller.user.id.clone());
        }
        // A proxy adds the address it sees at the end, be it in a line of its own; what stands before that the client
        // may have written.
        let told = self
            .header
            .as_ref()
            .and_then(|name| request.headers().get_all(name).iter().next_back()?.to_str().ok());
        let told = told.and_then(|value| value.rsplit(',').next()?.trim().parse().ok());
        let peer = || {
            request
                .extensions()
                .get::<ConnectInfo<SocketAddr>>()
                .map(|peer| peer.0.ip())
        };
        Asker::Address(told.or_else(peer).map(household))
    }

    fn check(&self, asker: &Asker) -> Result<(), Failure> {
        self.counts.check_key(asker).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            Failure::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "Demasiadas peticiones; espera un momento",
                "Too many requests; wait a moment",
            )
            .after(wait.as_secs() + 1)
        })
    }

    /// Counts what a user asks for over a connection that is open.
    ///
    /// # Errors
    /// It is too much.
    pub(crate) fn check_user(&self, user: &UserId) -> Result<(), Failure> {
        self.check(&Asker::User(user.clone()))
    }

    /// Forgets those who have not asked for a while.
    pub(crate) fn forget(&self) {
        self.counts.retain_recent();
    }
}

/// The address, or the network of one: who has an IPv6 address has all of its /64 (RFC 6177).
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(network.into())
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Middleware that answers 429 to whoever asks for too much. Health checks are never refused.
pub(crate) async fn limit(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let free = matches!(request.uri().path(), "/healthz" | "/readyz" | "/metrics");
    let refused = if free {
        Ok(())
    } else {
        app.limiter.check(&app.limiter.asker(&request))
    };
    match refused {
        Ok(()) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

/// Forgets now and then, until it is dropped.
pub(crate) async fn upkeep(app: std::sync::Arc<App>) {
    let mut ticks = tokio::time::interval(std::time::Duration::from_mins(1));
    loop {
        ticks.tick().await;
        app.limiter.forget();
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn limiter(header: Option<&str>) -> Limiter {
        Limiter::new(&config::Limits {
            requests_per_second: 1,
            burst: 2,
            client_address_header: header.map(Into::into),
            ..config::Limits::default()
        })
    }

    fn request(forwarded: &str) -> Request {
        Request::builder()
            .header("x-forwarded-for", forwarded)
            .body(Body::empty())
            .unwrap()
    }

    #[test]
    fn a_burst_is_fine_and_more_is_refused_with_the_time_to_wait() {
        let limiter = limiter(None);
        let ana = Asker::User(UserId::new("ana"));
        assert!(limiter.check(&ana).is_ok() && limiter.check(&ana).is_ok());
        assert_eq!(limiter.check(&ana).unwrap_err().code(), "rate_limited");
        assert!(limiter.check(&Asker::User(UserId::new("berta"))).is_ok());
    }

    #[test]
    fn an_address_that_the_client_wrote_itself_does_not_count() {
        let trusting = limiter(Some("x-forwarded-for"));
        let asker = trusting.asker(&request("1.1.1.1, 203.0.113.7"));
        assert_eq!(asker, Asker::Address(Some("203.0.113.7".parse().unwrap())));
        let mut two_lines = request("1.1.1.1");
        let line = "203.0.113.7".parse().unwrap();
        two_lines.headers_mut().append("x-forwarded-for", line);
        assert_eq!(trusting.asker(&two_lines), asker);
        assert_eq!(limiter(None).asker(&request("1.1.1.1")), Asker::Address(None));
    }

    #[test]
    fn another_address_of_the_same_network_is_nobody_else() {
        let asker = |address| limiter(Some("x-forwarded-for")).asker(&request(address));
        assert_eq!(asker("2001:db8::1"), asker("2001:db8::ffff:2"));
        assert_ne!(asker("2001:db8::1"), asker("2001:db8:0:1::1"));
        assert_eq!(asker("::ffff:203.0.113.7"), asker("203.0.113.7"));
        assert_ne!(asker("203.0.113.7"), asker("203.0.113.8"));
    }
}

//! Rate limits: requests of one user, or of one address that is not signed in, and invalid tokens of one address.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;

use axum::extract::{ConnectInfo, Request};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::{HeaderMap, StatusCode};
use neuropod::UserId;

use crate::config;
use crate::contract::failure::Failure;

/// The caller whose requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Asker {
    /// A signed-in user.
    User(UserId),
    /// Somebody who is not signed in.
    Address(ClientAddress),
}

/// The address of the client, or its network; `None` if it is unknown. Every request has it as an extension.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct ClientAddress(Option<IpAddr>);

/// Counts requests and invalid tokens.
pub(crate) struct Limiter {
    counts: DefaultKeyedRateLimiter<Asker>,
    wrong_tokens: DefaultKeyedRateLimiter<ClientAddress>,
    clock: DefaultClock,
    header: Option<String>,
}

impl Limiter {
    /// A limiter with these limits.
    pub(crate) fn new(limits: &config::Limits) -> Self {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(limits.requests_per_second));
        Self {
            counts: RateLimiter::keyed(quota.allow_burst(at_least_one(limits.burst))),
            wrong_tokens: RateLimiter::keyed(Quota::per_minute(at_least_one(limits.wrong_tokens_per_minute))),
            clock: DefaultClock::default(),
            header: limits.client_address_header.clone(),
        }
    }

    /// The client's address according to a trusted proxy, or that of the connection; for IPv6 its network.
    pub(crate) fn address(&self, request: &Request) -> ClientAddress {
        ClientAddress(self.client(request).map(household))
    }

    /// The same, as a single address.
    pub(crate) fn client(&self, request: &Request) -> Option<IpAddr> {
        // A proxy appends the address it sees, perhaps in a line of its own; the client may have written
        // everything before that.
        let from_proxy = self
            .header
            .as_ref()
            .and_then(|name| last_address(request.headers(), name));
        let peer = || {
            let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
            peer.map(|peer| peer.0.ip())
        };
        from_proxy.or_else(peer)
    }

    /// Counts a request.
    ///
    /// # Errors
    /// There were too many requests.
    pub(crate) fn check(&self, asker: &Asker) -> Result<(), Failure> {
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

    /// Counts an invalid token, or a message in place of one. Valid tokens are not counted, so that nobody with
    /// a valid one is locked out by others at their address.
    ///
    /// # Errors
    /// There were too many from this address.
    pub(crate) fn wrong_token(&self, address: ClientAddress) -> Result<(), Failure> {
        self.wrong_tokens.check_key(&address).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            Failure::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "Demasiados intentos de iniciar sesión; espera un momento",
                "Too many attempts to sign in; wait a moment",
            )
            .after(wait.as_secs() + 1)
        })
    }

    /// Counts a request of a user over an open connection.
    ///
    /// # Errors
    /// There were too many requests.
    pub(crate) fn check_user(&self, user: &UserId) -> Result<(), Failure> {
        self.check(&Asker::User(user.clone()))
    }

    /// Forgets callers that have been idle for a while.
    pub(crate) fn forget(&self) {
        self.counts.retain_recent();
        self.wrong_tokens.retain_recent();
    }
}

/// The last address in a header. `None` if there is none, or it is not an address.
fn last_address(headers: &HeaderMap, name: &str) -> Option<IpAddr> {
    let line = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    let last = line.rsplit(',').map(str::trim).find(|part| !part.is_empty())?;
    read_address(last)
}

/// An address in the notations of proxies: with or without port, IPv6 with or without brackets, with the name
/// of an interface.
fn read_address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches('"');
    let address = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        // More than one colon is an IPv6 address without a port.
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    let address = address.split_once('%').map_or(address, |(address, _)| address);
    address.parse().ok()
}

/// The address, or its network: the owner of an IPv6 address has all of its /64 (RFC 6177).
pub(crate) fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(network.into())
        }
        address @ IpAddr::V4(_) => address,
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
    fn a_burst_is_allowed_and_more_is_refused_with_a_delay() {
        let limiter = limiter(None);
        let ana = Asker::User(UserId::new("ana"));
        assert!(limiter.check(&ana).is_ok() && limiter.check(&ana).is_ok());
        assert_eq!(limiter.check(&ana).unwrap_err().code(), "rate_limited");
        assert!(limiter.check(&Asker::User(UserId::new("berta"))).is_ok());
    }

    #[test]
    fn an_address_written_by_the_client_is_ignored() {
        let trusting = limiter(Some("x-forwarded-for"));
        let address = trusting.address(&request("1.1.1.1, 203.0.113.7"));
        assert_eq!(address, ClientAddress("203.0.113.7".parse().ok()));
        let mut two_lines = request("1.1.1.1");
        let line = "203.0.113.7".parse().unwrap();
        two_lines.headers_mut().append("x-forwarded-for", line);
        assert_eq!(trusting.address(&two_lines), address);
        assert_eq!(limiter(None).address(&request("1.1.1.1")), ClientAddress(None));
    }

    #[test]
    fn an_address_is_read_however_proxies_write_it() {
        let trusting = limiter(Some("x-forwarded-for"));
        for (written, read) in [
            ("203.0.113.7", "203.0.113.7"),
            (" 203.0.113.7 ", "203.0.113.7"),
            ("203.0.113.7:5678", "203.0.113.7"),
            ("203.0.113.7:", "203.0.113.7"),
            ("\"203.0.113.7:80\"", "203.0.113.7"),
            ("1.1.1.1:1, 203.0.113.7:5678", "203.0.113.7"),
            ("1.1.1.1,203.0.113.7,", "203.0.113.7"),
            ("unknown, 203.0.113.7", "203.0.113.7"),
            ("[2001:db8::1]:80", "2001:db8::"),
            ("[2001:db8::1]", "2001:db8::"),
            ("\"[2001:db8::1]:80\"", "2001:db8::"),
            ("2001:db8::1", "2001:db8::"),
            ("1.1.1.1, 2001:db8::1", "2001:db8::"),
            ("[fe80::1%eth0]:80", "fe80::"),
            ("fe80::1%eth0", "fe80::"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("[::ffff:203.0.113.7]:80", "203.0.113.7"),
        ] {
            let found = trusting.address(&request(written));
            assert_eq!(found, ClientAddress(Some(read.parse().unwrap())), "{written:?}");
        }
        // Then the address is that of the connection, here none; never an earlier one in the header.
        for garbage in [
            "",
            ",",
            "unknown",
            "_hidden",
            "203.0.113.300",
            "1.2.3",
            "203.0.113.7, unknown",
            "[2001:db8::1",
            "]:80",
            "[]",
            ":80",
            "a:b:c",
            "203.0.113.7 1.1.1.1",
            "999",
            "localhost:80",
        ] {
            assert_eq!(
                trusting.address(&request(garbage)),
                ClientAddress(None),
                "{garbage:?}"
            );
        }
    }

    #[test]
    fn addresses_of_the_same_network_count_together() {
        let asker = |address| limiter(Some("x-forwarded-for")).address(&request(address));
        assert_eq!(asker("2001:db8::1"), asker("2001:db8::ffff:2"));
        assert_ne!(asker("2001:db8::1"), asker("2001:db8:0:1::1"));
        assert_eq!(asker("::ffff:203.0.113.7"), asker("203.0.113.7"));
        assert_ne!(asker("203.0.113.7"), asker("203.0.113.8"));
    }
}

//! Counts requests.

use std::time::Duration;

use http::Method;

/// Records the duration of a request.
pub(crate) fn request(method: &Method, route: &str, status: u16, time: Duration) {
    let labels = [
        ("method", known(method).to_owned()),
        ("route", route.to_owned()),
        ("status", status.to_string()),
    ];
    metrics::counter!("neuropod_http_requests_total", &labels).increment(1);
    metrics::histogram!("neuropod_http_request_seconds", "route" => route.to_owned())
        .record(time.as_secs_f64());
}

/// A known method. Others are summarised, because each label is kept for ever and clients may send any word.
fn known(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => method.as_str(),
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_methods_are_counted_as_one() {
        assert_eq!(known(&Method::GET), "GET");
        for invented in ["BREW", "GET1", "get"] {
            assert_eq!(known(&Method::from_bytes(invented.as_bytes()).unwrap()), "other");
        }
    }
}

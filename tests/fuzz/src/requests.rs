//! Bodies of requests to the example server.

use std::fmt::Debug;

use neuropod_server::fuzzing;
use serde::de::IgnoredAny;
use serde_json::Value;

/// The result of a body depends only on its JSON value, not on its spelling, and anything but an object is
/// refused.
pub fn request_bodies(data: &[u8]) {
    check(data, fuzzing::create_pod);
    check(data, fuzzing::template);
}

fn check<Request: Debug + PartialEq>(body: &[u8], read: impl Fn(&[u8]) -> Result<Request, String>) {
    let result = read(body);
    let is_json = serde_json::from_slice::<IgnoredAny>(body).is_ok();
    assert!(is_json || result.is_err(), "no JSON is read as {result:?}");
    // JSON may contain texts that are not valid Unicode (`"\ud800"`), in ignored fields.
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return;
    };
    assert!(
        value.is_object() || result.is_err(),
        "{value} is read as {result:?}"
    );
    // A duplicate field is only visible in the text.
    let compact = serde_json::to_vec(&value).expect("JSON");
    let pretty = serde_json::to_vec_pretty(&value).expect("JSON");
    assert_eq!(read(&compact), read(&pretty), "{value}");
}

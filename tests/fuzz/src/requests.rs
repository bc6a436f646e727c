//! Bodies of requests to the example server.

use std::fmt::Debug;

use neuropod_server::fuzzing;
use serde::de::IgnoredAny;
use serde_json::Value;

/// A body is read as JSON alone says: how it is written does not count, and what is no object is refused.
pub fn request_bodies(data: &[u8]) {
    check(data, fuzzing::create_pod);
    check(data, fuzzing::template);
}

fn check<Request: Debug + PartialEq>(body: &[u8], read: impl Fn(&[u8]) -> Result<Request, String>) {
    let result = read(body);
    let is_json = serde_json::from_slice::<IgnoredAny>(body).is_ok();
    assert!(is_json || result.is_err(), "no JSON is read as {result:?}");
    // JSON may have texts that are no Unicode (`"\ud800"`), in fields that nobody reads.
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return;
    };
    assert!(
        value.is_object() || result.is_err(),
        "{value} is read as {result:?}"
    );
    // A field that is there twice is only in the text.
    let compact = serde_json::to_vec(&value).expect("JSON");
    let pretty = serde_json::to_vec_pretty(&value).expect("JSON");
    assert_eq!(read(&compact), read(&pretty), "{value}");
}

//! Properties of the documents of every store. Files of layout 1 are read in `tests/sqlite_layout_1.rs` and
//! `mongo/tests.rs`.

#[path = "../../tests/layout_1/mod.rs"]
pub(crate) mod layout_1;

use std::fmt::Debug;

use self::layout_1::{CANARIES, audit, full_pod, prices, requests, sparse_pod, template, users};
use super::stored::Stored;

#[track_caller]
fn comes_back<D: Stored + PartialEq + Debug>(value: &D) {
    let text = serde_json::to_string(&value.to_shape()).unwrap();
    assert!(text.starts_with("{\"layout\":2,"), "{text}");
    assert_eq!(D::from_shape(serde_json::from_str(&text).unwrap()), *value);
}

#[test]
fn written_documents_read_back_equal() {
    comes_back(&full_pod());
    comes_back(&sparse_pod());
    users().iter().for_each(comes_back);
    comes_back(&template());
    comes_back(&prices());
    requests().iter().for_each(comes_back);
    audit().iter().for_each(comes_back);
}

#[test]
fn secrets_are_only_in_their_field() {
    let mut document = serde_json::to_value(full_pod().to_shape()).unwrap();
    let secrets = document.as_object_mut().unwrap().remove("secrets").unwrap();
    for canary in CANARIES {
        assert_eq!(secrets.to_string().matches(canary).count(), 1, "{canary}");
        assert!(!document.to_string().contains(canary), "{canary} in {document}");
    }
}

//! Documents of MongoDB, without a server.

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, DateTime, Document, doc};
use neuropod_core::money::LedgerEntry;
use neuropod_core::store::PastRequest;
use neuropod_core::store::audit::AuditEntry;
use neuropod_core::{Pod, PriceList, Template, User};
use serde_json::Value;

use super::codec::{Encoded, upgraded};
use crate::shape::tests::layout_1::{
    ANA, CANARIES, audit, details, full_pod, prices, requests, sparse_pod, template, users,
};

/// The documents of a collection, as the last version before layout 2 wrote them.
fn collection(name: &str) -> Vec<Document> {
    let file: Value = serde_json::from_str(include_str!("../../tests/layout_1/mongo.json")).unwrap();
    let documents = file[name].as_array().unwrap();
    documents
        .iter()
        .map(|document| to_bson(document).as_document().unwrap().clone())
        .collect()
}

/// Extended JSON as BSON, for the types that occur in the file.
fn to_bson(value: &Value) -> Bson {
    match value {
        Value::Null => Bson::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => number.as_i64().unwrap().into(),
        Value::String(text) => text.into(),
        Value::Array(items) => Bson::Array(items.iter().map(to_bson).collect()),
        Value::Object(fields) => {
            if let Some(id) = fields.get("$oid") {
                return ObjectId::parse_str(id.as_str().unwrap()).unwrap().into();
            }
            if let Some(millis) = fields.get("$date") {
                return DateTime::from_millis(millis.as_i64().unwrap()).into();
            }
            if let Some(number) = fields.get("$numberLong") {
                return Bson::Int64(number.as_str().unwrap().parse().unwrap());
            }
            let fields = fields.iter().map(|(name, value)| (name.clone(), to_bson(value)));
            Bson::Document(fields.collect())
        }
    }
}

fn read_all<D: Encoded>(name: &str) -> Vec<D> {
    let documents = collection(name).into_iter();
    documents.map(|document| D::read(document).unwrap()).collect()
}

#[test]
fn documents_of_layout_1_are_read() {
    assert_eq!(read_all::<Pod>("pods"), [full_pod(), sparse_pod()]);
    assert_eq!(read_all::<User>("users"), users());
    assert_eq!(read_all::<Template>("templates"), [template()]);
    assert_eq!(read_all::<PriceList>("prices"), [prices()]);
    assert_eq!(read_all::<PastRequest>("requests"), requests());
    assert_eq!(read_all::<AuditEntry>("audit"), audit());
    assert_eq!(read_all::<LedgerEntry>("entries")[0].details, details());
}

#[test]
fn rewritten_fields_are_in_their_new_places() {
    for (mut document, pod) in collection("pods").into_iter().zip([full_pod(), sparse_pod()]) {
        document.insert("later", 1);
        document.get_document_mut("login").unwrap().insert("later", 2);
        let mut rewritten = pod.rewrite(document, &pod).unwrap();
        assert_eq!(Pod::read(rewritten.clone()).unwrap(), pod);
        assert_eq!(rewritten.remove("later"), Some(Bson::Int32(1)));
        let login = rewritten.get_document_mut("login").unwrap();
        assert_eq!(login.remove("later"), Some(Bson::Int32(2)));
        assert_eq!(
            rewritten,
            pod.write().unwrap(),
            "nothing else is left of layout 1"
        );
        let secrets = rewritten.remove("secrets").unwrap().to_string();
        for canary in CANARIES {
            assert_eq!(secrets.contains(canary), pod == full_pod(), "{canary}");
            assert!(!rewritten.to_string().contains(canary), "{canary} in {rewritten}");
        }
    }
    for (document, user) in collection("users").into_iter().zip(users()) {
        let rewritten = user.rewrite(document, &user).unwrap();
        assert_eq!(rewritten, user.write().unwrap());
        assert_eq!(User::read(rewritten).unwrap(), user);
    }
}

#[test]
fn leftover_tokens_of_the_existing_backend_are_removed() {
    let mut document = collection("pods").swap_remove(0);
    for service in document.get_array_mut("httpServices").unwrap() {
        service.as_document_mut().unwrap().extend(doc! {
            "jupyterToken": "canary-old", "url": "https://a.example.com/?token=canary-old",
            "kubernetesServiceName": "stays",
        });
    }
    let text = upgraded::<Pod>(document).to_string();
    assert!(text.contains("stays") && !text.contains("canary-old"), "{text}");
}

/// Values that queries sort, compare or join by are BSON dates and ids, not texts.
#[test]
fn dates_and_ids_have_bson_types() {
    let pod = full_pod().write().unwrap();
    assert_eq!(pod.get_object_id("userId").unwrap().to_hex(), ANA);
    assert_eq!(pod.get_str("createdBy").unwrap(), "root");
    assert!(pod.get_object_id("templateId").is_ok());
    for field in Pod::DATES {
        assert!(pod.get_datetime(field).is_ok(), "{field}");
    }
    let user = users().swap_remove(0).write().unwrap();
    assert!(user.get_object_id("_id").is_ok() && user.get_datetime("registrationDate").is_ok());
    assert!(template().write().unwrap().get_object_id("_id").is_ok());
    assert!(requests()[0].write().unwrap().get_datetime("createdAt").is_ok());
    assert!(audit()[0].write().unwrap().get_datetime("at").is_ok());
}

#[test]
fn a_document_of_a_later_layout_is_refused() {
    let mut pod = full_pod().write().unwrap();
    pod.insert("layout", 3);
    assert_eq!(Pod::read(pod).unwrap_err().kind().code(), "unexpected");
}

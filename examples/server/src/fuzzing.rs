//! Entry points of the repository's fuzz targets: parsers of foreign input. Not for other use.

use std::collections::HashMap;
use std::fmt::Debug;

use neuropod::pod::{ImageRules, Limits};

use crate::contract::create_body::CreateBody;
use crate::contract::fields::{Fields, FromFields};
use crate::contract::reply::json;
use crate::contract::template_body::TemplateBody;

/// Parses a body as a request to create a pod.
///
/// # Errors
/// The problems of the body.
pub fn create_pod(body: &[u8]) -> Result<impl Debug + PartialEq + use<>, String> {
    CreateBody::request(body, &Limits::default()).map_err(|failure| format!("{failure:?}"))
}

/// Parses a body as a template.
///
/// # Errors
/// The problems of the body.
pub fn template(body: &[u8]) -> Result<impl Debug + PartialEq + use<>, String> {
    let read = || {
        let mut fields: Fields = json(body)?;
        let body = TemplateBody::read(&mut fields);
        body.checked(None, &ImageRules::default(), &Limits::default())
    };
    let template = read().map_err(|failure| format!("{failure:?}"))?;
    // Its id is new each time.
    Ok((template.name, template.options, template.description))
}

/// The use of GPUs in the texts of exporters, in percent, by namespace and name of the pod.
pub fn gpu_percent(texts: &[String]) -> HashMap<(String, String), f32> {
    crate::usage::gpu_percent(texts)
}

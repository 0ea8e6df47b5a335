//! The style sheet and the script. Their names hold a hash of them, so that a browser may keep
//! them for good and still never has an old one.

use std::sync::LazyLock;

use axum::{
    extract::RawPathParams,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use crate::answer::not_found;

/// A file that comes with the program.
pub(crate) struct Asset {
    /// Its name below `/assets/`.
    pub name: String,
    kind: HeaderValue,
    text: &'static str,
}

pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("../assets/pages.css");
    Asset::new(
        "css",
        HeaderValue::from_static("text/css; charset=utf-8"),
        text,
    )
});

pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("../assets/live.js");
    Asset::new(
        "js",
        HeaderValue::from_static("text/javascript; charset=utf-8"),
        text,
    )
});

impl Asset {
    fn new(ending: &str, kind: HeaderValue, text: &'static str) -> Self {
        let hash = Sha256::digest(text);
        let short = hash[..8].iter().map(|byte| format!("{byte:02x}"));
        Self {
            name: format!("{}.{ending}", short.collect::<String>()),
            kind,
            text,
        }
    }
}

/// `/assets/{name}`
pub(crate) async fn get(params: RawPathParams) -> Response {
    let name = params.iter().next().map(|(_, name)| name);
    let asset = [&STYLE, &SCRIPT]
        .into_iter()
        .find(|asset| Some(asset.name.as_str()) == name);
    let Some(asset) = asset else {
        return not_found();
    };
    let keep = HeaderValue::from_static("public, max-age=31536000, immutable");
    let headers = [
        (header::CONTENT_TYPE, asset.kind.clone()),
        (header::CACHE_CONTROL, keep),
    ];
    (headers, asset.text).into_response()
}

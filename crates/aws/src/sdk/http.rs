//! The way out: rustls with ring.

use std::sync::OnceLock;

use aws_sdk_s3::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector};

/// A client that reads the system's certificates in the first call, not when it is made.
pub fn client() -> SharedHttpClient {
    SharedHttpClient::new(Lazy::default())
}

#[derive(Debug, Default)]
struct Lazy(OnceLock<SharedHttpClient>);

impl HttpClient for Lazy {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.0
            .get_or_init(|| {
                Builder::new()
                    .tls_provider(Provider::rustls(CryptoMode::Ring))
                    .build_https()
            })
            .http_connector(settings, components)
    }
}

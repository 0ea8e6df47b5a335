//! JSON Schemas (draft 2020-12) of both messages, made from the types that read them.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::Value;

use crate::{Micros, report, request};

/// The schema of a build request.
#[must_use]
pub fn request() -> Value {
    schema_of::<Request>("Build request, version 1")
}

/// The schema of a build report.
#[must_use]
pub fn report() -> Value {
    schema_of::<report::wire::Report>("Build report, version 1")
}

fn schema_of<T: JsonSchema>(title: &str) -> Value {
    let settings = SchemaSettings::draft2020_12();
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema.to_value()
}

/// A build request: forge -> CI system.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct Request {
    /// `build.requested`
    #[schemars(extend("const" = request::TYPE))]
    r#type: String,
    /// When the build was asked for.
    #[schemars(with = "DateTime")]
    timestamp: Micros,
    /// What is wanted.
    data: request::wire::Data,
}

macro_rules! shape {
    ($(#[doc = $doc:literal])* $name:ident, $schema:tt) => {
        $(#[doc = $doc])*
        pub(crate) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

shape!(
    /// RFC 3339, microseconds.
    DateTime, { "type": "string", "format": "date-time" }
);
shape!(
    /// A UUID of version 7.
    UuidV7, {
        "type": "string",
        "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
    }
);
shape!(
    /// A commit's full name.
    Commit, { "type": "string", "pattern": "^[0-9a-f]{40}$" }
);

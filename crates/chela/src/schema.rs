//! `chela schema`: the JSON Schema of a message.

use chela_contract::schema;
use serde::Serialize;
use serde_json::Value;

use crate::{
    cli::MessageKind,
    output::{Exit, Line, Shown},
};

/// A schema: the same for people and for machines.
#[derive(Serialize)]
#[serde(transparent)]
pub struct SchemaText(Value);

/// The schema of this message.
pub fn run(message: MessageKind) -> SchemaText {
    SchemaText(match message {
        MessageKind::Request => schema::request(),
        MessageKind::Report => schema::report(),
    })
}

impl Shown for SchemaText {
    fn lines(&self) -> Vec<Line> {
        vec![Line::Plain(format!("{:#}", self.0))]
    }

    fn exit(&self) -> Exit {
        Exit::Done
    }
}

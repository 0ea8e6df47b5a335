//! Ends a build that a newer one takes the place of.

use std::time::Duration;

use chela_contract::BuildId;
use chela_receiver::Overtaken;

use super::next::overtaken;
use super::tell;
use super::world::{Trouble, World};
use crate::engine::Stopped;
use crate::heads::by_newest;
use crate::ledger::HeadKey;
use crate::message::Message;
use crate::objects::{Tag, Written};
use crate::record::{Head, Record};

/// Ends what the head says is to end, and takes it off the head: it stays open for as long as
/// Pagure cannot be told, and each newer build would end it and tell of it once more.
pub async fn end_older<W: World>(
    world: &W,
    key: &HeadKey,
    mut head: Head,
    tag: &Tag,
) -> Result<(), Trouble> {
    if head.ends.is_empty() {
        return Ok(());
    }
    let by = by_newest(&head);
    for id in std::mem::take(&mut head.ends) {
        overtake(world, id, &by).await?;
    }
    // Where somebody else has written meanwhile, they do the same.
    if let Err(failure) = world.head_put(key, &head, Some(tag)).await {
        tracing::warn!(%failure, "the head still names builds that have ended");
    }
    Ok(())
}

/// Ends it, unless it is over: the engine's word is told then, and no flag that shows an end
/// becomes `canceled`.
pub async fn overtake<W: World>(world: &W, id: BuildId, by: &Overtaken) -> Result<(), Trouble> {
    if world.open(id).await?.is_none() {
        return Ok(());
    }
    while let Some((record, tag)) = world.record(id).await? {
        if let End::Said(message) = end(world, record, &tag, by).await? {
            return say(world, message).await;
        }
    }
    Ok(())
}

/// What an attempt to end a build came to.
enum End {
    /// Its record has changed meanwhile.
    Changed,
    /// This is to be told of it, if there is something to tell.
    Said(Option<Message>),
}

async fn end<W: World>(
    world: &W,
    mut record: Record,
    tag: &Tag,
    by: &Overtaken,
) -> Result<End, Trouble> {
    if record.ended.is_none() {
        if record.execution.is_some() && !stops(world, &record).await? {
            return Ok(End::Said(Some(tell::check(&record))));
        }
        let ended = tell::ended(&record, &overtaken(&record, by), world.now());
        record.ended = Some(ended);
        if world.update(&record, tag).await? == Written::Changed {
            return Ok(End::Changed);
        }
        tracing::info!(overtaken = %record.id(), by = %by.by, "ended");
    }
    let page = world.page(&record.target);
    let ended = record.ended.as_ref();
    Ok(End::Said(
        ended.and_then(|ended| tell::last(&record, ended, &page)),
    ))
}

async fn say<W: World>(world: &W, message: Option<Message>) -> Result<(), Trouble> {
    let Some(message) = message else {
        return Ok(());
    };
    let told = world.tell(&message, Duration::ZERO).await;
    told.map_err(|failure| Trouble::Mute(failure.to_string()))
}

/// Whether it stops. One that may not be stopped runs to its end, and the newer one is built all
/// the same.
async fn stops<W: World>(world: &W, record: &Record) -> Result<bool, Trouble> {
    match world.stop(record).await.map_err(Trouble::from) {
        Ok(Stopped::Stopping) => Ok(true),
        Ok(Stopped::WasOver) => Ok(false),
        Err(Trouble::Never(why)) => {
            tracing::error!(overtaken = %record.id(), why, "cannot stop it; it runs to its end");
            Ok(false)
        }
        Err(trouble) => Err(trouble),
    }
}

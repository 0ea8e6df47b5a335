//! How many may watch at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{Limits, PageKey};

/// Counts the live views, in all and of each build: one build that everybody watches, or that one
/// person watches very often, leaves room for the others.
#[derive(Clone, Debug)]
pub(crate) struct Viewers {
    counts: Arc<Mutex<Counts>>,
    most: usize,
    most_of_one: usize,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    of: HashMap<PageKey, usize>,
}

/// One live view's place; dropped, it is free again.
#[derive(Debug)]
pub(crate) struct Place {
    counts: Arc<Mutex<Counts>>,
    key: PageKey,
}

impl Viewers {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            counts: Arc::default(),
            most: limits.viewers,
            most_of_one: limits.viewers_of_one_build,
        }
    }

    /// A place to watch this build, if there is one.
    pub(crate) fn enter(&self, key: PageKey) -> Option<Place> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let of_this = counts.of.get(&key).copied().unwrap_or(0);
        if counts.all >= self.most || of_this >= self.most_of_one {
            return None;
        }
        counts.all += 1;
        counts.of.insert(key, of_this + 1);
        let counts = Arc::clone(&self.counts);
        Some(Place { counts, key })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all = counts.all.saturating_sub(1);
        match counts.of.get_mut(&self.key) {
            Some(of_this) if *of_this > 1 => *of_this -= 1,
            _ => drop(counts.of.remove(&self.key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_build_leaves_room_for_the_others_and_a_place_is_given_back() {
        let viewers = Viewers::new(&Limits {
            viewers: 3,
            viewers_of_one_build: 2,
            ..Limits::default()
        });
        let [a, b, c] = [1, 2, 3].map(|byte| PageKey::from_bytes([byte; 16]));
        let first = viewers.enter(a).unwrap();
        let _second = viewers.enter(a).unwrap();
        assert!(viewers.enter(a).is_none(), "a third viewer of one build");
        let other = viewers.enter(b).unwrap();
        assert!(viewers.enter(c).is_none(), "a fourth viewer");
        drop(first);
        assert!(viewers.enter(a).is_some());
        drop(other);
        let counts = viewers.counts.lock().unwrap();
        assert_eq!((counts.all, counts.of.len()), (1, 1));
    }
}

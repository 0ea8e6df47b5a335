//! Whatever happens, in whatever order, with restarts in between: the laws hold.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use chela_contract::{BuildId, BuildRequest, Status};
use chela_local::{Accepted, Kept, Outgoing};
use chela_receiver::{After, Build, End, Happened, Pending, Stage};
use proptest::prelude::*;
use support::{Ground, Wanted, at};

#[derive(Clone, Debug)]
enum Step {
    Accept(Asking),
    Repeat(prop::sample::Index),
    Claim,
    Happen(prop::sample::Index, Happening),
    Send(Arrives),
    Restart { again: bool },
    Wait(i64),
}

#[derive(Clone, Debug)]
struct Asking {
    pull: Option<u32>,
    commit: Option<char>,
    can_push: bool,
    rebuild: bool,
    /// How long the request was on its way.
    late: i64,
}

#[derive(Clone, Debug)]
enum Happening {
    Fetched,
    Postponed,
    Phase,
    Succeeded,
    Stopped,
}

#[derive(Clone, Debug)]
enum Arrives {
    Taken,
    Refused,
    Unanswered,
    /// The sender is gone before it can keep what came of it.
    Forgotten,
}

fn asking() -> impl Strategy<Value = Asking> {
    let pull = prop::option::weighted(0.9, 1..3_u32);
    let commit = prop::option::weighted(0.9, prop::sample::select(vec!['a', 'b']));
    (pull, commit, any::<bool>(), any::<bool>(), 0..6_i64).prop_map(
        |(pull, commit, can_push, rebuild, late)| Asking {
            pull,
            commit,
            can_push,
            rebuild,
            late,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    use Happening as H;
    let happening = prop::sample::select(vec![
        H::Fetched,
        H::Postponed,
        H::Phase,
        H::Succeeded,
        H::Stopped,
    ]);
    let arrives = prop_oneof![
        4 => Just(Arrives::Taken),
        1 => Just(Arrives::Refused),
        1 => Just(Arrives::Unanswered),
        1 => Just(Arrives::Forgotten),
    ];
    prop_oneof![
        6 => asking().prop_map(Step::Accept),
        1 => any::<prop::sample::Index>().prop_map(Step::Repeat),
        3 => Just(Step::Claim),
        4 => (any::<prop::sample::Index>(), happening).prop_map(|(i, h)| Step::Happen(i, h)),
        4 => arrives.prop_map(Step::Send),
        1 => any::<bool>().prop_map(|again| Step::Restart { again }),
        2 => (1..5_i64).prop_map(Step::Wait),
    ]
}

/// What an observer remembers, by simpler means than the store's.
struct World {
    ground: Option<Ground>,
    now: i64,
    asked: Vec<Wanted>,
    /// How each build that is over ended.
    over: BTreeMap<BuildId, Status>,
    /// When the forge took the hold of a build.
    acknowledged: BTreeMap<BuildId, i64>,
    /// Commits that were let through.
    cleared: BTreeSet<char>,
    /// The last report of a build that arrived or was given up.
    settled: BTreeMap<BuildId, i64>,
}

impl World {
    fn new() -> Self {
        Self {
            ground: Some(Ground::new()),
            now: 10,
            asked: Vec::new(),
            over: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            cleared: BTreeSet::new(),
            settled: BTreeMap::new(),
        }
    }

    fn ground(&self) -> &Ground {
        self.ground.as_ref().expect("it is open between steps")
    }

    fn all(&self) -> Vec<Kept> {
        self.ground().store.list(None, None, 1000).unwrap()
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Accept(asking) => self.accept(&asking),
            Step::Repeat(which) if !self.asked.is_empty() => {
                let wanted = which.get(&self.asked);
                let before = self.ground().build(wanted.id);
                let answer = self.ground().accept(wanted.asked(at(self.now)));
                assert_eq!(answer, Accepted::Before(before));
            }
            Step::Claim => self.claim(),
            Step::Happen(which, what) if !self.asked.is_empty() => self.happen(which, &what),
            Step::Send(arrives) => self.send(&arrives, self.now),
            Step::Restart { again } => self.restart(again),
            Step::Wait(seconds) => self.now += seconds,
            Step::Repeat(_) | Step::Happen(..) => {}
        }
    }

    fn accept(&mut self, asking: &Asking) {
        self.now += 1;
        let asked_at = self.now - asking.late;
        let wanted = Wanted {
            pull: asking.pull,
            commit: asking.commit,
            can_push: asking.can_push,
            reason: if asking.rebuild { "rebuild" } else { "updated" },
            ..Wanted::new(asked_at)
        };
        let may = self.may_be_built(&wanted);
        let Accepted::New { build, .. } = self.ground().accept(wanted.asked(at(self.now))) else {
            panic!("there is room for it");
        };
        if matches!(build.stage, Stage::Queued { .. }) {
            assert!(may, "{wanted:?} was let through");
            self.cleared.extend(wanted.commit);
        } else if !build.is_over() {
            assert!(!may, "{wanted:?} was held");
        }
        self.asked.push(wanted);
    }

    /// The contract's rule for those who are held (section 1.3), from what was seen.
    fn may_be_built(&self, wanted: &Wanted) -> bool {
        if !wanted.can_push {
            return false;
        }
        let rebuild = wanted.reason == "rebuild";
        let (Some(commit), Some(_)) = (wanted.commit, wanted.pull) else {
            // Pushed, or of a repository that the forge does not know.
            return !rebuild || wanted.pull.is_none() && wanted.commit.is_some();
        };
        let released = self.asked.iter().any(|held| {
            let same = held.pull == wanted.pull && held.commit == wanted.commit;
            let stage = self.ground().build(held.id).stage;
            let taken = self.acknowledged.get(&held.id).map(|taken| at(*taken));
            same && matches!(stage, Stage::Held { .. }) && taken.is_some_and(|t| wanted.by_at > t)
        });
        !rebuild || released || self.cleared.contains(&commit)
    }

    fn claim(&mut self) {
        self.now += 1;
        let ready = |build: &Build| match build.stage {
            Stage::Queued { not_before } => not_before <= at(self.now),
            _ => false,
        };
        let any = self.all().iter().any(|kept| ready(&kept.build));
        let taken = self.ground().store.claim(at(self.now)).unwrap();
        assert_eq!(
            taken.is_some(),
            any,
            "something is taken if something waits"
        );
        assert!(taken.is_none_or(|build| build.stage == Stage::Running));
    }

    fn happen(&mut self, which: prop::sample::Index, what: &Happening) {
        self.now += 1;
        let wanted = which.get(&self.asked);
        let (id, commit) = (wanted.id, wanted.commit.unwrap_or('c'));
        let now = at(self.now);
        let what = match what {
            Happening::Fetched => Happened::Fetched(commit.to_string().repeat(40).parse().unwrap()),
            Happening::Postponed => Happened::Postponed {
                why: "no answer".to_owned(),
                until: now.plus_seconds(3),
            },
            Happening::Phase => Happened::Phase {
                name: "build".to_owned(),
                percent: 5,
            },
            Happening::Succeeded => Happened::Ended(End::Succeeded),
            Happening::Stopped => Happened::Ended(End::Stopped),
        };
        // A runner knows nothing of a build that it has not taken.
        let running = self.ground().build(id).stage == Stage::Running;
        if running || what == Happened::Ended(End::Stopped) {
            self.ground().store.happened_at(id, what, now).unwrap();
        }
    }

    fn send(&mut self, arrives: &Arrives, second: i64) {
        let now = at(second);
        let Some(due) = self.ground().store.due(now).unwrap() else {
            return;
        };
        let (build, seq, holds) = (due.build, due.report_seq, due.holds);
        let after = match arrives {
            Arrives::Taken => After::Delivered,
            Arrives::Refused => After::Dropped {
                reason: "no".to_owned(),
            },
            Arrives::Unanswered => After::Again {
                pending: Pending {
                    attempts: due.pending.attempts + 1,
                    not_before: now.plus_seconds(2),
                    ..due.pending.clone()
                },
                reason: "no answer".to_owned(),
            },
            Arrives::Forgotten => return,
        };
        self.ground().store.settle(&due, &after, now, now).unwrap();
        if holds && after == After::Delivered {
            self.acknowledged.insert(build, second);
        }
        if !matches!(after, After::Again { .. }) {
            let before = self.settled.insert(build, seq);
            assert!(
                before < Some(seq),
                "a build's reports arrive in their order"
            );
        }
    }

    fn restart(&mut self, again: bool) {
        let before = self.all();
        self.ground = self.ground.take().map(Ground::reopen);
        assert_eq!(self.all(), before, "a restart changes nothing");
        self.now += 1;
        self.ground()
            .store
            .recover(at(self.now), &|_| again)
            .unwrap();
        let running = |kept: &Kept| kept.build.stage == Stage::Running;
        assert!(
            !self.all().iter().any(running),
            "nothing runs after a restart"
        );
    }

    /// What is true after every step.
    fn check(&mut self) {
        let mut active: BTreeMap<u32, usize> = BTreeMap::new();
        for kept in self.all() {
            let build = &kept.build;
            if let Some(ended) = self.over.get(&build.id()) {
                assert_eq!(build.stage, Stage::Ended(*ended), "what is over stays over");
            }
            match build.stage {
                Stage::Ended(status) => {
                    self.over.insert(build.id(), status);
                }
                Stage::Queued { .. } | Stage::Running => {
                    *active.entry(pull(&build.request)).or_default() += 1;
                }
                Stage::Held { .. } => {}
            }
        }
        active.remove(&0);
        assert!(
            active.values().all(|many| *many <= 1),
            "of a pull request one at most: {active:?}"
        );
    }

    /// The forge takes everything at last.
    fn finish(&mut self) {
        while self.ground().store.next_at(at(0)).unwrap().is_some() {
            self.now += 1;
            if self.ground().store.claim(at(self.now)).unwrap().is_none() {
                self.send(&Arrives::Taken, self.now);
            }
            self.check();
        }
        for kept in self.all() {
            let build = &kept.build;
            let told = !matches!(kept.report, Outgoing::Waiting { .. });
            assert!(told, "nothing is left in the outbox: {kept:?}");
            let first =
                build.said.at == build.accepted && !matches!(build.stage, Stage::Held { .. });
            if build.commit.is_some() && !first {
                let last = self.settled.get(&build.id());
                let newest = Some(build.said.at.get());
                assert!(
                    last.copied() == newest || build.commit != build.request.source.commit,
                    "the forge has the newest of {kept:?}, not {last:?}"
                );
            }
        }
    }
}

/// 0 for what is of none.
fn pull(request: &BuildRequest) -> u32 {
    request.pull_request.as_ref().map_or(0, |pull| pull.id)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn every_way_through_keeps_the_laws(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
            world.check();
        }
        world.finish();
    }
}

//! What is waited for at a moment, since when, and until when that is in order.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::Waits;
use crate::api::GitSyncStatus;
use crate::api::condition::{self, READY};
use crate::api::gitsync_status::Progress;
use crate::cluster::Targets;
use crate::health;
use crate::model::{ObjectKey, Target, Waiting, WaitsFor};
use crate::plan::order::{Clock, Front, Stage, Stands, Stretch, Verdict};
use crate::report;
use crate::sync::state::State;

/// Names that the status lists.
const LISTED: usize = 20;

/// What is waited for, and what the time is counted for, if it is.
type Seen = (Waiting, Option<Stretch>);

impl Waits {
    /// Where another process left off.
    pub fn restored(status: &GitSyncStatus) -> Self {
        let ready = condition::find(&status.conditions, READY).map_or("", |ready| ready.reason.as_str());
        let attempted = status.last_attempted_revision.clone().unwrap_or_default();
        let applied = status.last_applied_revision.as_ref().is_some_and(|applied| applied.revision == attempted);
        let found = status.progress.as_ref().map(|progress| {
            let stretch = if ready.starts_with("Dependency") {
                Stretch::Dependencies(attempted.clone())
            } else if applied {
                Stretch::Health(attempted.clone())
            } else {
                Stretch::Wave(attempted.clone(), progress.wave, progress.deleting)
            };
            (stretch, progress.since.0)
        });
        let announced = announcement(ready, status.progress.as_ref());
        let passed = (applied && found.is_none()).then_some((attempted, status.observed_generation));
        Self { clock: Clock::restored(found), announced, passed, ..Self::default() }
    }

    /// What is waited for, where that was not announced before.
    pub fn news(&mut self) -> Option<&Waiting> {
        let said = self.now.as_ref().map(|now| announcement(report::waiting::reason(now), now.progress.as_ref()));
        let said = said.unwrap_or_default();
        let known = std::mem::replace(&mut self.announced, said) == self.announced;
        self.now.as_ref().filter(|_| !known)
    }
}

/// What is said once: each wave for itself.
fn announcement(reason: &str, progress: Option<&Progress>) -> String {
    match progress {
        Some(progress) if reason == "WaitingForWave" => format!("{reason} {} {}", progress.wave, progress.deleting),
        _ => reason.to_owned(),
    }
}

impl State {
    /// Sees what is waited for now. Returns for how long that is still in order.
    pub fn see_waiting(&mut self, live: &Targets, operator_namespace: &str, applying: bool) -> Option<Duration> {
        self.waits.now = None;
        self.judge_dependencies(live, operator_namespace);
        let seen = if self.settings.suspended || !self.current { None } else { self.waited_for(live, applying) };
        let (mut waiting, stretch) = match seen {
            Some((waiting, Some(stretch))) => (waiting, stretch),
            other => {
                // While it is not known yet what there is to wait for, what another process waited for may still be it.
                if self.settings.suspended || (self.current && !applying) {
                    self.waits.clock.stop();
                }
                self.waits.now = other.map(|(waiting, _)| waiting);
                return None;
            }
        };
        let now = jiff::Timestamp::now();
        // What others have to do has no end of ours, and work is no waiting.
        let limited = !applying && !matches!(stretch, Stretch::Dependencies(_));
        let since = self.waits.clock.wait(stretch, now);
        let left = self.waits.clock.left(self.settings.wait_timeout, now).filter(|_| limited);
        waiting.overdue = left.is_some_and(|left| left.is_zero());
        if let Some(progress) = &mut waiting.progress {
            progress.since = Time(condition::truncate_to_seconds(since));
        }
        self.waits.now = Some(waiting);
        left.filter(|left| !left.is_zero())
    }

    fn waited_for(&mut self, live: &Targets, applying: bool) -> Option<Seen> {
        let blocked = self.is_blocked();
        match self.waits.verdict.clone() {
            Some(Verdict::NotAllowed(others)) => Some((self.plain(WaitsFor::Permission(others)), None)),
            Some(Verdict::Cycle(ring)) => Some((self.plain(WaitsFor::Ring(ring)), None)),
            Some(Verdict::Waits { missing, unready }) if blocked && self.waits.holds_back() => {
                Some(self.for_others(live, missing, unready))
            }
            _ if self.waits.holds_back() => self.for_a_wave(live),
            _ if self.settings.waits && !applying && self.waits.planned.is_none() => self.for_health(live),
            _ => None,
        }
    }

    fn plain(&self, what: WaitsFor) -> Waiting {
        let held_back = self.waits.held_back.len();
        Waiting { what, first: None, counted: (0, 0), held_back, overdue: false, progress: None }
    }

    fn for_others(&self, live: &Targets, missing: Vec<ObjectKey>, unready: Vec<ObjectKey>) -> Seen {
        let targets = || missing.iter().chain(&unready).cloned().map(Target::gitsync);
        let first = unready.first().cloned().map(Target::gitsync).map(|key| (key.to_string(), why(live, &key)));
        let names = targets().take(LISTED).map(|key| key.to_string()).collect();
        let progress = progress(&self.front(live), names);
        let what = WaitsFor::Dependencies { missing, unready };
        let waiting = Waiting { first, progress: Some(progress), ..self.plain(what) };
        (waiting, Some(Stretch::Dependencies(self.attempt().0)))
    }

    fn for_a_wave(&mut self, live: &Targets) -> Option<Seen> {
        let front = self.front(live);
        // What was waited for may have come without a word.
        self.waits.stale |= Some(front.stage) != self.waits.stage;
        let wave = front.stage.wave()?;
        let deleting = matches!(front.stage, Stage::Delete(_));
        let names = front.blockers.iter().take(LISTED).map(|key| name(key.as_ref())).collect();
        let waiting = Waiting {
            first: front.blockers.first().map(|key| (name(key.as_ref()), self.how(live, key.as_ref()))),
            counted: (front.done, front.total),
            progress: Some(progress(&front, names)),
            ..self.plain(WaitsFor::Wave { wave, deleting, failed: front.failed })
        };
        Some((waiting, Some(Stretch::Wave(self.attempt().0, wave, deleting))))
    }

    fn for_health(&self, live: &Targets) -> Option<Seen> {
        let objects = self.declared.objects.iter();
        let unready: Vec<&Target> = objects
            .filter(|(key, object)| match self.stands(live, key, object) {
                Stands::Done => false,
                Stands::Unready => true,
                // It is as it was applied before; whether that is healthy is known all the same.
                _ => !live.get(key).is_some_and(|member| member.glance().ready),
            })
            .map(|(key, _)| key)
            .collect();
        let first = unready.first().map(|key| (key.to_string(), self.how(live, Some(key))))?;
        let total = self.declared.objects.len();
        let counted = (total - unready.len(), total);
        let names = unready.iter().take(LISTED).map(ToString::to_string).collect();
        let progress =
            Progress { done: number(counted.0), total: number(counted.1), ..progress(&self.front(live), names) };
        let waiting = Waiting { first: Some(first), counted, progress: Some(progress), ..self.plain(WaitsFor::Health) };
        Some((waiting, Some(Stretch::Health(self.attempt().0))))
    }

    /// In a word, why an object is not as it should be.
    fn how(&self, live: &Targets, key: Option<&Target>) -> String {
        let Some(key) = key else { return "Unreadable".to_owned() };
        if self.declared.quarantined.contains_key(key) {
            return "InvalidManifest".to_owned();
        }
        if let Some(problem) = self.failed.get(key) {
            return problem.reason.clone();
        }
        self.held.get(key).map_or_else(|| why(live, key), |reason| reason.reason().to_owned())
    }
}

fn why(live: &Targets, key: &Target) -> String {
    let Some(member) = live.get(key) else { return "Missing".to_owned() };
    health::unready(&member.object().value()).unwrap_or("NotApplied").to_owned()
}

fn name(key: Option<&Target>) -> String {
    key.map_or_else(|| "a document that cannot be read".to_owned(), ToString::to_string)
}

fn progress(front: &Front<Option<Target>>, waiting_for: Vec<String>) -> Progress {
    Progress {
        wave: front.stage.wave().unwrap_or_default(),
        deleting: matches!(front.stage, Stage::Delete(_)),
        waves: number(front.waves),
        done: number(front.done),
        total: number(front.total),
        waiting_for,
        since: Time(jiff::Timestamp::UNIX_EPOCH),
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

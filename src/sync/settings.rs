//! What a GitSync's spec means, checked once.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::confinement::{Confinement, Refusal, account};
use crate::api::gitsync::{
    DeletionPolicy, Dependency, DriftPolicy, GitSyncSpec, LocalSecretRef, Rewrites, TakeOver, VerifyMode,
};
use crate::api::{GitSync, names};
use crate::drift::RuleBook;
use crate::manifest::Scope;
use crate::model::{Account, AccountRule, Follow, Narrowing, ObjectKey, parse_duration};
use crate::plan::{Budget, Sync, applyset, moves};
use crate::report::redact::Redactor;
use crate::source::{Source, SourceError, Sources, Wanted, same_server};

/// Shortest time between two looks without a push.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
/// No conversation with a source takes longer, whatever is asked for: others may read from the same store and wait for its end.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);

/// A GitSync that can be acted on.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who it is.
    pub sync: Sync,
    /// Generation of the spec.
    pub generation: Option<i64>,
    /// Where the repository is.
    pub url: String,
    /// The same repository elsewhere.
    pub mirrors: Vec<String>,
    /// What of it is followed.
    pub follow: Follow,
    /// What of a revision is read.
    pub narrowing: Narrowing,
    /// The Secret that it is reached with.
    pub secret: Option<ObjectKey>,
    /// The Secret of the proxy that it is reached through.
    pub proxy: Option<ObjectKey>,
    /// What must be signed, and by keys of which Secret.
    pub verify: Option<(VerifyMode, ObjectKey)>,
    /// Time between two looks.
    pub interval: Duration,
    /// Time for one fetch.
    pub timeout: Duration,
    /// Whether nothing is fetched or written.
    pub suspended: bool,
    /// Where manifests may go.
    pub scope: Scope,
    /// Whether missing namespaces are created.
    pub create_namespaces: bool,
    /// What the spec asks for and does not get; the rest of it counts.
    pub refused: Vec<Refusal>,
    /// The ServiceAccount that writes are made as; ourselves where there is none.
    pub account: Option<Account>,
    /// Whether what nobody owns is taken over.
    pub take_over: TakeOver,
    /// What tells its repository from others, however the URL is written.
    pub repository: String,
    /// Whether what a commit removed is deleted.
    pub prunes: bool,
    /// How many deletions an hour may have without approval.
    pub budget: Budget,
    /// The plan that a person approves.
    pub approve: Option<String>,
    /// What is done about drift.
    pub drift: Arc<RuleBook>,
    /// What is done about a revision that does not descend from the applied one.
    pub rewrites: Rewrites,
    /// The commit that a person pinned it to, as the annotation has it.
    pub pinned: Option<String>,
    /// Hash of the url and the ref.
    pub source_hash: String,
    /// What becomes of its MicroServices when it is deleted.
    pub deletion_policy: DeletionPolicy,
    /// Hash of what must not change for pruning.
    pub scope_hash: String,
    /// GitSyncs that must be ready first.
    pub depends_on: Vec<ObjectKey>,
    /// Whether it is ready only when everything that it declares is.
    pub waits: bool,
    /// How long a wait may take.
    pub wait_timeout: Duration,
    /// The current request to reconcile.
    pub requested: Option<String>,
    /// Why the spec cannot be acted on.
    pub invalid: Option<String>,
    /// What of values is shown; nothing that looks secret, and no digests, unless the operator has a key.
    pub redact: Arc<Redactor>,
}

impl Settings {
    /// Reads a GitSync. Outside the operator's namespace it is confined to its own.
    pub fn of(gitsync: &GitSync, operator_namespace: &str) -> Self {
        let mut invalid = None;
        let metadata = &gitsync.metadata;
        let spec = &gitsync.spec;
        let key = ObjectKey::new(
            metadata.namespace.as_deref().unwrap_or_default(),
            metadata.name.as_deref().unwrap_or_default(),
        );
        let Confinement { scope, create_namespaces, refused } =
            Confinement::of(spec, &key.namespace, operator_namespace);
        let account = account(spec, &key.namespace).unwrap_or_else(|message| {
            invalid = Some(message);
            None
        });
        let annotations = metadata.annotations.as_ref();
        let annotation = |name: &str| annotations.and_then(|all| all.get(name)).cloned();
        let requested = annotation(names::RECONCILE_REQUESTED_AT);
        let applyset = applyset::id(&key.namespace, &key.name);
        let sync = Sync { key, uid: metadata.uid.clone().unwrap_or_default(), applyset };
        let interval = duration("interval", spec.interval.as_deref(), Duration::from_secs(60), &mut invalid);
        let wait_timeout =
            duration("waitTimeout", spec.wait_timeout.as_deref(), Duration::from_secs(300), &mut invalid);
        let named = |other: &Dependency| {
            let namespace = other.namespace.as_deref().map_or_else(|| sync.key.namespace.clone(), Into::into);
            ObjectKey::new(namespace, other.name.as_str())
        };
        let follow = Follow::of(spec.reference.as_ref()).unwrap_or_else(|error| {
            invalid = Some(error.to_string());
            Follow::Branch("main".to_owned())
        });
        let narrowing = Narrowing { paths: spec.paths.clone(), exclude: spec.exclude.clone() };
        let own = |secret: Option<&LocalSecretRef>| {
            secret.map(|secret| ObjectKey::new(sync.key.namespace.clone(), secret.name.as_str()))
        };
        let verify = spec.verify.as_ref().map(|verify| (verify.mode, own(Some(&verify.secret_ref))));
        let verify = verify.and_then(|(mode, secret)| Some((mode, secret?)));
        if verify.as_ref().is_some_and(|(mode, _)| *mode != VerifyMode::Commit)
            && !matches!(follow, Follow::Tag(_) | Follow::Versions(_))
        {
            let message =
                "spec.verify.mode Tag and Both need spec.ref.tag or spec.ref.semver: nothing else names a tag";
            invalid = Some(message.to_owned());
        }
        let depends_on = spec.depends_on.iter().map(named).collect();
        let timeout = duration("timeout", spec.timeout.as_deref(), Duration::from_secs(60), &mut invalid);
        Self {
            generation: metadata.generation,
            url: spec.url.clone(),
            source_hash: hash_of(&serde_json::json!([spec.url, follow.identity()])),
            scope_hash: scope_hash(&spec.url, &follow, &narrowing, &scope.target_namespace),
            mirrors: spec.mirrors.clone(),
            follow,
            narrowing,
            secret: own(spec.secret_ref.as_ref()),
            proxy: own(spec.proxy_secret_ref.as_ref()),
            verify,
            interval: interval.max(SHORTEST_INTERVAL),
            timeout: timeout.min(LONGEST_TIMEOUT),
            suspended: spec.suspended(),
            create_namespaces,
            refused,
            account,
            take_over: spec.take_over(),
            repository: moves::repository(&spec.url),
            prunes: spec.prunes(),
            depends_on,
            waits: spec.waits(),
            wait_timeout,
            budget: budget(spec, &mut invalid),
            approve: annotation(names::APPROVE_PLAN),
            rewrites: spec.rewrites(),
            pinned: annotation(names::PINNED_REVISION),
            drift: rules(spec, &mut invalid),
            deletion_policy: spec.deletion_policy(),
            scope,
            sync,
            requested,
            invalid,
            redact: Arc::default(),
        }
    }

    /// Opens one of the places that it names. What was received with a Secret is shared with nobody who has another.
    pub fn open(&self, sources: &Sources, at: usize) -> Result<Source, SourceError> {
        let secret = self.secret.as_ref().filter(|_| self.is_told(at));
        let keys = [secret, self.proxy.as_ref()].map(|key| key.map(ToString::to_string).unwrap_or_default()).join("\0");
        let (url, follow, who) = (self.place(at), self.follow.clone(), self.sync.key.to_string());
        sources.open_wanted(Wanted { url, follow, timeout: self.timeout, keys: &keys, who: &who })
    }

    /// Whether the same is read from the same places, and reached in the same way.
    pub fn has_same_source(&self, other: &Self) -> bool {
        let places = |one: &Self| (one.url.clone(), one.mirrors.clone(), one.follow.clone(), one.timeout);
        places(self) == places(other) && (&self.secret, &self.proxy) == (&other.secret, &other.proxy)
    }

    /// The URL of a place: the url itself is the first, then come its mirrors.
    pub fn place(&self, at: usize) -> &str {
        at.checked_sub(1).and_then(|mirror| self.mirrors.get(mirror)).unwrap_or(&self.url)
    }

    /// Whether a place is told what the Secret says: the url is, and mirrors on the same server.
    pub fn is_told(&self, at: usize) -> bool {
        at == 0 || same_server(&self.url, self.place(at))
    }

    /// The same, with what the operator says about values that are not shown.
    #[must_use]
    pub fn hiding(self, redact: Option<&Arc<Redactor>>) -> Self {
        let redact = redact.map(Arc::clone).unwrap_or_default();
        Self { redact, ..self }
    }

    /// The same, where the operator says which ServiceAccount writes if the spec names none.
    #[must_use]
    pub fn by_default_as(mut self, account: Option<&str>) -> Self {
        if self.account.is_none()
            && let Some(name) = account
        {
            let key = ObjectKey::new(self.sync.key.namespace.clone(), name);
            self.account = Some(Account { key, rule: AccountRule::Flag });
        }
        self
    }
}

fn scope_hash(url: &str, follow: &Follow, narrowing: &Narrowing, target: &str) -> String {
    let mut paths: Vec<&str> = narrowing.paths.iter().map(String::as_str).collect();
    paths.sort_unstable();
    let scope = serde_json::json!([url, follow.identity(), paths, target]);
    // Where nothing is excluded, the hash is what it was before anything could be.
    if narrowing.exclude.is_empty() { hash_of(&scope) } else { hash_of(&serde_json::json!([scope, narrowing.exclude])) }
}

fn hash_of(value: &serde_json::Value) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(value.to_string())[..8])
}

fn rules(spec: &GitSyncSpec, invalid: &mut Option<String>) -> Arc<RuleBook> {
    let compiled = RuleBook::compile(spec.drift.as_ref());
    Arc::new(compiled.unwrap_or_else(|error| {
        *invalid = Some(error.to_string());
        RuleBook::uniform(DriftPolicy::Report)
    }))
}

fn budget(spec: &GitSyncSpec, invalid: &mut Option<String>) -> Budget {
    let Some(value) = spec.prune.as_ref().and_then(|prune| prune.budget.as_ref()) else { return Budget::default() };
    Budget::parse(value).unwrap_or_else(|| {
        *invalid = Some(format!(
            "spec.prune.budget {} is neither a number nor a percentage; write it as in 5 or 20%",
            serde_json::json!(value)
        ));
        Budget::default()
    })
}

/// Reads `1h30m`, `90s`, `500ms`; what is none is the default and a reason not to go on.
fn duration(field: &str, text: Option<&str>, default: Duration, invalid: &mut Option<String>) -> Duration {
    let Some(text) = text else { return default };
    parse_duration(text).unwrap_or_else(|| {
        *invalid = Some(format!("spec.{field} {text:?} is not a duration above zero; write it as in 30s or 5m"));
        default
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_times_of_one_gitsync_are_no_load_and_no_wait_of_others() {
        let check = |interval: &str, timeout: &str, expected: (u64, u64)| {
            let gitsync = serde_json::json!({
                "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": {"namespace": "team", "name": "main"},
                "spec": {"url": "https://git.example.com/a.git", "interval": interval, "timeout": timeout}
            });
            let gitsync: GitSync = serde_json::from_value(gitsync).unwrap();
            let settings = Settings::of(&gitsync, "gitmoor-system");
            assert_eq!((settings.interval.as_secs(), settings.timeout.as_secs()), expected, "{interval} {timeout}");
            // Times are added to a clock, and doubled: none may be beyond its end.
            let now = tokio::time::Instant::now();
            let pause = crate::sync::pace::Pace::default().pause(settings.interval, 1.0);
            assert!(now.checked_add(pause).is_some_and(|at| at.checked_add(pause).is_some()), "{interval}");
        };
        let longest = "4294967295h".repeat(1000);
        check("1ms", "1ms", (1, 0));
        check("1h30m", "90s", (5400, 90));
        check("87600h", "87600h", (87600 * 3600, 3600));
        check(&longest, &longest, (4_294_967_295 * 3600 * 1000, 3600));
        // What is no duration is the default, and a reason not to go on.
        check("1ns", "-1s", (60, 60));
    }

    #[test]
    fn the_account_of_the_spec_goes_before_that_of_the_flag() {
        let check = |own: Option<&str>, default: Option<&str>, expected: Option<(&str, AccountRule)>| {
            let gitsync = serde_json::json!({
                "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": {"namespace": "team", "name": "main"},
                "spec": {"url": "https://git.example.com/a.git", "serviceAccountName": own}
            });
            let gitsync: GitSync = serde_json::from_value(gitsync).unwrap();
            let found = Settings::of(&gitsync, "gitmoor-system").by_default_as(default).account;
            let expected = expected.map(|(name, rule)| Account { key: ObjectKey::new("team", name), rule });
            assert_eq!(found, expected);
        };
        check(None, None, None);
        check(None, Some("tenant"), Some(("tenant", AccountRule::Flag)));
        check(Some("deployer"), Some("tenant"), Some(("deployer", AccountRule::Spec)));
    }
}

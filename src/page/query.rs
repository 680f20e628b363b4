//! What a request asks for, read from the query of its URL.

use std::collections::BTreeSet;

use super::health::Health;
use super::refusal::Refusal;
use super::timeline::What;
use crate::model::{Kind, ObjectKey, Target};

/// The most that one answer has.
pub const MOST: usize = 1000;
/// Rows of one answer, where nobody says how many.
const ROWS: usize = 500;
/// Entries of one answer, where nobody says how many.
const ENTRIES: usize = 200;
/// Bytes of a text that is looked for.
const TEXT: usize = 256;
/// Times that a parameter may be repeated.
const REPEATED: usize = 100;

/// Which MicroServices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceQuery {
    /// Words, in small letters.
    pub words: Vec<String>,
    /// Of these namespaces; of all where empty.
    pub namespaces: BTreeSet<String>,
    /// Declared by these GitSyncs; by any or nobody where empty.
    pub gitsyncs: BTreeSet<String>,
    /// That are so; however they are where empty.
    pub health: BTreeSet<Health>,
    /// Those that differ, or those that do not.
    pub drift: Option<bool>,
    /// How many.
    pub limit: usize,
    /// Only what follows this one.
    pub after: Option<ObjectKey>,
    /// Only what changed after this version.
    pub since: Option<String>,
}

/// Which entries of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineQuery {
    /// What happened to this object.
    pub object: Option<Target>,
    /// Of these kinds; of all where empty.
    pub kinds: BTreeSet<What>,
    /// How many.
    pub limit: usize,
}

/// Which drift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftQuery {
    /// Of these namespaces; of all where empty.
    pub namespaces: BTreeSet<String>,
    /// How many of each list.
    pub limit: usize,
}

impl ServiceQuery {
    /// Reads it.
    pub fn parse(query: &str) -> Result<Self, Refusal> {
        let asked = Asked::of(query)?;
        let text = asked.one("q").unwrap_or_default();
        if text.len() > TEXT {
            return Err(invalid("q", &format!("it has at most {TEXT} bytes")));
        }
        Ok(Self {
            words: text.to_lowercase().split_whitespace().map(str::to_owned).collect(),
            namespaces: asked.all("namespace"),
            gitsyncs: asked.all("gitsync"),
            health: asked.words("health", Health::parse)?,
            drift: match asked.one("drift") {
                None | Some("") => None,
                Some("true") => Some(true),
                Some("false") => Some(false),
                Some(_) => return Err(invalid("drift", "it is true or false")),
            },
            limit: asked.limit(ROWS)?,
            after: match asked.one("continue") {
                None | Some("") => None,
                Some(text) => Some(ObjectKey::parse(text).ok_or(invalid("continue", "it is what a page before gave"))?),
            },
            since: asked.one("since").filter(|since| !since.is_empty()).map(str::to_owned),
        })
    }
}

impl TimelineQuery {
    /// Reads it.
    pub fn parse(query: &str) -> Result<Self, Refusal> {
        let asked = Asked::of(query)?;
        let object = match asked.one("object") {
            None | Some("") => None,
            Some(text) => Some(target(text).ok_or(invalid("object", "it is KIND/NAMESPACE/NAME"))?),
        };
        Ok(Self { object, kinds: asked.words("kind", What::parse)?, limit: asked.limit(ENTRIES)? })
    }
}

impl DriftQuery {
    /// Whether it is about a namespace.
    pub fn has(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.contains(namespace)
    }

    /// Reads it.
    pub fn parse(query: &str) -> Result<Self, Refusal> {
        let asked = Asked::of(query)?;
        Ok(Self { namespaces: asked.all("namespace"), limit: asked.limit(ROWS)? })
    }
}

/// The version that a stream of events goes on from: where the browser was, else where the lists were.
pub fn resume(query: &str, last_event_id: Option<&str>) -> Option<String> {
    let since = || Asked::of(query).ok()?.one("since").map(str::to_owned);
    last_event_id.map(str::to_owned).or_else(since).filter(|version| !version.is_empty())
}

fn target(text: &str) -> Option<Target> {
    let (kind, name) = text.split_once('/')?;
    let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind)?;
    Some(Target::new(kind, ObjectKey::parse(name)?))
}

fn invalid(parameter: &str, how: &str) -> Refusal {
    Refusal::QueryInvalid(format!("the parameter {parameter} cannot be read: {how}"))
}

/// Parameters in their order.
struct Asked(Vec<(String, String)>);

impl Asked {
    fn of(query: &str) -> Result<Self, Refusal> {
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().take(REPEATED + 1).collect();
        if pairs.len() > REPEATED {
            return Err(Refusal::QueryInvalid(format!("there are more than {REPEATED} parameters")));
        }
        Ok(Self(pairs))
    }

    fn each<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn all(&self, name: &str) -> BTreeSet<String> {
        self.each(name).filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    fn words<T: Ord>(&self, name: &str, parse: fn(&str) -> Option<T>) -> Result<BTreeSet<T>, Refusal> {
        let values = self.each(name).filter(|value| !value.is_empty());
        values.map(|value| parse(value).ok_or(invalid(name, "it is none of the words for it"))).collect()
    }

    fn limit(&self, otherwise: usize) -> Result<usize, Refusal> {
        let Some(text) = self.one("limit") else { return Ok(otherwise) };
        let limit = text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
        limit.ok_or(invalid("limit", &format!("it is a number from 1 to {MOST}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_and_what_cannot_be_is_named() {
        let query = ServiceQuery::parse(
            "q=Orders%20A%3A1&namespace=shop&namespace=pay&health=Ready&drift=true&limit=7&continue=shop/a&since=x-1",
        )
        .unwrap();
        assert_eq!(query.words, ["orders", "a:1"]);
        assert_eq!((query.namespaces.len(), query.health.len(), query.drift, query.limit), (2, 1, Some(true), 7));
        assert_eq!((query.after, query.since.as_deref()), (Some(ObjectKey::new("shop", "a")), Some("x-1")));
        let empty = ServiceQuery::parse("q=&health=&drift=&namespace=&continue=&unknown=1").unwrap();
        assert_eq!((empty.limit, empty.drift, empty.after, empty.health.len()), (ROWS, None, None, 0));
        for wrong in ["limit=0", "limit=1001", "limit=x", "drift=yes", "health=ready", "continue=shop"] {
            let name = wrong.split('=').next().unwrap();
            let refused = ServiceQuery::parse(wrong).unwrap_err().message();
            assert!(refused.contains(name), "{refused}");
        }
        assert!(ServiceQuery::parse(&format!("q={}", "a".repeat(TEXT + 1))).is_err());
        assert!(ServiceQuery::parse(&"namespace=a&".repeat(REPEATED + 1)).is_err());
    }

    #[test]
    fn an_object_of_the_timeline_has_a_kind() {
        let object = |text: &str| TimelineQuery::parse(&format!("object={text}")).map(|query| query.object);
        let expected = Target::gitsync(ObjectKey::new("ops", "main"));
        assert_eq!(object("GitSync/ops/main"), Ok(Some(expected)));
        for wrong in ["ops/main", "Pod/ops/main", "GitSync/ops", "GitSync/a/b/c"] {
            assert!(object(wrong).is_err(), "{wrong}");
        }
        assert_eq!(TimelineQuery::parse("kind=Drift&kind=Sync").unwrap().kinds.len(), 2);
    }

    #[test]
    fn a_browser_that_reconnects_goes_on_from_where_it_was() {
        assert_eq!(resume("since=a-1", Some("a-9")).as_deref(), Some("a-9"));
        assert_eq!(resume("since=a-1", None).as_deref(), Some("a-1"));
        assert_eq!(resume("", Some("")), None);
    }
}

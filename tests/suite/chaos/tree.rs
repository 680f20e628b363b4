//! What a commit declares, as values. Nothing here does anything.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

/// Names of the services that stories change one by one.
pub const NAMES: [&str; 8] = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen"];
/// Those of them that read a Secret, and restart when it changes.
pub const READERS: [&str; 2] = ["bee", "gnu"];
/// Most services that a huge commit declares beside them.
pub const HERD: u32 = 300;

/// What is done about drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    Correct,
    Report,
    Ignore,
}

impl Policy {
    pub const ALL: [Self; 3] = [Self::Correct, Self::Report, Self::Ignore];

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Correct => "Correct",
            Self::Report => "Report",
            Self::Ignore => "Ignore",
        }
    }
}

/// What Git says about one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// An image, a number of replicas, and what stories change beside them.
    Good(Spec),
    /// A manifest that is refused.
    Bad,
}

/// What of a service stories change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spec {
    /// Version of its image.
    pub image: u32,
    pub replicas: u32,
    /// What its own annotation says is done about its drift.
    pub policy: Option<Policy>,
    /// Whether the second GitSync has it.
    pub second: bool,
}

/// All that Git declares.
#[derive(Clone, PartialEq, Default)]
pub struct Tree {
    says: BTreeMap<&'static str, Says>,
    /// So many services of that image, without pods.
    pub herd: Option<(u32, u32)>,
}

/// Two hundred services are two numbers to whoever reads of a failure.
impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, says) in &self.says {
            match says {
                Says::Bad => write!(f, "{name}:bad ")?,
                Says::Good(spec) => {
                    write!(f, "{name}:{}x{}", spec.image, spec.replicas)?;
                    spec.policy.map_or(Ok(()), |policy| write!(f, "/{}", policy.word()))?;
                    write!(f, "{} ", if spec.second { "/second" } else { "" })?;
                }
            }
        }
        self.herd.map_or(Ok(()), |(count, image)| write!(f, "and {count} of {image}"))
    }
}

impl Tree {
    pub fn get(&self, name: &str) -> Option<Says> {
        if let Some(says) = self.says.get(name) {
            return Some(*says);
        }
        let (count, image) = self.herd?;
        let index: u32 = name.strip_prefix("herd-")?.parse().ok()?;
        (index < count).then_some(Says::Good(Spec { image, ..Spec::default() }))
    }

    /// Everything that it declares.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Says)> {
        everybody().filter_map(|name| Some((name, self.get(name)?)))
    }

    pub fn insert(&mut self, name: &'static str, says: Says) {
        self.says.insert(name, says);
    }

    pub fn remove(&mut self, name: &str) {
        self.says.remove(name);
    }

    /// How many it declares one by one.
    pub fn len(&self) -> usize {
        self.says.len()
    }

    /// Whether a manifest of it is refused.
    pub fn is_bad(&self) -> bool {
        self.says.values().any(|says| *says == Says::Bad)
    }
}

impl FromIterator<(&'static str, Says)> for Tree {
    fn from_iter<T: IntoIterator<Item = (&'static str, Says)>>(says: T) -> Self {
        Self { says: says.into_iter().collect(), herd: None }
    }
}

/// Names of all services that a story may have.
pub fn everybody() -> impl Iterator<Item = &'static str> {
    static HERDED: LazyLock<Vec<String>> =
        LazyLock::new(|| (0..HERD).map(|index| format!("herd-{index:03}")).collect());
    NAMES.into_iter().chain(HERDED.iter().map(String::as_str))
}

#[test]
fn a_herd_is_declared_like_any_other() {
    let mut tree: Tree = [("ant", Says::Bad)].into_iter().collect();
    tree.herd = Some((2, 7));
    let spec = Spec { image: 7, ..Spec::default() };
    let all: Vec<_> = tree.iter().collect();
    assert_eq!(all, [("ant", Says::Bad), ("herd-000", Says::Good(spec)), ("herd-001", Says::Good(spec))]);
    assert_eq!((tree.get("herd-002"), tree.get("bee"), tree.is_bad()), (None, None, true));
    assert_eq!(format!("{tree:?}"), "ant:bad and 2 of 7");
}

//! The files of a new repository, as texts.

use super::Ci;

/// What they are about.
pub struct About<'a> {
    pub url: &'a str,
    pub name: &'a str,
    pub namespace: &'a str,
    pub ci: Ci,
}

const README: &str = include_str!("files/README.md");
const SERVICE: &str = include_str!("files/hello.yaml");
const GITSYNC: &str = include_str!("files/gitsync.yaml");
const HOOK: &str = include_str!("files/pre-commit.yaml");
const GITHUB: &str = include_str!("files/github.yaml");
const GITLAB: &str = include_str!("files/gitlab.yaml");
const GITEA: &str = include_str!("files/gitea.yaml");

/// Each with its path.
pub fn files(about: &About<'_>) -> Vec<(&'static str, String)> {
    let ci = match about.ci {
        Ci::Github => Some((".github/workflows/gitmoor.yaml", GITHUB)),
        Ci::Gitlab => Some((".gitlab-ci.yml", GITLAB)),
        Ci::Gitea => Some((".gitea/workflows/gitmoor.yaml", GITEA)),
        Ci::None => None,
    };
    let all = [
        ("README.md", README),
        ("gitsync.yaml", GITSYNC),
        ("services/hello.yaml", SERVICE),
        (".pre-commit-config.yaml", HOOK),
    ];
    let fill = |text: &str| {
        let words = [
            ("@URL@", about.url),
            ("@NAME@", about.name),
            ("@NAMESPACE@", about.namespace),
            ("@VERSION@", env!("CARGO_PKG_VERSION")),
        ];
        words.into_iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
    };
    all.into_iter().chain(ci).map(|(path, text)| (path, fill(text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_filled_in() {
        for ci in [Ci::Github, Ci::Gitlab, Ci::Gitea, Ci::None] {
            let about = About { url: "https://x/y.git", name: "team", namespace: "shop", ci };
            let all = files(&about);
            assert_eq!(all.len(), if ci == Ci::None { 4 } else { 5 });
            for (path, text) in &all {
                assert!(
                    !text.contains("@URL@") && !text.contains("@NAME") && !text.contains("@VERSION@"),
                    "{path}: {text}"
                );
                assert!(text.ends_with('\n'), "{path}");
            }
            let sync: serde_json::Value = serde_yaml::from_str(&all[1].1).unwrap();
            assert_eq!((&sync["spec"]["url"], &sync["metadata"]["name"]), (&"https://x/y.git".into(), &"team".into()));
            assert_eq!(sync["spec"]["allowedNamespaces"], serde_json::json!(["shop"]));
        }
    }
}

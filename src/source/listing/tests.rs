//! What is listed of small trees.

use std::collections::BTreeMap;

use super::*;
use crate::model::narrowing::Narrowing;

/// A tree of which each path is a file, `path -> target` a link, `path @` a submodule and `path: a b` a file of two lines.
struct Sketch(BTreeMap<String, (Kind, String)>);

impl Sketch {
    fn of(lines: &[&str]) -> Self {
        let mut entries = BTreeMap::new();
        for line in lines {
            let (path, entry) = match (line.split_once(" -> "), line.strip_suffix(" @"), line.split_once(": ")) {
                (Some((path, target)), ..) => (path, (Kind::Link, target.to_owned())),
                (_, Some(path), _) => (path, (Kind::Submodule, String::new())),
                (.., Some((path, content))) => (path, (Kind::File, content.replace(' ', "\n"))),
                _ => (*line, (Kind::File, String::new())),
            };
            let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
            entries.extend(folders.map(|folder| (folder.to_owned(), (Kind::Folder, String::new()))));
            entries.insert(path.to_owned(), entry);
        }
        Self(entries)
    }
}

impl Tree for Sketch {
    type Id = String;
    const MAX_DEPTH: usize = 5;
    const MAX_FILES: usize = 10;

    fn root(&self) -> String {
        String::new()
    }

    fn entries(&self, folder: &String, show: &mut Show<String>) -> Result<(), SourceError> {
        for (path, (kind, _)) in &self.0 {
            let name = path.rsplit('/').next().unwrap();
            if join(folder, name) == *path {
                show(name.as_bytes(), *kind, path.clone())?;
            }
        }
        Ok(())
    }

    fn child(&self, folder: &String, name: &str) -> Result<Option<(Kind, String)>, SourceError> {
        let path = join(folder, name);
        Ok(self.0.get(&path).map(|(kind, _)| (*kind, path)))
    }

    fn content(&self, file: &String, limit: usize) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.target(file)?.filter(|content| content.len() <= limit))
    }

    fn target(&self, link: &String) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.0.get(link).map(|(_, target)| target.clone().into_bytes()))
    }

    fn go_on(&self) -> Result<(), SourceError> {
        Ok(())
    }

    fn too_large(&self, why: String) -> SourceError {
        SourceError::TooLarge { url: "sketch".into(), why }
    }
}

/// What is wanted as `path` or `- pattern`. Files as `path` or `path < its own path`, then `? missing`, then
/// `! unread: what`, then `- how many are left out`.
#[track_caller]
fn check(tree: &[&str], wanted: &[&str], expected: &[&str]) {
    let (exclude, paths): (Vec<&str>, Vec<&str>) = wanted.iter().partition(|path| path.starts_with("- "));
    let exclude = exclude.iter().map(|pattern| pattern[2..].to_owned()).collect();
    let narrowing = Narrowing { exclude, ..Narrowing::to(&paths) };
    let listed = list(&Sketch::of(tree), &WantedPaths::parse(&narrowing).unwrap()).unwrap();
    let mut found = Vec::new();
    for (path, own) in listed.files {
        found.push(if path == own { path } else { format!("{path} < {own}") });
    }
    found.extend(listed.missing.iter().map(|path| format!("? {path}")));
    found.extend(listed.unread.iter().map(|one| format!("! {}: {:?}", one.path, one.what)));
    found.extend((listed.excluded > 0).then(|| format!("- {}", listed.excluded)));
    assert_eq!(found, expected, "{tree:?} {wanted:?}");
}

#[test]
fn yaml_is_listed_and_dot_folders_are_not() {
    let tree = ["a.yaml", "b/c.yml", "b/.d/e.yaml", ".f/g.yaml", ".h.yaml", "b/i.txt"];
    check(&tree, &[], &[".h.yaml", "a.yaml", "b/c.yml"]);
    check(&tree, &["b", "b/", "./b/c.yml"], &["b/c.yml"]);
    check(&tree, &[".f"], &[".f/g.yaml"]);
    check(&tree, &["x", "a.yaml/x"], &["? x", "? a.yaml/x"]);
}

#[test]
fn a_wanted_file_is_read_if_it_is_yaml() {
    check(&["apps", "b.yaml"], &["b.yaml"], &["b.yaml"]);
    check(&["apps", "b.yaml"], &["apps"], &["? apps (a file there, and not YAML)"]);
    check(&["apps @"], &["apps"], &["? apps (a submodule)"]);
}

#[test]
fn a_link_within_the_tree_is_followed_once() {
    check(&["base/a.yaml", "prod/a.yaml -> ../base/a.yaml"], &["prod"], &["prod/a.yaml < base/a.yaml"]);
    check(&["base/x/a.yaml", "base/x/b.txt", "prod -> base"], &["prod"], &["prod/x/a.yaml < base/x/a.yaml"]);
    check(&["base/x/a.yaml", "prod -> ./base//x/"], &["prod/"], &["prod/a.yaml < base/x/a.yaml"]);
    check(&["base/x/a.yaml", "prod -> base"], &["prod/x"], &["prod/x/a.yaml < base/x/a.yaml"]);
    check(&["base/x/a.yaml", "prod -> base"], &["prod/x/a.yaml"], &["prod/x/a.yaml < base/x/a.yaml"]);
    check(&[".base/a.yaml", "prod/x -> ../.base"], &["prod"], &["prod/x/a.yaml < .base/a.yaml"]);
    check(&["base/.x/a.yaml", "base/b.yaml", "prod -> base"], &["prod"], &["prod/b.yaml < base/b.yaml"]);
}

#[test]
fn what_two_ways_lead_to_is_listed_once() {
    let tree = ["base/a.yaml", "prod/b.yaml", "prod/base -> ../base", "stage/a.yaml -> ../base/a.yaml"];
    check(&tree, &[], &["base/a.yaml", "prod/b.yaml"]);
    check(&tree, &["prod", "base"], &["base/a.yaml", "prod/b.yaml"]);
    check(&tree, &["prod", "stage"], &["prod/b.yaml", "prod/base/a.yaml < base/a.yaml"]);
    check(&tree, &["stage", "stage/a.yaml"], &["stage/a.yaml < base/a.yaml"]);
}

#[test]
fn links_to_what_is_no_manifest_are_nobodys_business() {
    check(&["a.txt", "README -> a.txt", ".hidden -> /etc", "a.yaml"], &[], &["a.yaml"]);
    check(&["a.txt", "b -> a.txt"], &["b"], &["? b (a symbolic link that leads to no folder and no manifest)"]);
    check(&["a.txt", "b.yaml -> a.txt"], &[], &["b.yaml < a.txt"]);
    check(&["x/a.yaml", "b -> x/a.yaml"], &[], &["x/a.yaml"]);
    check(&["x/a.yaml", "b -> x/a.yaml"], &["b"], &["b < x/a.yaml"]);
}

#[test]
fn links_that_lead_nowhere_are_findings() {
    let one = |target: &str, expected: &str| {
        let line = format!("apps/x -> {target}");
        check(&["apps/a.yaml", "base/b.yaml", &line], &["apps"], &["apps/a.yaml", &format!("! apps/x: {expected}")]);
    };
    one("/etc", "LinkOutside");
    one("../..", "LinkOutside");
    one("../../base", "LinkOutside");
    one("../none", "LinkDangling");
    one("../base/b.yaml/c", "LinkDangling");
    one("", "LinkLoop");
    one(".", "LinkLoop");
    one("..", "LinkLoop");
    one("x", "LinkLoop");
    one("x/y", "LinkLoop");
    one("../apps", "LinkLoop");
    check(&["a.yaml -> b.yaml", "b.yaml -> a.yaml"], &[], &["! a.yaml: LinkChained", "! b.yaml: LinkChained"]);
    check(&[".a.yaml -> none"], &[], &["! .a.yaml: LinkDangling"]);
    check(
        &["x -> /etc"],
        &["x", "x/y"],
        &[
            "? x (a symbolic link that leads out of the repository)",
            "? x/y (a symbolic link that leads out of the repository)",
        ],
    );
}

#[test]
fn one_link_is_followed_and_not_two() {
    check(&["base/a.yaml", "x -> base", "y -> x"], &[], &["base/a.yaml", "! y: LinkChained"]);
    check(
        &["base/a.yaml", "base/x -> ../more", "more/b.yaml", "prod -> base"],
        &["prod"],
        &["prod/a.yaml < base/a.yaml", "! prod/x: LinkChained"],
    );
    let inner = ["base/x -> ../more", "more/b.yaml", "prod -> base"];
    check(&inner, &["base", "prod"], &["base/x/b.yaml < more/b.yaml"]);
}

#[test]
fn submodules_are_findings_wherever_they_are_seen() {
    check(&["apps/m @", "apps/.m @"], &[], &["! apps/m: Submodule"]);
    check(&["base/m @", "prod -> base"], &["prod"], &["! prod/m: Submodule"]);
    check(&["base/m @", "prod -> base"], &[], &["! base/m: Submodule"]);
    check(&["base/m @", "prod -> base/m"], &["prod"], &["? prod (a submodule)"]);
}

#[test]
fn a_tree_is_bounded() {
    let refused = |tree: &[&str]| {
        let error = list(&Sketch::of(tree), &WantedPaths::parse(&Narrowing::default()).unwrap()).unwrap_err();
        assert_eq!(error.reason(), "TooLarge");
    };
    refused(&["1/2/3/4/5/6/a.yaml"]);
    let many: Vec<String> = (0..11).map(|number| format!("{number}.yaml")).collect();
    refused(&many.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn what_is_excluded_is_not_listed_but_counted() {
    let tree = ["a.yaml", "drafts/b.yaml", "drafts/deep/c.yaml", "drafts/d.txt", "drafts/e @", "x/drafts/f.yaml"];
    check(&tree, &["- drafts/"], &["a.yaml", "- 3"]);
    check(&tree, &["- /drafts/"], &["a.yaml", "x/drafts/f.yaml", "- 2"]);
    check(&tree, &["- *.yaml", "- !a.yaml"], &["a.yaml", "! drafts/e: Submodule", "- 3"]);
    check(&tree, &["x", "- drafts"], &["- 1"]);
}

#[test]
fn a_wanted_path_that_is_excluded_is_missing() {
    let tree = ["a.yaml", "drafts/b.yaml"];
    let missing = "? drafts (excluded by spec.exclude or a .gitmoorignore)";
    check(&tree, &["drafts", "- drafts/"], &[missing]);
    check(
        &tree,
        &["drafts/b.yaml", "a.yaml", "- drafts/"],
        &["a.yaml", &missing.replace("drafts (", "drafts/b.yaml (")],
    );
    check(&[&tree[..], &[".gitmoorignore: drafts"]].concat(), &["drafts"], &[missing]);
}

#[test]
fn the_tree_has_patterns_of_its_own() {
    let tree = [
        ".gitmoorignore: *.test.yaml /top.yaml",
        "a.test.yaml",
        "a.yaml",
        "apps/.gitmoorignore: !keep.test.yaml local.yaml",
        "apps/keep.test.yaml",
        "apps/local.yaml",
        "apps/top.yaml",
        "apps/x.test.yaml",
        "local.yaml",
        "top.yaml",
    ];
    check(&tree, &[], &["a.yaml", "apps/keep.test.yaml", "apps/top.yaml", "local.yaml", "- 4"]);
    check(&tree, &["apps"], &["apps/keep.test.yaml", "apps/top.yaml", "- 2"]);
    check(&tree, &["apps", "- !local.yaml", "- keep.*"], &["apps/local.yaml", "apps/top.yaml", "- 2"]);
}

#[test]
fn patterns_are_asked_about_the_path_of_a_link() {
    let tree = ["drafts/a.yaml", "linked -> drafts", "one.yaml -> drafts/a.yaml"];
    check(&tree, &["- drafts"], &["linked/a.yaml < drafts/a.yaml", "- 1"]);
    check(&tree, &["- drafts", "- linked"], &["one.yaml < drafts/a.yaml", "- 1"]);
}

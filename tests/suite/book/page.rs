//! A page as its readers' programs see it: headings, links and blocks, each with its line.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::support::plane::root;

/// One page.
#[derive(Debug, Default)]
pub struct Page {
    /// From the root of the repository.
    pub path: String,
    /// The title: the first heading.
    pub title: String,
    /// What a link can name behind `#`.
    pub anchors: Vec<String>,
    /// Where links and images lead, with their lines.
    pub links: Vec<(usize, String)>,
    /// What stands in backticks, with its line.
    pub codes: Vec<(usize, String)>,
    /// Blocks of code.
    pub blocks: Vec<Block>,
}

/// A block of code.
#[derive(Debug, Default, Clone)]
pub struct Block {
    /// The line on which it begins.
    pub line: usize,
    /// Its language.
    pub language: String,
    /// What is said to tests in a comment in front of it, as in `<!-- runs -->`.
    pub note: String,
    /// What is in it.
    pub text: String,
}

impl Page {
    /// A page of the repository.
    pub fn read(path: &str) -> Self {
        let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self::of(path, &text)
    }

    /// A page from its text.
    pub fn of(path: &str, text: &str) -> Self {
        let mut page = Self { path: path.into(), ..Self::default() };
        let mut seen: HashMap<String, usize> = HashMap::new();
        let (mut heading, mut block, mut note) = (None::<String>, None::<Block>, String::new());
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            let line = 1 + text[..range.start].matches('\n').count();
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => page.headed(heading.take().unwrap_or_default(), &mut seen),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push((line, dest_url.into_string()));
                }
                Event::Start(Tag::CodeBlock(kind)) => {
                    let language = match kind {
                        CodeBlockKind::Fenced(language) => language.into_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    block = Some(Block { line, language, note: std::mem::take(&mut note), text: String::new() });
                }
                Event::End(TagEnd::CodeBlock) => page.blocks.extend(block.take()),
                Event::Html(html) | Event::InlineHtml(html) => {
                    let said = html.trim().strip_prefix("<!--").and_then(|html| html.strip_suffix("-->"));
                    note = said.map_or(note, |said| said.trim().to_owned());
                }
                Event::Text(text) | Event::Code(text) if heading.is_some() => {
                    heading.iter_mut().for_each(|heading| heading.push_str(&text));
                }
                Event::Text(text) => block.iter_mut().for_each(|block| block.text.push_str(&text)),
                Event::Code(text) => page.codes.push((line, text.into_string())),
                Event::Start(Tag::Paragraph) => note.clear(),
                _ => {}
            }
        }
        page
    }

    fn headed(&mut self, heading: String, seen: &mut HashMap<String, usize>) {
        let slug = slug(&heading);
        let times = seen.entry(slug.clone()).or_default();
        self.anchors.push(if *times == 0 { slug } else { format!("{slug}-{times}") });
        *times += 1;
        if self.title.is_empty() {
            self.title = heading;
        }
    }
}

/// The anchor of a heading, as GitHub and mdBook make it.
fn slug(heading: &str) -> String {
    let kept = heading
        .trim()
        .chars()
        .filter(|letter| letter.is_alphanumeric() || letter.is_whitespace() || matches!(letter, '-' | '_'));
    kept.map(|letter| if letter.is_whitespace() { '-' } else { letter }).flat_map(char::to_lowercase).collect()
}

/// The pages of the book, in order of path.
pub fn book() -> Vec<Page> {
    pages(&["docs"])
}

/// Every page of the repository that a person reads.
pub fn everything() -> Vec<Page> {
    let mut pages = pages(&["docs", "hack", "bench", "examples", "deploy"]);
    let tops = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
    pages.extend(tops.map(Page::read));
    pages
}

fn pages(folders: &[&str]) -> Vec<Page> {
    let mut paths = Vec::new();
    folders.iter().for_each(|folder| collect(&root().join(folder), &mut paths));
    paths.sort();
    paths.iter().map(|path| Page::read(path)).collect()
}

fn collect(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let is_page = path.extension().is_some_and(|extension| extension == "md");
        if path.is_dir() && entry.file_name() != "node_modules" {
            collect(&path, found);
        } else if is_page {
            found.push(path.strip_prefix(root()).unwrap().display().to_string());
        }
    }
}

#[test]
fn a_page_is_read_as_github_reads_it() {
    let text = "# A `b` c!\n\n[x](y.md#z) and `gitmoor drift`\n\n## A b c\n\n<!-- runs -->\n```console\n$ true\n```\n\n\
                | a |\n|---|\n| [t](u) |\n\n<!-- no -->\n\ntext\n\n```yaml\na: [1](2)\n```\n";
    let page = Page::of("p.md", text);
    assert_eq!(page.title, "A b c!");
    assert_eq!(page.anchors, ["a-b-c", "a-b-c-1"]);
    assert_eq!(page.links, [(3, "y.md#z".to_owned()), (14, "u".to_owned())]);
    assert_eq!(page.codes, [(3, "gitmoor drift".to_owned())]);
    let blocks: Vec<_> = page.blocks.iter().map(|block| (block.line, &*block.language, &*block.note)).collect();
    assert_eq!(blocks, [(8, "console", "runs"), (20, "yaml", "")]);
    assert_eq!(page.blocks[0].text, "$ true\n");
}

//! What is shown of values: whatever text or object there is, nothing of it is shown that stands where a secret stands.

use gitmoor::model::pointer::Pointer;
use gitmoor::page::excerpt::Excerpt;
use gitmoor::report::redact::{KEY, RedactPath, Redactor};
use serde_json::{Value, json};

use super::choices::Choices;

/// Something that is no word of an input.
const CANARY: &str = "cAnary7f3a9Zq";
/// What stands before a secret and what stands behind it, in files and on command lines.
const FORMS: [(&str, &str); 37] = [
    ("password: ", ""),
    ("  password : ", ""),
    ("db.password=", ""),
    ("DB_PASSWORD = ", " # as ever"),
    ("export API_KEY=", ""),
    ("export API_KEY=\"a\"'", "'"),
    ("--token ", " --verbose"),
    ("run --token=", ""),
    ("run --token '", "' --verbose"),
    ("{\"a\": 1, \"password\": \"", "\", \"b\": 2}"),
    ("{\"password\":\"a\\\"", "\"}"),
    ("{\\\"password\\\":\\\"", "\\\"}"),
    ("\"tokens\": [\n  \"a\",\n  \"", "\"\n]"),
    ("'api_key' : '", "'"),
    ("password: 'it''s ", "'"),
    ("password = \"\"\"\n", "\n\"\"\""),
    ("secret: |\n  a\n  ", ""),
    ("tokens:\n- a\n- ", ""),
    ("password:\n  ", ""),
    ("password: two\n  ", ""),
    ("postgres://u:", "@db/x"),
    ("postgres://u:p@", "@db/x"),
    ("https://h/x?a=1&token=", "&b=2"),
    ("DB_PASSWORD_FILE=", ""),
    ("--token-file=", " --verbose"),
    ("author_token: ", ""),
    ("{a:1,password:\"", "\"}"),
    ("{:password => \"", "\", :b => 1}"),
    ("DB_PASSWORD := ", ""),
    ("[ \"$API_KEY\" == \"", "\" ]"),
    ("- name: API_KEY\n  value: ", ""),
    ("{\"name\":\"API_KEY\",\"value\":\"", "\"}"),
    ("<add key=\"password\" value=\"", "\"/>"),
    ("Authorization: Bearer 0123456789", ""),
    ("-----BEGIN PRIVATE KEY-----\n", "\n-----END PRIVATE KEY-----"),
    ("<x:password a=\"1\">", "</x:password>"),
    ("use ghp_", " now"),
];
/// The same for one line of a manifest. What is missing here is shown: a name, an image.
const LINES: [(&str, &str); 10] = [
    ("    value: ", ""),
    ("  - value: a ", ""),
    ("      password: ", ""),
    ("  url: postgres://u:", "@db/x"),
    ("  url: postgres://u:p@", "@db/x"),
    ("  password_file: ", ""),
    ("  args: [--token, ", "]"),
    ("  - --token=", ""),
    ("  # ", ""),
    ("  command: run --token=", ""),
];
const WORDS: [&str; 23] = [
    "kind",
    "Secret",
    "spec",
    "env",
    "name",
    "value",
    "valueFrom",
    "DB_PASSWORD",
    "API-TOKEN",
    "DB_PASSWORD_FILE",
    "LOG",
    "args",
    "--password",
    "-token",
    "metadata",
    "labels",
    "annotations",
    "vault/token",
    "data",
    "stringData",
    "path",
    "content",
    "/etc/db-password",
];
/// Names of [`WORDS`] that say that their value is secret.
const SECRET: [&str; 5] = ["DB_PASSWORD", "API-TOKEN", "DB_PASSWORD_FILE", "vault/token", "/etc/db-password"];
const FLAGS: [&str; 2] = ["--password", "-token"];

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // What repeats it is no secret, and part of it is no other one.
    if text.to_lowercase().contains(&CANARY[..4].to_lowercase()) {
        return;
    }
    let redactors = [Redactor::new(Some([7; KEY]), Vec::new()), Redactor::default()];
    let (before, after) = text.split_once('\0').unwrap_or((&text, ""));
    for redactor in &redactors {
        texts(redactor, before, after);
        let mut root = Choices::of(data).json(&WORDS, 6);
        plant(&mut root, "");
        objects(redactor, &root);
    }
    lines(before, after);
    if let Ok(path) = text.parse::<RedactPath>() {
        assert_eq!(path.to_string().parse::<RedactPath>().as_ref(), Ok(&path), "it is written as it is read");
        Redactor::new(None, vec![path]).shown("shop", &json!({"a": [1]}), &Pointer::root(), &json!({"a": [1]}));
    }
}

fn texts(redactor: &Redactor, before: &str, after: &str) {
    let shown = |text: &str| {
        let value = Value::from(text);
        let shown = redactor.shown("shop", &value, &Pointer::root(), &value);
        assert_eq!(shown, redactor.shown("shop", &value, &Pointer::root(), &value), "the same is shown twice");
        shown.as_str().expect("a text is shown as one").to_owned()
    };
    let alone = shown(before);
    assert!(alone.len() <= 24 * before.len() + 24, "{} bytes of {}", alone.len(), before.len());
    for (begin, end) in FORMS {
        let secret = format!("{before}\n{begin}{CANARY}{end}\n{after}");
        let shown = shown(&secret);
        assert!(!shown.contains(CANARY), "{begin:?} hides nothing of {secret:?}: {shown:?}");
    }
}

/// Lines of a manifest, also where they are long.
fn lines(before: &str, after: &str) {
    let number = before.split('\n').count();
    let long: String = before.chars().filter(char::is_ascii_alphanumeric).collect();
    for (begin, end) in LINES {
        for long in ["", &long] {
            let text = format!("{before}\n{begin}{CANARY}{long}{end}\n{after}");
            let line = u32::try_from(number + 1).expect("there are few lines");
            let excerpt = Excerpt::of(&text, line).expect("there is such a line");
            for line in excerpt.lines {
                assert!(line.chars().count() <= 200, "{line:?}");
                assert!(!line.contains(CANARY), "{begin:?} hides nothing: {line:?}");
            }
        }
    }
}

/// Puts secrets where they belong.
fn plant(value: &mut Value, within: &str) {
    let secret = || json!(CANARY);
    match value {
        Value::Object(fields) => {
            for (name, by) in [("value", "name"), ("content", "path")] {
                let named = fields.get(by).and_then(Value::as_str).is_some_and(|name| SECRET.contains(&name));
                if named && fields.contains_key(name) {
                    fields[name] = secret();
                }
            }
            for (name, inner) in fields.iter_mut() {
                if ["labels", "annotations", "data", "stringData"].contains(&within)
                    && SECRET.contains(&&**name)
                    && !inner.is_object()
                {
                    *inner = secret();
                }
                plant(inner, name);
            }
        }
        Value::Array(items) => {
            for at in 1..items.len() {
                let flag = items[at - 1].as_str().is_some_and(|before| FLAGS.contains(&before));
                if flag && items[at].is_string() && !items[at].as_str().is_some_and(|text| text.starts_with('-')) {
                    items[at] = secret();
                }
            }
            items.iter_mut().enumerate().for_each(|(at, inner)| plant(inner, &at.to_string()));
        }
        _ => {}
    }
}

/// All of an object, from wherever one looks.
fn objects(redactor: &Redactor, root: &Value) {
    let mut places = vec![Pointer::root()];
    let mut at = 0;
    while let Some(place) = places.get(at).filter(|_| at < 100).cloned() {
        at += 1;
        let value = place.get(root).expect("it is there");
        let shown = redactor.shown("shop", root, &place, value);
        assert!(!shown.to_string().contains(CANARY), "{place} of {root} is shown as {shown}");
        match value {
            Value::Object(fields) => places.extend(fields.keys().map(|name| place.child(name))),
            Value::Array(items) => places.extend((0..items.len()).map(|at| place.child(at))),
            _ => {}
        }
    }
}

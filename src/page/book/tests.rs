//! Books, from values.

use serde_json::{Value, json};

use super::*;
use crate::page::access::Namespaces;
use crate::page::delta::News;
use crate::page::query::{ServiceQuery, TimelineQuery};

/// A MicroService of that name, ready or not, with so many drifted fields.
pub(in crate::page) fn service(name: &str, reason: &str, drifted: u32) -> MicroService {
    let (namespace, short) = name.split_once('/').unwrap();
    let field = json!({
        "kind": "MicroService", "object": name, "path": "/spec/replicas", "change": "Modified", "declared": 2, "live": 5,
        "manager": "kubectl-edit", "observed": "2026-01-02T00:00:01Z", "user": "eve"
    });
    let fields: Vec<_> = (0..drifted.min(1)).map(|_| field.clone()).collect();
    serde_json::from_value(json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "spec": {"image": format!("registry/{short}:1")},
        "metadata": {"namespace": namespace, "name": short, "generation": 1, "annotations": {
            "gitmoor.dev/source": format!("sync=ops/main; uid=1; object={name}"),
            "gitmoor.dev/source-path": "apps/a.yaml:3", "gitmoor.dev/source-revision": "main@sha1:0123456789"}},
        "status": {"observedGeneration": 1, "sourceDrift": {"count": drifted, "fields": fields}, "conditions": [{
            "type": "Ready", "status": if reason == "Ready" { "True" } else { "False" }, "reason": reason, "message": "so",
            "lastTransitionTime": "2026-01-02T00:00:00Z"}]}
    }))
    .unwrap()
}

pub(in crate::page) fn gitsync(name: &str, status: Value) -> GitSync {
    let (namespace, short) = name.split_once('/').unwrap();
    serde_json::from_value(json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "spec": {"url": "https://u:p@example.com/x?token=1"},
        "metadata": {"namespace": namespace, "name": short}, "status": status
    }))
    .unwrap()
}

fn now() -> Timestamp {
    "2026-01-02T01:00:00Z".parse().unwrap()
}

fn put(book: &mut Book, name: &str, reason: &str, drifted: u32) {
    book.service(&ObjectKey::parse(name).unwrap(), Some(&service(name, reason, drifted)), now());
}

fn book() -> Book {
    let mut book = Book::new("e");
    put(&mut book, "pay/api", "CrashLoopBackOff", 2);
    put(&mut book, "shop/orders", "Ready", 0);
    put(&mut book, "shop/web", "ReplicasUpdating", 0);
    book.gitsync(&ObjectKey::new("ops", "main"), Some(&gitsync("ops/main", json!({}))));
    book
}

fn of(services: &[&str], gitsyncs: &[&str]) -> Rights {
    let these = |names: &[&str]| Namespaces::These(names.iter().map(|name| (*name).into()).collect());
    Rights { services: these(services), gitsyncs: these(gitsyncs) }
}

fn list(book: &Book, query: &str, rights: &Rights) -> Value {
    serde_json::from_str(&book.list_services(&ServiceQuery::parse(query).unwrap(), rights)).unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[test]
fn filters_are_combined() {
    let book = book();
    let check = |query: &str, expected: &[&str]| {
        let found = list(&book, query, &Rights::ALL);
        assert_eq!(names(&found), expected, "{query}");
        assert_eq!(found["total"], expected.len(), "{query}");
    };
    check("", &["pay/api", "shop/orders", "shop/web"]);
    check("q=ORD", &["shop/orders"]);
    check("q=registry%20web", &["shop/web"]);
    check("q=ops/main", &["pay/api", "shop/orders", "shop/web"]);
    check("q=nothing", &[]);
    check("namespace=pay&namespace=other", &["pay/api"]);
    check("health=Ready&health=Progressing", &["shop/orders", "shop/web"]);
    check("health=NotReady&namespace=shop", &[]);
    check("drift=true", &["pay/api"]);
    check("drift=false&q=web", &["shop/web"]);
    check("gitsync=ops/main&gitsync=x/y", &["pay/api", "shop/orders", "shop/web"]);
    check("gitsync=ops/other", &[]);
}

#[test]
fn pages_follow_each_other_whatever_comes_between() {
    let mut book = book();
    let first = list(&book, "limit=2", &Rights::ALL);
    assert_eq!((names(&first), &first["total"]), (vec!["pay/api", "shop/orders"], &json!(3)));
    put(&mut book, "pay/aaa", "Ready", 0);
    let second = list(&book, &format!("limit=2&continue={}", first["continue"].as_str().unwrap()), &Rights::ALL);
    assert_eq!((names(&second), second.get("continue")), (vec!["shop/web"], None));
}

#[test]
fn a_viewer_is_answered_as_if_there_was_nothing_else() {
    let book = book();
    let rights = of(&["shop"], &[]);
    assert_eq!(names(&list(&book, "", &rights)), ["shop/orders", "shop/web"]);
    assert_eq!(list(&book, "drift=true", &rights)["total"], 0);
    let overview = serde_json::to_value(book.overview(&rights)).unwrap();
    assert_eq!((&overview["microServices"]["total"], &overview["driftedFields"]), (&json!(2), &json!(0)));
    assert_eq!(overview["gitSyncs"]["total"], 0);
    assert_eq!(overview["namespaces"].as_array().unwrap().len(), 1);
    let timeline = book.list_timeline(&TimelineQuery::parse("").unwrap(), &rights);
    assert!(!timeline.contains("pay") && timeline.contains("shop/orders"), "{timeline}");
    assert_eq!(names(&list(&book, "", &of(&[], &[]))), [""; 0]);
    let all = serde_json::to_value(book.overview(&Rights::ALL)).unwrap();
    let expected = json!({"total": 3, "ready": 1, "progressing": 1, "notReady": 1, "suspended": 0, "terminating": 0,
        "unknown": 0, "drifted": 1});
    assert_eq!((&all["microServices"], &all["driftedFields"]), (&expected, &json!(2)));
    assert_eq!(all["gitSyncs"]["unknown"], 1);
}

#[test]
fn what_changed_since_a_version_is_told_once_and_cut_to_the_viewer() {
    let mut book = book();
    let change = |book: &Book, after: u64, rights: &Rights| match book.news(after, rights) {
        News::Change(text) => serde_json::from_str::<Value>(&text).unwrap(),
        other => panic!("{other:?}"),
    };
    let version = book.now();
    assert_eq!(book.news(version, &Rights::ALL), News::None);
    put(&mut book, "shop/orders", "Ready", 0);
    assert_eq!(book.news(version, &Rights::ALL), News::None, "the same is no news");
    put(&mut book, "shop/orders", "Ready", 1);
    put(&mut book, "shop/orders", "Ready", 2);
    book.service(&ObjectKey::new("shop", "web"), None, now());
    let told = change(&book, version, &Rights::ALL);
    assert_eq!(told["services"].as_array().unwrap().len(), 1);
    assert_eq!((&told["services"][0]["driftedFields"], &told["removedServices"]), (&json!(2), &json!(["shop/web"])));
    assert_eq!(told["timeline"].as_array().unwrap().len(), 1, "the field that differs is told once");
    assert_eq!(told["timeline"][0]["who"], "eve");
    assert_eq!(told["overview"]["microServices"]["total"], 2);
    assert_eq!(book.news(version, &of(&["pay"], &["ops"])), News::None, "it does not concern them");
    book.set_about(About { role: Role::Standby, complete: true });
    assert_eq!(change(&book, version, &of(&["pay"], &[]))["overview"]["role"], "standby");
    assert_eq!(book.news(book.now(), &Rights::ALL), News::None);
}

#[test]
fn a_list_since_a_version_has_what_changed_and_what_is_gone() {
    let mut book = book();
    let version = book.version();
    let none = list(&book, &format!("since={version}"), &Rights::ALL);
    assert_eq!((names(&none), &none["removed"], none.get("reset")), (vec![], &json!([]), None));
    put(&mut book, "shop/web", "Ready", 0);
    book.service(&ObjectKey::new("pay", "api"), None, now());
    let news = list(&book, &format!("since={version}"), &Rights::ALL);
    assert_eq!((names(&news), &news["removed"], &news["total"]), (vec!["shop/web"], &json!(["pay/api"]), &json!(1)));
    let filtered = list(&book, &format!("since={version}&health=Progressing"), &Rights::ALL);
    assert_eq!((names(&filtered), &filtered["removed"]), (vec![], &json!(["pay/api", "shop/web"])));
    assert_eq!(list(&book, &format!("since={version}"), &of(&["shop"], &[]))["removed"], json!([]));
    for other in ["f-1", "e-99999", "nonsense"] {
        let all = list(&book, &format!("since={other}"), &Rights::ALL);
        assert_eq!((&all["reset"], names(&all).len()), (&json!(true), 2), "{other}");
    }
}

#[test]
fn whoever_missed_too_much_begins_anew() {
    let mut book = book();
    let begin = book.now();
    for number in 0..501 {
        put(&mut book, &format!("many/s{number}"), "Ready", 0);
    }
    assert_eq!(book.news(begin, &Rights::ALL), News::Reset);
    assert!(matches!(book.news(begin, &of(&["shop"], &[])), News::None));
    assert_eq!(book.resumes(&format!("e-{begin}")), Some(begin));
    for number in 0..9000 {
        put(&mut book, "shop/web", if number % 2 == 0 { "Ready" } else { "ReplicasUpdating" }, 0);
    }
    assert_eq!(book.news(begin, &of(&["pay"], &[])), News::Reset, "nobody knows whether it concerned them");
    assert_eq!(book.resumes(&format!("e-{begin}")), None);
}

#[test]
fn ten_thousand_rows_are_listed_and_filtered_in_no_time() {
    let mut book = Book::new("e");
    for number in 0..10_000 {
        put(&mut book, &format!("team-{}/service-{number:05}", number % 50), "Ready", u32::from(number % 100 == 0));
    }
    let began = std::time::Instant::now();
    let (mut query, mut seen) = ("limit=1000".to_owned(), 0);
    loop {
        let page = list(&book, &query, &Rights::ALL);
        seen += names(&page).len();
        let Some(next) = page["continue"].as_str() else { break };
        query = format!("limit=1000&continue={next}");
    }
    assert_eq!(seen, 10_000);
    assert_eq!(list(&book, "drift=true", &Rights::ALL)["total"], 100);
    assert_eq!(names(&list(&book, "q=service-09999", &Rights::ALL)), ["team-49/service-09999"]);
    // Ten pages and two searches, in a build without optimisation: a guard against a square of them, not a measure.
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
    let overview = serde_json::to_value(book.overview(&Rights::ALL)).unwrap();
    assert_eq!((&overview["microServices"]["total"], &overview["driftedFields"]), (&json!(10_000), &json!(100)));
}

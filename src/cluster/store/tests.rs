//! What a store keeps, and whom it tells.

use super::*;
use serde_json::json;

fn object(name: &str, uid: &str, version: u64) -> LiveObject {
    let owners = json!([{"uid": "owner", "controller": true}]);
    LiveObject::from_json(json!({"metadata": {
        "namespace": "a", "name": name, "uid": uid, "resourceVersion": version.to_string(), "ownerReferences": owners
    }}))
    .unwrap()
}

fn entry(name: &str, uid: &str, version: u64) -> Entry<()> {
    Entry::from_answer(object(name, uid, version))
}

/// A store and the names that its listener was told.
fn store() -> (Store<()>, Arc<std::sync::Mutex<Vec<String>>>) {
    let store = Store::<()>::default();
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    store.listen(move |update| log.lock().unwrap().push(update.key.name.to_string()));
    (store, told)
}

/// The names of what it has.
fn names(store: &Store<()>) -> Vec<String> {
    store.all().iter().map(|one| one.object.key.name.to_string()).collect()
}

#[test]
fn older_news_change_nothing() {
    let (store, told) = store();
    store.seen(entry("x", "1", 5));
    store.seen(entry("x", "1", 5));
    store.answered(object("x", "1", 4));
    assert_eq!(told.lock().unwrap().len(), 1);
    store.answered(object("x", "1", 6));
    store.seen(entry("x", "1", 6));
    assert_eq!(told.lock().unwrap().len(), 2);
}

#[test]
fn a_late_answer_does_not_bring_back_what_the_watch_saw_go() {
    let (store, _) = store();
    store.seen(entry("x", "1", 5));
    store.gone(&object("x", "1", 9));
    store.answered(object("x", "1", 6));
    assert!(store.is_empty());
}

#[test]
fn the_end_of_an_earlier_object_does_not_remove_its_successor() {
    let (store, _) = store();
    store.answered(object("x", "2", 8));
    store.gone(&object("x", "1", 7));
    assert_eq!(store.len(), 1);
}

#[test]
fn a_kind_that_vanished_is_forgotten_and_can_come_again() {
    let (store, told) = store();
    store.relist_begins();
    store.seen(entry("x", "1", 5));
    store.relist_ends(7).unwrap();
    store.forget();
    assert!(store.is_empty() && !store.is_synced() && store.group("owner").is_empty());
    assert_eq!(told.lock().unwrap().len(), 2, "it came and went");
    store.relist_begins();
    store.seen(entry("x", "2", 9));
    store.relist_ends(9).unwrap();
    assert!(store.is_synced() && store.len() == 1);
}

/// A store that has been told of `x` and `y`, up to version 20.
fn known() -> (Store<()>, Arc<std::sync::Mutex<Vec<String>>>) {
    let (store, told) = store();
    store.relist_begins();
    store.seen(entry("x", "1", 5));
    store.seen(entry("y", "2", 6));
    store.relist_ends(10).unwrap();
    store.seen(entry("y", "2", 20));
    told.lock().unwrap().clear();
    (store, told)
}

#[test]
fn a_list_of_what_was_before_is_not_believed() {
    let (store, told) = known();
    store.gone(&object("x", "1", 21));
    told.lock().unwrap().clear();
    store.relist_begins();
    // It has what is gone, an older form of what is there, and what went long ago.
    store.seen(entry("x", "1", 5));
    store.seen(entry("y", "2", 6));
    store.seen(entry("z", "0", 3));
    assert_eq!(store.relist_ends(19), Err(Older { listed: 19, known: 21 }));
    assert!(told.lock().unwrap().is_empty(), "{told:?}");
    assert_eq!((store.len(), store.all()[0].object.resource_version), (1, 20));
    assert!(store.is_synced());
    store.relist_begins();
    store.seen(entry("y", "2", 22));
    assert_eq!(store.relist_ends(22), Ok(()));
    assert_eq!((store.len(), store.all()[0].object.resource_version), (1, 22));
}

#[test]
fn a_list_takes_nothing_back_that_came_later() {
    let (store, told) = known();
    store.relist_begins();
    // Our own writes, whose answers are faster than the list.
    store.answered(object("x", "1", 31));
    store.answered(object("z", "3", 32));
    store.seen(entry("x", "1", 5));
    store.seen(entry("y", "2", 20));
    store.relist_ends(30).unwrap();
    assert_eq!(store.len(), 3);
    assert_eq!(*told.lock().unwrap(), ["x", "z"]);
}

#[test]
fn what_was_answered_and_is_gone_by_the_time_of_a_list_is_gone() {
    let (store, _) = known();
    store.relist_begins();
    store.answered(object("z", "3", 25));
    store.seen(entry("y", "2", 20));
    store.relist_ends(30).unwrap();
    assert_eq!(names(&store), ["y"]);
}

#[test]
fn what_goes_amid_a_list_is_gone_after_it() {
    let (store, _) = known();
    store.relist_begins();
    store.seen(entry("x", "1", 25));
    store.seen(entry("y", "2", 20));
    store.seen(entry("z", "3", 26));
    store.gone(&object("z", "3", 27));
    store.gone(&object("x", "1", 28));
    store.relist_ends(30).unwrap();
    assert_eq!(names(&store), ["y"]);
}

#[test]
fn nothing_is_told_of_a_list_before_it_is_complete_but_of_the_first() {
    let (store, told) = known();
    store.relist_begins();
    store.seen(entry("x", "1", 25));
    assert!(told.lock().unwrap().is_empty());
    // It broke off, and another one begins.
    store.relist_begins();
    store.seen(entry("x", "1", 25));
    store.seen(entry("y", "2", 20));
    store.relist_ends(30).unwrap();
    assert_eq!(*told.lock().unwrap(), ["x"]);
}

#[test]
fn a_relist_removes_what_it_does_not_mention() {
    let (store, told) = store();
    store.seen(entry("x", "1", 5));
    store.seen(entry("y", "2", 6));
    assert_eq!(store.group("owner").len(), 2);
    store.relist_begins();
    store.seen(entry("y", "2", 6));
    store.relist_ends(7).unwrap();
    assert_eq!(told.lock().unwrap().last().map(String::as_str), Some("x"));
    assert!(store.is_synced());
    assert_eq!(store.group("owner").len(), 1);
}

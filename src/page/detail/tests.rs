//! Details, from values.

use super::*;
use crate::page::book::tests::{gitsync as sync_of, service as service_of};

#[test]
fn a_service_has_its_drift_and_the_commands_that_help() {
    let mut orders = service_of("shop/orders", "CrashLoopBackOff", 1);
    orders.spec.env = serde_json::from_value(json!([{"name": "DB_PASSWORD", "value": "hunter2"}])).unwrap();
    let json = service(&orders, None, "e-1");
    assert_eq!(json["name"], "shop/orders");
    assert_eq!(
        (&json["health"], &json["policy"], &json["version"]),
        (&json!("NotReady"), &json!("Correct"), &json!("e-1"))
    );
    assert_eq!(json["differences"]["standing"], 1);
    assert_eq!(json["differences"]["drift"][0]["microService"], "shop/orders");
    assert_eq!(json["spec"]["env"], json!(["DB_PASSWORD"]));
    assert!(!json.to_string().contains("hunter2"), "{json:#}");
    let commands: Vec<_> =
        json["commands"].as_array().unwrap().iter().map(|one| one["command"].as_str().unwrap()).collect();
    let expected = [
        "gitmoor drift shop/orders",
        "gitmoor pause --for 1h --reason investigating shop/orders",
        "gitmoor explain GM701",
        "gitmoor reconcile ops/main",
        "kubectl get microservice -o yaml -n shop orders",
    ];
    let code = codes::code_of("CrashLoopBackOff").unwrap();
    assert_eq!(commands, expected.map(|command| command.replace("GM701", code)));
}

#[test]
fn a_gitsync_says_what_approving_would_do_and_shows_lines_of_manifests() {
    let hold = json!({
        "plan": "0a1b", "revision": "main@sha1:0123456789", "reason": "PruneBudget", "message": "too many", "deletions": 3,
        "deletes": ["shop/a"], "since": "2026-01-02T00:03:00Z"
    });
    let found = json!([{"code": "GM203", "place": "apps/a:b.yaml:7:3", "message": "unknown field"}]);
    let main = sync_of("ops/main", json!({"hold": hold, "diagnostics": found}));
    let excerpt = |file: &str, line: u32| {
        assert_eq!((file, line), ("apps/a:b.yaml", 7));
        Excerpt::of(&"a: 1\n".repeat(9), line)
    };
    let json = gitsync(&main, "e-1", excerpt);
    let held = json!({"doing": "3 deletions", "moreDeletions": 2, "approve": "gitmoor approve ops/main --plan 0a1b"});
    assert_eq!(json["heldPlan"], held);
    assert_eq!(json["commands"][0]["command"], "gitmoor approve ops/main --plan 0a1b");
    let finding = &json["findings"][0];
    assert_eq!((&finding["line"], &finding["excerpt"]["firstLine"]), (&json!(7), &json!(4)));
    assert!(finding["title"].as_str().unwrap().len() > 5);
    assert_eq!(json["source"]["url"], "https://example.com/x", "neither who logs in nor what follows");
    assert_eq!(json["source"]["ref"], "branch main");
}

#[test]
fn a_url_is_shown_without_who_logs_in() {
    let check = |url: &str, expected: &str| assert_eq!(without_login(url), expected);
    check("https://u:p@h/x.git", "https://h/x.git");
    check("https://token@h:8/x?a=b#c", "https://h:8/x");
    check("ssh://git@h/x", "ssh://h/x");
    check("git@h:acme/x.git", "git@h:acme/x.git");
    check("https://h", "https://h");
    check("https://u:p/w@h/x", "https://u:p/w@h/x");
}

#[test]
fn a_command_is_shown_only_where_pasting_it_does_no_more() {
    let mut commands = Commands::default();
    for word in ["", "a b", "a;b", "$(x)", "-x", "a\nb", "ä"] {
        commands.add("x", "gitmoor drift", word);
    }
    assert_eq!(commands.0, []);
    commands.add("x", "gitmoor drift", "shop/orders-2.b");
    assert_eq!(commands.0[0].command, "gitmoor drift shop/orders-2.b");
}

#[test]
fn drift_is_cut_to_what_a_viewer_may_see() {
    let seen = Seen {
        gitsyncs: vec![],
        services: vec![service_of("shop/orders", "Ready", 1), service_of("pay/api", "Ready", 1)],
    };
    let rights = Rights {
        services: crate::page::access::Namespaces::These(["shop".into()].into()),
        gitsyncs: crate::page::access::Namespaces::These([].into()),
    };
    let json = drift(&seen, &rights, |_| true, 10, "e-1");
    assert_eq!((&json["standing"], json["drift"].as_array().unwrap().len()), (&json!(1), 1));
    assert!(!json.to_string().contains("pay"));
    assert_eq!(drift(&seen, &Rights::ALL, |name| name.starts_with("pay/"), 10, "e-1")["standing"], 1);
}

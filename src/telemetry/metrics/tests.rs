//! What is counted is shown, what is shown is in the document, and what is gone is shown no more.

use std::collections::BTreeSet;
use std::path::Path;

use super::contract::{Row, rows};
use super::*;

/// Metrics in which everything has happened once.
fn eventful() -> Metrics {
    let (metrics, sync, took) = (Metrics::new("1.2.3"), ObjectKey::new("shop", "deploy"), Duration::from_millis(20));
    metrics.synced(&sync, SyncResult::Applied, took);
    metrics.fetched(&sync, FetchResult::Changed, took);
    metrics.source_seen(&sync, jiff::Timestamp::from_millisecond(1_500).unwrap());
    metrics.commit_applied(&sync, 3.0);
    metrics.objects(&sync, ObjectState::Held, 4);
    metrics.drifted_objects(DriftLevel::Workload, 2);
    metrics.plan_held(&sync, true);
    metrics.fought_objects(DriftLevel::Source, 3);
    metrics.fight_began(DriftLevel::Workload);
    metrics.paused_objects(PausedKind::GitSync, 1);
    metrics.drift_fields(&sync, DriftLevel::Source, 3);
    metrics.drift_began(DriftLevel::Source, DriftPolicy::Correct, "MicroService", ChangeKind::Modified);
    metrics.drift_ended(DriftLevel::Source, Ended::Corrected, took);
    metrics.drift_ended(DriftLevel::Workload, Ended::Reverted, took);
    metrics.reconciled(ReconcileResult::Unchanged, took);
    metrics.queue_depth("syncs", 7);
    metrics.api_call(Verb::Apply, "deployments", CallResult::NotFound, took);
    metrics.alerted(TargetType::Slack, AlertResult::Told);
    metrics.webhook_answered("queued");
    metrics.stalled_loops(1);
    metrics.leads(true);
    metrics.defaults_invalid(true);
    metrics
}

#[test]
fn what_happened_is_shown() {
    let text = eventful().encode();
    for line in [
        r#"gitmoor_syncs_total{sync="shop/deploy",result="applied"} 1"#,
        r#"gitmoor_sync_duration_seconds_sum{sync="shop/deploy",result="applied"} 0.02"#,
        r#"gitmoor_sync_duration_seconds_bucket{le="0.05",sync="shop/deploy",result="applied"} 1"#,
        r#"gitmoor_fetch_duration_seconds_count{sync="shop/deploy",result="changed"} 1"#,
        r#"gitmoor_source_last_success_timestamp_seconds{sync="shop/deploy"} 1.5"#,
        r#"gitmoor_commit_to_applied_seconds_sum{sync="shop/deploy"} 3.0"#,
        r#"gitmoor_objects{sync="shop/deploy",state="held"} 4"#,
        r#"gitmoor_plan_held{sync="shop/deploy"} 1"#,
        r#"gitmoor_drifted_objects{level="workload"} 2"#,
        r#"gitmoor_fought_objects{level="source"} 3"#,
        r#"gitmoor_fights_total{level="workload"} 1"#,
        r#"gitmoor_paused_objects{kind="gitsync"} 1"#,
        r#"gitmoor_drift_fields{sync="shop/deploy",level="source"} 3"#,
        r#"gitmoor_drift_episodes_total{policy="correct",level="source",kind="MicroService",change="modified"} 1"#,
        r#"gitmoor_drift_ended_total{level="source",ended="corrected"} 1"#,
        r#"gitmoor_drift_ended_total{level="workload",ended="reverted"} 1"#,
        r#"gitmoor_drift_corrected_seconds_sum{level="source"} 0.02"#,
        r#"gitmoor_drift_corrected_seconds_bucket{le="0.025",level="source"} 1"#,
        r#"gitmoor_reconcile_duration_seconds_count{result="unchanged"} 1"#,
        r#"gitmoor_queue_depth{queue="syncs"} 7"#,
        r#"gitmoor_api_calls_total{verb="apply",resource="deployments",result="not_found"} 1"#,
        r#"gitmoor_api_call_duration_seconds_count{verb="apply"} 1"#,
        r#"gitmoor_webhook_requests_total{result="queued"} 1"#,
        "gitmoor_leader{} 1",
        r#"gitmoor_build_info{version="1.2.3"} 1"#,
        "# EOF",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
    }
}

#[test]
fn exactly_the_contract_is_shown() {
    let text = eventful().encode();
    let declared = |word: &str| -> BTreeSet<(String, String)> {
        let lines = text.lines().filter_map(|line| line.strip_prefix("# ")?.strip_prefix(word)?.strip_prefix(' '));
        lines.filter_map(|line| line.split_once(' ')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    };
    let family = |row: &Row| row.name.strip_suffix("_total").unwrap_or(row.name).to_owned();
    let shown_kinds = declared("TYPE");
    let expected_kinds = rows().iter().map(|row| (family(row), row.kind.to_owned())).collect();
    let shown_help = declared("HELP");
    let expected_help = rows().iter().map(|row| (family(row), row.help.to_owned())).collect();
    if cfg!(target_os = "linux") {
        assert_eq!(shown_kinds, expected_kinds);
        assert_eq!(shown_help, expected_help);
    } else {
        assert!(shown_kinds.is_subset(&expected_kinds));
        assert!(shown_help.is_subset(&expected_help));
    }
}

#[test]
fn a_commit_from_the_future_counts_as_zero_and_nonsense_not_at_all() {
    let (metrics, sync) = (Metrics::new("1"), ObjectKey::new("a", "b"));
    for seconds in [-5.0, f64::NAN, f64::INFINITY] {
        metrics.commit_applied(&sync, seconds);
    }
    let text = metrics.encode();
    assert!(text.contains("gitmoor_commit_to_applied_seconds_sum{sync=\"a/b\"} 0.0\n"), "{text}");
    assert!(text.contains("gitmoor_commit_to_applied_seconds_count{sync=\"a/b\"} 1\n"), "{text}");
}

#[test]
fn a_gitsync_that_went_leaves_no_series_and_takes_no_others() {
    let metrics = eventful();
    let other = ObjectKey::new("shop", "other");
    metrics.synced(&other, SyncResult::Failed, Duration::ZERO);
    metrics.forget_sync(&ObjectKey::new("shop", "deploy"));
    let text = metrics.encode();
    assert!(!text.contains("shop/deploy"), "{text}");
    assert!(text.contains("shop/other"), "{text}");
    assert!(text.contains("gitmoor_webhook_requests_total{"), "{text}");
}

#[test]
fn the_document_is_the_contract() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let expected = document();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, expected, "stale: UPDATE_GOLDEN=1 cargo test --lib telemetry rewrites docs/metrics.md");
}

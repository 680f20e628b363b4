//! Which alerts a target is told.

use super::incident::Key;
use crate::api::notify::{AlertKind, AlertSeverity, EventFilter};
use crate::model::pattern::Glob;

/// The filters of one target, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(Vec<One>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct One {
    least: AlertSeverity,
    kinds: Vec<AlertKind>,
    namespaces: Vec<Glob>,
    names: Vec<Glob>,
}

impl Filter {
    /// Compiles `events` of a target. Where there is none, it is told of all that somebody should look at.
    pub fn of(events: &[EventFilter]) -> Self {
        let globs = |texts: &[String]| texts.iter().map(|text| Glob::new(text)).collect::<Vec<_>>();
        let one = |filter: &EventFilter| One {
            // Who names a kind wants it.
            least: filter.severity.unwrap_or(match filter.kinds.is_empty() {
                true => AlertSeverity::Warning,
                false => AlertSeverity::Info,
            }),
            kinds: filter.kinds.clone(),
            namespaces: globs(&filter.namespaces),
            names: globs(&filter.names),
        };
        let all = [EventFilter::default()];
        Self(if events.is_empty() { &all[..] } else { events }.iter().map(one).collect())
    }

    /// Whether an alert is told.
    pub fn fits(&self, key: &Key, severity: AlertSeverity) -> bool {
        let any = |globs: &[Glob], text: &str| globs.is_empty() || globs.iter().any(|glob| glob.fits(text));
        self.0.iter().any(|one| {
            let object = match &key.object {
                Some(object) => any(&one.namespaces, &object.namespace) && any(&one.names, &object.name),
                // What is about the GitSync is about none of its MicroServices.
                None => one.namespaces.is_empty() && one.names.is_empty(),
            };
            severity >= one.least && (one.kinds.is_empty() || one.kinds.contains(&key.kind)) && object
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(events: serde_json::Value, alert: &str, severity: AlertSeverity, expected: bool) {
        let events: Vec<EventFilter> = serde_json::from_value(events).unwrap();
        let found = Filter::of(&events).fits(&Key::parse(alert).unwrap(), severity);
        assert_eq!(found, expected, "{alert} by {events:?}");
    }

    #[test]
    fn without_a_filter_all_that_somebody_should_look_at_is_told() {
        use AlertSeverity::{Error, Info, Warning};
        check(json!([]), "Applied", Info, false);
        check(json!([]), "Drifted shop/orders", Warning, true);
        check(json!([]), "SyncFailing", Error, true);
        check(json!([{"severity": "Error"}]), "Drifted shop/orders", Warning, false);
    }

    #[test]
    fn who_names_a_kind_wants_it_however_harmless() {
        use AlertSeverity::{Error, Info};
        check(json!([{"kinds": ["Applied"]}]), "Applied", Info, true);
        check(json!([{"kinds": ["Applied"]}]), "SyncFailing", Error, false);
        check(json!([{"kinds": ["Applied"]}, {"severity": "Error"}]), "SyncFailing", Error, true);
        check(json!([{"kinds": ["Applied"], "severity": "Warning"}]), "Applied", Info, false);
    }

    #[test]
    fn a_filter_by_name_is_about_microservices() {
        use AlertSeverity::Error;
        let events = || json!([{"namespaces": ["shop-*"], "names": ["orders*", "pay"]}]);
        check(events(), "ServiceFailing shop-eu/orders-api", Error, true);
        check(events(), "ServiceFailing shop-eu/pay", Error, true);
        check(events(), "ServiceFailing shop-eu/payroll", Error, false);
        check(events(), "ServiceFailing other/pay", Error, false);
        check(events(), "SyncFailing", Error, false);
    }
}

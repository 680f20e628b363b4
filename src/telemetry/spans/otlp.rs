//! Spans as OTLP/HTTP takes them in JSON: ids in hexadecimal, 64-bit numbers as text, fields in camel case.
//!
//! By hand rather than by OpenTelemetry's crates: a daemon that tells a handful of spans for each commit needs none of
//! their machinery, and the form is a stable part of the protocol.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Said, Span};

/// What a collector calls an error.
const ERROR: u8 = 2;
/// Work inside of a process.
const INTERNAL: u8 = 1;

/// Who tells the spans.
#[derive(Debug, Clone)]
pub struct Teller {
    /// Version of the program.
    pub version: &'static str,
    /// The process, mostly the name of its pod.
    pub instance: Option<String>,
}

/// The body of a request with these spans.
pub fn request(teller: &Teller, spans: &[Span]) -> Value {
    let mut resource = vec![attribute("service.name", &"gitmoor".into())];
    resource.push(attribute("service.version", &teller.version.into()));
    resource.extend(teller.instance.as_deref().map(|name| attribute("service.instance.id", &name.into())));
    json!({"resourceSpans": [{
        "resource": {"attributes": resource},
        "scopeSpans": [{
            "scope": {"name": "gitmoor", "version": teller.version},
            "spans": spans.iter().map(span).collect::<Vec<_>>(),
        }],
    }]})
}

fn span(span: &Span) -> Value {
    let mut told = json!({
        "traceId": HEXLOWER.encode(&span.trace),
        "spanId": HEXLOWER.encode(&span.id),
        "name": span.name,
        "kind": INTERNAL,
        "startTimeUnixNano": nanoseconds(span.begin),
        "endTimeUnixNano": nanoseconds(span.end),
        "attributes": span.attributes.iter().map(|(key, said)| attribute(key, said)).collect::<Vec<_>>(),
    });
    if let Some(parent) = &span.parent {
        told["parentSpanId"] = HEXLOWER.encode(parent).into();
    }
    if let Some(error) = &span.error {
        told["status"] = json!({"code": ERROR, "message": error});
    }
    told
}

fn attribute(key: &str, said: &Said) -> Value {
    let value = match said {
        Said::Text(text) => json!({"stringValue": text}),
        Said::Count(count) => json!({"intValue": count.to_string()}),
    };
    json!({"key": key, "value": value})
}

fn nanoseconds(time: Timestamp) -> String {
    time.as_nanosecond().max(0).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::Journey;
    use super::*;

    #[test]
    fn spans_are_told_in_the_form_of_the_protocol() {
        let journey = Journey { trace: [0xab; 16], whole: [1; 8] };
        let time = |second| Timestamp::from_second(second).unwrap();
        let attributes = vec![("gitmoor.sync", "shop/deploy".into()), ("gitmoor.declared", Said::Count(7))];
        let whole = journey.whole(time(2), time(3), attributes);
        let part = Span { id: [2; 8], ..journey.part("apply", time(2), time(2), vec![]).failed("1 refused") };
        let teller = Teller { version: "1.2.3", instance: Some("gitmoor-0".into()) };
        let expected = json!({"resourceSpans": [{
            "resource": {"attributes": [
                {"key": "service.name", "value": {"stringValue": "gitmoor"}},
                {"key": "service.version", "value": {"stringValue": "1.2.3"}},
                {"key": "service.instance.id", "value": {"stringValue": "gitmoor-0"}},
            ]},
            "scopeSpans": [{"scope": {"name": "gitmoor", "version": "1.2.3"}, "spans": [
                {
                    "traceId": "abababababababababababababababab", "spanId": "0101010101010101", "name": "sync", "kind": 1,
                    "startTimeUnixNano": "2000000000", "endTimeUnixNano": "3000000000",
                    "attributes": [
                        {"key": "gitmoor.sync", "value": {"stringValue": "shop/deploy"}},
                        {"key": "gitmoor.declared", "value": {"intValue": "7"}},
                    ],
                },
                {
                    "traceId": "abababababababababababababababab", "spanId": "0202020202020202",
                    "parentSpanId": "0101010101010101", "name": "apply", "kind": 1,
                    "startTimeUnixNano": "2000000000", "endTimeUnixNano": "2000000000", "attributes": [],
                    "status": {"code": 2, "message": "1 refused"},
                },
            ]}],
        }]});
        assert_eq!(request(&teller, &[whole, part]), expected);
    }
}

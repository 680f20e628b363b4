//! Values from the author that the API server would not keep as written: an empty string or a zero
//! that means "not set". Sent as they are, they would look like drift for ever. Quantities are sent as
//! written: they are compared by value.

use serde_json::{Map, Value};

/// Environment variables: an empty value is the same as none.
pub(super) fn env(mut variables: Value) -> Value {
    for variable in variables.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        drop_unset(variable, &["value"]);
        if let Some(field) = variable.get_mut("valueFrom").and_then(|from| inner(from, "fieldRef")) {
            drop_unset(field, &["apiVersion"]);
        }
        if let Some(field) = variable.get_mut("valueFrom").and_then(|from| inner(from, "resourceFieldRef")) {
            drop_unset(field, &["containerName"]);
        }
    }
    variables
}

/// Sources of environment variables.
pub(super) fn env_from(mut sources: Value) -> Value {
    for source in sources.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        drop_unset(source, &["prefix"]);
    }
    sources
}

/// A probe.
pub(super) fn probe(mut probe: Value) -> Value {
    const NUMBERS: [&str; 5] =
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"];
    if let Some(fields) = probe.as_object_mut() {
        drop_unset(fields, &NUMBERS);
    }
    for action in ["httpGet", "tcpSocket", "exec"] {
        if let Some(fields) = inner(&mut probe, action) {
            drop_unset(fields, &["path", "host", "scheme", "httpHeaders", "command"]);
        }
    }
    probe
}

/// A container: what is in it, and the protocol of its ports, which is a key of their list.
pub(super) fn container(container: Value) -> Value {
    let mut container = filled(container);
    let Some(fields) = container.as_object_mut() else { return container };
    let mut tidied = |name: &str, tidy: fn(Value) -> Value| {
        if let Some(value) = fields.get_mut(name) {
            *value = tidy(value.take());
        }
    };
    tidied("env", env);
    tidied("envFrom", env_from);
    tidied("lifecycle", lifecycle);
    for name in ["startupProbe", "readinessProbe", "livenessProbe"] {
        tidied(name, probe);
    }
    for port in fields.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(port) = port.as_object_mut() {
            port.entry("protocol").or_insert_with(|| "TCP".into());
        }
    }
    container
}

/// Hooks of a container's life.
pub(super) fn lifecycle(mut lifecycle: Value) -> Value {
    for hook in lifecycle.as_object_mut().into_iter().flat_map(|hooks| hooks.values_mut()) {
        *hook = probe(hook.take());
    }
    lifecycle
}

/// Without the lists, maps and texts that are empty.
pub(super) fn filled(mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, value| match value {
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
            _ => true,
        });
    }
    value
}

fn inner<'a>(value: &'a mut Value, field: &str) -> Option<&'a mut Map<String, Value>> {
    value.get_mut(field)?.as_object_mut()
}

/// Drops those of the named fields that hold Go's zero value.
fn drop_unset(fields: &mut Map<String, Value>, names: &[&str]) {
    fields.retain(|name, value| {
        let unset = match value {
            Value::String(text) => text.is_empty(),
            Value::Number(number) => number.as_i64() == Some(0),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        !(unset && names.contains(&name.as_str()))
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_server_drops_is_not_sent() {
        assert_eq!(env(json!([{"name": "A", "value": ""}])), json!([{"name": "A"}]));
        assert_eq!(
            env(
                json!([{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "containerName": ""}}}])
            ),
            json!([{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}])
        );
        assert_eq!(
            env_from(json!([{"prefix": "", "secretRef": {"name": "s"}}])),
            json!([{"secretRef": {"name": "s"}}])
        );
        assert_eq!(
            probe(json!({"initialDelaySeconds": 0, "periodSeconds": 3, "httpGet": {"path": "", "port": 80}})),
            json!({"periodSeconds": 3, "httpGet": {"port": 80}})
        );
    }

    #[test]
    fn what_means_something_stays() {
        let header = json!({"httpGet": {"port": "http", "httpHeaders": [{"name": "X-Probe", "value": ""}]}});
        assert_eq!(probe(header.clone()), header);
        let optional = json!([{"secretRef": {"name": "s", "optional": false}}]);
        assert_eq!(env_from(optional.clone()), optional);
    }
}

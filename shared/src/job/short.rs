//! A job as the shortest file that means it.

use serde_json::{Value, json};

use super::{GRACE_DEFAULT, JobSpec, OUTPUT_DEFAULT};
use crate::file::{says_nothing, value};

/// As plain values: defaults are left out.
pub fn short(spec: &JobSpec) -> Value {
    let Ok(whole) = serde_json::to_value(spec) else {
        return Value::Null;
    };
    let defaults = JobSpec::new(spec.name.clone(), spec.run.clone());
    let mut defaults = serde_json::to_value(defaults).unwrap_or_default();
    if let Value::Object(map) = &mut defaults {
        map.remove("name");
        let run = json!({
            "grace": GRACE_DEFAULT, "output": OUTPUT_DEFAULT,
        });
        map.insert("run".into(), run);
        if whole["overlap"]["policy"] == "allow" {
            map.insert(
                "overlap".into(),
                json!({"policy": "skip", "limit": 100, "queue": 10}),
            );
        }
    }
    let mut short = whole.clone();
    prune(&mut short, &defaults);
    match value::to::<JobSpec>(short.clone()) {
        Ok(same) if same == *spec => short,
        _ => whole,
    }
}

/// Takes out what is as in `defaults`.
fn prune(value: &mut Value, defaults: &Value) {
    let (Value::Object(map), Value::Object(defaults)) = (value, defaults) else {
        return;
    };
    for (key, default) in defaults {
        let Some(inner) = map.get_mut(key) else { continue };
        prune(inner, default);
        if inner == default || says_nothing(inner) {
            map.remove(key);
        }
    }
}

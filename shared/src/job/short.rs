//! A job as the shortest file that means it.

use super::{GRACE_DEFAULT, JobSpec, OUTPUT_DEFAULT};
use crate::{
    file::value::{self, Value},
    value,
};

/// As settled values: defaults are left out.
pub fn short(spec: &JobSpec) -> Value {
    let Ok(whole) = value::of(spec) else {
        return Value::Null;
    };
    let defaults = JobSpec::new(spec.name.clone(), spec.run.clone());
    let mut defaults = value::of(&defaults).unwrap_or(Value::Null);
    defaults.remove("name");
    let (grace, output) = (GRACE_DEFAULT.to_string(), OUTPUT_DEFAULT.to_string());
    defaults.insert("run", value!({"grace": grace, "output": output}));
    let policy = whole.get("overlap").and_then(|overlap| overlap.get("policy"));
    if policy.and_then(Value::text) == Some("allow") {
        defaults.insert("overlap", value!({"policy": "skip", "limit": 100, "queue": 10}));
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
    for (key, default) in defaults.entries() {
        let Some(inner) = value.get_mut(key) else { continue };
        prune(inner, default);
        if inner == default || inner.says_nothing() {
            value.remove(key);
        }
    }
}

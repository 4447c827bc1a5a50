//! What is wrong with a configuration, by the name of the key and where it was written.

use figment::Source;
use figment::error::Kind;

/// All faults, one on each line.
pub(super) fn tell(error: &figment::Error) -> String {
    let told: Vec<String> = error.clone().into_iter().map(|fault| one(&fault)).collect();
    told.join("\n  and: ")
}

/// The variable of the environment that stands for a key.
pub(super) fn variable(key: &str) -> String {
    format!("CALLS__{}", key.to_uppercase().replace('.', "__"))
}

fn one(fault: &figment::Error) -> String {
    let mut path = fault.path.clone();
    match &fault.kind {
        Kind::UnknownField(field, known) => {
            if path.last() != Some(field) {
                path.push(field.clone());
            }
            let key = path.join(".");
            let section = &path[..path.len() - 1];
            let mut known = known.to_vec();
            known.sort_unstable();
            let known = known.join(", ");
            let has = if section.is_empty() {
                format!("there are {known}")
            } else {
                format!("[{}] has {known}", section.join("."))
            };
            format!("there is no key {key} ({}); {has}", written(fault, &key))
        }
        kind if path.is_empty() => kind.to_string(),
        kind => {
            let key = path.join(".");
            format!("{key} ({}): {kind}", written(fault, &key))
        }
    }
}

/// Where somebody wrote it.
fn written(fault: &figment::Error, key: &str) -> String {
    match fault
        .metadata
        .as_ref()
        .and_then(|metadata| metadata.source.as_ref())
    {
        Some(Source::File(path)) => format!("in {}", path.display()),
        _ => variable(key),
    }
}

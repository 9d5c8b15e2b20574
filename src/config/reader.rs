//! Reading values and collecting what is wrong with them.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Display;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use super::SETTINGS;

/// What our names start with.
const PREFIX: &str = "LIKENESS_";
/// Shortest secret, in bytes: as long as SHA-256, which keys are made with.
const MIN_SECRET_BYTES: usize = 32;

/// Values by the names of their variables, and the faults found so far.
pub(super) struct Reader<'a> {
    environment: &'a BTreeMap<String, String>,
    file: &'a BTreeMap<String, String>,
    faults: Vec<String>,
}

impl<'a> Reader<'a> {
    pub fn new(
        environment: &'a BTreeMap<String, String>,
        file: &'a BTreeMap<String, String>,
        mut faults: Vec<String>,
    ) -> Self {
        let known = |name: &str| SETTINGS.iter().any(|setting| setting.name == name);
        let ours = environment
            .iter()
            .filter(|(name, value)| name.starts_with(PREFIX) && !is_of_kubernetes(name, value))
            .map(|(name, _)| name);
        let unknown = ours.chain(file.keys()).filter(|name| !known(name));
        faults.extend(
            unknown.map(|name| format!("{name} is not a setting; likeness --help lists them")),
        );
        Self {
            environment,
            file,
            faults,
        }
    }

    pub fn fault(&mut self, name: &str, problem: &str) {
        self.faults.push(format!("{name} {problem}"));
    }

    pub fn finish(self) -> Vec<String> {
        self.faults
    }

    /// A value where one is set.
    pub fn optional(&self, name: &str) -> Option<String> {
        let set = |values: &BTreeMap<String, String>| {
            values.get(name).filter(|value| !value.is_empty()).cloned()
        };
        set(self.environment).or_else(|| set(self.file))
    }

    /// A value, or the default from the list of settings.
    pub fn text(&self, name: &str) -> String {
        let default = || {
            SETTINGS
                .iter()
                .find(|setting| setting.name == name)?
                .default
        };
        self.optional(name)
            .or_else(|| default().map(str::to_owned))
            .unwrap_or_default()
    }

    /// A secret that keys are made of.
    pub fn secret(&mut self, name: &str) -> Option<SecretString> {
        let secret = self.optional(name)?;
        if secret.len() < MIN_SECRET_BYTES {
            self.fault(
                name,
                &format!("has to have at least {MIN_SECRET_BYTES} bytes"),
            );
        }
        Some(secret.into())
    }

    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.optional(name).map(absolute)
    }

    /// Where the platform wants a program's data.
    pub fn platform_home(&self) -> Option<PathBuf> {
        let set = |name: &str| {
            self.environment
                .get(name)
                .filter(|value| !value.is_empty())
                .map(Path::new)
        };
        let data = if cfg!(target_os = "macos") {
            set("HOME")?.join("Library/Application Support")
        } else {
            // The XDG specification tells to ignore a relative path.
            let xdg = set("XDG_DATA_HOME")
                .filter(|path| path.is_absolute())
                .map(Path::to_owned);
            xdg.or_else(|| Some(set("HOME")?.join(".local/share")))?
        };
        Some(data.join("likeness"))
    }

    pub fn parsed<T: FromStr>(&mut self, name: &str, allowed: &str, otherwise: T) -> T {
        let text = self.text(name);
        text.parse().unwrap_or_else(|_| {
            self.fault(name, &format!("is {text:?}, has to be {allowed}"));
            otherwise
        })
    }

    pub fn bounded<T>(&mut self, name: &str, bounds: RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let text = self.text(name);
        match text.parse().ok().filter(|value| bounds.contains(value)) {
            Some(value) => value,
            None => {
                let (least, most) = (bounds.start(), bounds.end());
                self.fault(
                    name,
                    &format!("is {text:?}, has to be a number from {least} to {most}"),
                );
                *least
            }
        }
    }

    pub fn yes(&mut self, name: &str) -> bool {
        self.either(name, "yes", "no")
    }

    pub fn on(&mut self, name: &str) -> bool {
        self.either(name, "on", "off")
    }

    fn either(&mut self, name: &str, yes: &str, no: &str) -> bool {
        let text = self.text(name);
        if text != yes && text != no {
            self.fault(name, &format!("is {text:?}, has to be {yes} or {no}"));
        }
        text == yes
    }

    pub fn hours(&mut self, name: &str, bounds: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(3600 * self.bounded(name, bounds))
    }

    pub fn seconds(&mut self, name: &str, bounds: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.bounded(name, bounds))
    }
}

/// Kubernetes gives every container the addresses of services: one that is called `likeness` looks like settings of ours.
fn is_of_kubernetes(name: &str, value: &str) -> bool {
    let parts = ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT_"];
    parts.iter().any(|part| name.contains(part)) || name.ends_with("_PORT") && value.contains("://")
}

/// The environment as text, and our variables that are none.
pub(super) fn environment() -> (BTreeMap<String, String>, Vec<String>) {
    let mut faults = Vec::new();
    let mut values = BTreeMap::new();
    for (name, value) in env::vars_os() {
        let Some(name) = name.to_str().map(str::to_owned) else {
            continue;
        };
        match value.into_string() {
            Ok(value) => drop(values.insert(name, value)),
            Err(_) if name.starts_with(PREFIX) => faults.push(format!("{name} is not UTF-8")),
            Err(_) => {}
        }
    }
    (values, faults)
}

/// The values of the file at this path, by the names of their variables.
pub(super) fn file(path: Option<&String>, faults: &mut Vec<String>) -> BTreeMap<String, String> {
    let Some(path) = path.filter(|path| !path.is_empty()) else {
        return BTreeMap::new();
    };
    let read = fs::read_to_string(path).map_err(|error| error.to_string());
    read.and_then(|text| parse(&text))
        .unwrap_or_else(|problem| {
            faults.push(format!("LIKENESS_CONFIG names {path}: {problem}"));
            BTreeMap::new()
        })
}

fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
    // The parser's full report would show the line, and with it perhaps a secret.
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| error.message().to_owned())?;
    table
        .into_iter()
        .map(|(key, value)| Ok((variable(&key), scalar(&key, value)?)))
        .collect()
}

fn variable(key: &str) -> String {
    match key {
        "database_url" => "DATABASE_URL".to_owned(),
        key => format!("{PREFIX}{}", key.to_uppercase()),
    }
}

fn scalar(key: &str, value: toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(number.to_string()),
        toml::Value::Boolean(_)
        | toml::Value::Datetime(_)
        | toml::Value::Array(_)
        | toml::Value::Table(_) => Err(format!("{key} has to be a text or a number")),
    }
}

fn absolute(path: String) -> PathBuf {
    std::path::absolute(&path).unwrap_or_else(|_| path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_uses_the_variables_names_in_lower_case() {
        let values = parse(
            "listen = '0.0.0.0:80'\nworkers = 3\napprove_fmr = 1e-5\ndatabase_url = 'postgres://x'",
        )
        .unwrap();
        let expected = [
            ("DATABASE_URL", "postgres://x"),
            ("LIKENESS_APPROVE_FMR", "0.00001"),
            ("LIKENESS_LISTEN", "0.0.0.0:80"),
            ("LIKENESS_WORKERS", "3"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(values, BTreeMap::from(expected));
    }

    #[test]
    fn a_fault_in_the_file_does_not_show_what_is_in_it() {
        let problem = parse("jwt_secret = 'hunter2").unwrap_err();
        assert!(!problem.contains("hunter2"), "{problem}");
        assert_eq!(
            parse("workers = [1]").unwrap_err(),
            "workers has to be a text or a number"
        );
    }
}

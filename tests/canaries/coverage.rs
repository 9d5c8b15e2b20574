//! Whether the conversation uses all that there is.

use serde_json::Value;

use crate::conversation::Answer;

/// The operations of the API's description that none of these answers is a success of.
pub fn untouched(answers: &[Answer]) -> Vec<String> {
    let asked = answers
        .iter()
        .filter(|answer| (200..300).contains(&answer.status))
        .map(|answer| (answer.method.as_str(), answer.path.as_str()));
    let asked: Vec<_> = asked.collect();
    let used = |(method, template): &(String, String)| {
        let mut asked = asked.iter();
        asked.any(|(asked, path)| asked == method && is_of(path, template))
    };
    let unused = operations().into_iter().filter(|one| !used(one));
    unused
        .map(|(method, template)| format!("{method} {template}"))
        .collect()
}

/// Methods and paths, as they are described.
fn operations() -> Vec<(String, String)> {
    let described: Value =
        serde_json::from_str(include_str!("../../openapi/openapi.json")).unwrap();
    let paths = described["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().keys();
        methods.map(move |method| (method.to_uppercase(), path.clone()))
    });
    operations.collect()
}

/// True where a path is what a template describes.
fn is_of(path: &str, template: &str) -> bool {
    let (path, template) = (path.split('/'), template.split('/'));
    let fits = |(one, described): (&str, &str)| described.starts_with('{') || one == described;
    path.clone().count() == template.clone().count() && path.zip(template).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_from_those_of_other_templates() {
        let faces = "/v1/watchlists/{id}/subjects/{subject_id}/faces";
        assert!(is_of("/v1/watchlists/1/subjects/2/faces", faces));
        for other in [
            "/v1/watchlists/1/subjects/2",
            "/v1/watchlists/1/subjects/2/faces/3",
            "/v1/watchlists/1/people/2/faces",
        ] {
            assert!(!is_of(other, faces), "{other}");
        }
    }

    #[test]
    fn without_answers_nothing_is_used() {
        assert_eq!(untouched(&[]).len(), operations().len());
        assert!(operations().len() > 35);
    }
}

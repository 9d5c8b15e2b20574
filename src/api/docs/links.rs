//! How what one operation answers leads to the next: links of the document, which tools follow from step to step.

use utoipa::openapi::link::Link;
use utoipa::openapi::{OpenApi, RefOr};

use super::operations;

/// What is made, and the operations that it can be followed by.
struct Made {
    /// The operation that makes it, and its status then.
    by: (&'static str, &'static str),
    /// What the followers call its id.
    id: &'static str,
    /// The ids in the path of the one operation that the other's path names as well.
    shared: &'static [&'static str],
    then: &'static [&'static str],
}

const LIST: &[&str] = &[
    "get_watchlist",
    "patch_watchlist",
    "search_watchlist",
    "create_subject",
    "list_subjects",
    "put_subject",
    "create_import",
    "delete_watchlist",
];
const PERSON: &[&str] = &[
    "get_subject",
    "patch_subject",
    "create_face",
    "list_faces",
    "delete_subject",
];
const JOB: &[&str] = &["get_job", "list_job_rows", "get_job_result", "cancel_job"];

const MADE: [Made; 7] = [
    made(("create_watchlist", "201"), "id", &[], LIST),
    made(("create_subject", "201"), "subject_id", &["id"], PERSON),
    made(("put_subject", "201"), "subject_id", &["id"], PERSON),
    made(("put_subject", "200"), "subject_id", &["id"], PERSON),
    made(
        ("create_face", "201"),
        "face_id",
        &["id", "subject_id"],
        &["delete_face"],
    ),
    made(
        ("create_verification", "201"),
        "id",
        &[],
        &["get_verification", "delete_verification"],
    ),
    made(("create_import", "202"), "id", &[], JOB),
];

const fn made(
    by: (&'static str, &'static str),
    id: &'static str,
    shared: &'static [&'static str],
    then: &'static [&'static str],
) -> Made {
    Made {
        by,
        id,
        shared,
        then,
    }
}

/// Writes the links into the document.
pub(super) fn connect(document: &mut OpenApi) {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let id = operation.operation_id.clone().unwrap_or_default();
        for made in MADE.iter().filter(|made| made.by.0 == id) {
            let answer = operation.responses.responses.get_mut(made.by.1);
            if let Some(RefOr::T(answer)) = answer {
                let links = made.then.iter().map(|next| link(made, next));
                answer.links.extend(links);
            }
        }
    }
}

fn link(made: &Made, next: &str) -> (String, RefOr<Link>) {
    let mut link = Link::builder()
        .operation_id(next)
        .parameter(made.id, "$response.body#/id");
    for name in made.shared {
        link = link.parameter(*name, format!("$request.path.{name}"));
    }
    (next.to_owned(), RefOr::T(link.build()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_leads_from_a_documented_answer_to_a_documented_operation() {
        let mut document = super::super::openapi();
        let items = document.paths.paths.values_mut().flat_map(operations);
        let known: Vec<_> = items
            .map(|operation| {
                (
                    operation.operation_id.clone().unwrap(),
                    operation.responses.clone(),
                )
            })
            .collect();
        for made in &MADE {
            let maker = known.iter().find(|(id, _)| id == made.by.0);
            let answers = &maker.unwrap_or_else(|| panic!("{}", made.by.0)).1.responses;
            assert!(answers.contains_key(made.by.1), "{:?}", made.by);
            for next in made.then {
                assert!(known.iter().any(|(id, _)| id == next), "{next}");
            }
        }
    }
}

//! What the document says of texts, for every field and parameter of a name: clients check before they send.

use utoipa::openapi::{OpenApi, RefOr, Schema};

use super::operations;
use crate::domain::audit::AuditAction;

/// No control characters.
const PRINTABLE: &str = r"^[^\u0000-\u001F\u007F-\u009F]*$";
/// The same, but for line breaks and tabs.
const LINES: &str = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$";
/// An id in base64url: 22 characters, of which the last holds two bits.
const CURSOR: &str = "^[A-Za-z0-9_-]{21}[AQgw]$";
/// What needs no quotes, though it may have them.
const KEY: &str = "^[!#-~]([ -~]*[!-~])?$";
const KIND: &str = "^(block|alert|allow)$";
const ON_DUPLICATE: &str = "^(report|reject|add_to_subject)$";
const DECISION: &str = "^(approved|review|declined)$";
const RULING: &str = "^(approved|declined)$";
const SEX: &str = "^(M|F|X)$";
const JOB_KIND: &str = "^(import|model_change|rekey)$";
const SWITCH: &str = "^(automatic|manual)$";
const ROLE: &str =
    "^(face_detector|landmarks|embedder|liveness|pose|eyes|text_detector|text_recogniser)$";
const LAYOUT: &str = "^(nchw|nhwc)$";
const CHANNELS: &str = "^(rgb|bgr|grey)$";
const ROW_STATE: &str = "^(pending|succeeded|failed|cancelled)$";

/// Fields of bodies.
const FIELDS: [(&str, &str); 14] = [
    ("external_id", PRINTABLE),
    ("display_name", PRINTABLE),
    ("name", PRINTABLE),
    ("kind", KIND),
    ("on_duplicate", ON_DUPLICATE),
    ("decision", DECISION),
    ("sex", SEX),
    ("text_version", PRINTABLE),
    ("nonce", PRINTABLE),
    ("document_number", PRINTABLE),
    ("first_names", PRINTABLE),
    ("last_names", PRINTABLE),
    ("nationality", PRINTABLE),
    ("issuing_state", PRINTABLE),
];
/// Fields whose names say something else elsewhere, each after the body that it is of.
const FIELDS_OF: [(&str, &str, &str); 10] = [
    ("ActivateModel", "switch", SWITCH),
    ("ConsentForm", "id", PRINTABLE),
    ("CreateErasure", "reason", PRINTABLE),
    ("CreateReview", "decision", RULING),
    ("CreateReview", "note", LINES),
    ("InputView", "channels", CHANNELS),
    ("InputView", "layout", LAYOUT),
    ("JobView", "kind", JOB_KIND),
    ("KnownModelView", "role", ROLE),
    ("ModelChangeView", "switch", SWITCH),
];
/// Parameters of paths and queries.
const PARAMETERS: [(&str, &str); 9] = [
    ("external_id", PRINTABLE),
    ("display_name", PRINTABLE),
    ("name", PRINTABLE),
    ("kind", KIND),
    ("decision", DECISION),
    ("state", ROW_STATE),
    ("cursor", CURSOR),
    ("subject", PRINTABLE),
    ("Idempotency-Key", KEY),
];

/// Writes the rules into the document.
pub(super) fn describe(document: &mut OpenApi) {
    let schemas = document.components.iter_mut();
    for (body, schema) in schemas.flat_map(|components| &mut components.schemas) {
        if let RefOr::T(Schema::Object(object)) = schema {
            for (name, field) in &mut object.properties {
                constrain(field, &FIELDS, name);
                for (_, name_there, pattern) in FIELDS_OF.iter().filter(|(of, ..)| of == body) {
                    constrain(field, &[(name_there, pattern)], name);
                }
            }
        }
    }
    let actions = actions();
    let items = document.paths.paths.values_mut();
    for parameter in items
        .flat_map(operations)
        .flat_map(|operation| operation.parameters.iter_mut().flatten())
    {
        if let RefOr::T(parameter) = parameter
            && let Some(schema) = &mut parameter.schema
        {
            constrain(schema, &PARAMETERS, &parameter.name);
            constrain(schema, &[("action", &actions)], &parameter.name);
        }
    }
}

/// Every action of the audit log.
fn actions() -> String {
    let names: Vec<_> = AuditAction::ALL
        .iter()
        .map(|action| action.name())
        .collect();
    format!("^({})$", names.join("|").replace('.', "[.]"))
}

fn constrain(schema: &mut RefOr<Schema>, rules: &[(&str, &str)], name: &str) {
    let rule = rules.iter().find(|(known, _)| *known == name);
    if let (RefOr::T(Schema::Object(object)), Some((_, pattern))) = (schema, rule) {
        object.pattern = Some((*pattern).to_owned());
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::domain::decision::Decision;
    use crate::domain::duplicate::OnDuplicate;
    use crate::domain::job::{JobKind, RowState};
    use crate::domain::model_change::SwitchMode;
    use crate::domain::mrz::Sex;
    use crate::domain::review::ReviewDecision;
    use crate::domain::watchlist::WatchlistKind;

    fn reads_all<T: DeserializeOwned>(pattern: &str) {
        let names = pattern
            .strip_prefix("^(")
            .and_then(|rest| rest.strip_suffix(")$"));
        for name in names.unwrap().split('|') {
            serde_json::from_value::<T>(name.into()).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }

    #[test]
    fn every_word_that_the_document_allows_is_understood() {
        reads_all::<WatchlistKind>(KIND);
        reads_all::<OnDuplicate>(ON_DUPLICATE);
        reads_all::<Decision>(DECISION);
        reads_all::<RowState>(ROW_STATE);
        reads_all::<JobKind>(JOB_KIND);
        reads_all::<SwitchMode>(SWITCH);
        reads_all::<ReviewDecision>(RULING);
        reads_all::<Sex>(SEX);
    }
}

//! No answer tells more than three digits of a score, so that none can be climbed by its last ones.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Answer, App, pair, picture};
use crate::imports;

/// Measures of a picture, in pixels, degrees or milliseconds: one decimal, however large they are.
const MEASURES: [&str; 16] = [
    "box",
    "left_eye",
    "right_eye",
    "nose",
    "left_mouth",
    "right_mouth",
    "yaw",
    "pitch",
    "roll",
    "inter_eye_distance",
    "decode",
    "detect",
    "embed",
    "liveness",
    "search",
    "total",
];

/// Significant digits of a number as it is written.
fn digits(written: &str) -> usize {
    let mantissa = written.split(['e', 'E']).next().unwrap();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    if mantissa.contains('.') {
        // 0.610 is not written, but 1.0 is.
        digits.trim_end_matches('0').len()
    } else {
        digits.len()
    }
}

/// What is told too finely, with the names that lead to it.
fn too_fine(name: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let written = number.to_string();
            let is_measure =
                MEASURES.contains(&name) && (number.as_f64().unwrap() * 10.0).fract() == 0.0;
            if digits(&written) > 3 && !is_measure {
                found.push(format!("{name}: {written}"));
            }
        }
        // Numbers in sentences count, too.
        Value::String(text) if !text.contains(':') => {
            let numbers = text.split(|c: char| !(c.is_ascii_digit() || ".e-".contains(c)));
            let fractions = numbers
                .map(|word| word.trim_matches(['.', '-', 'e']))
                .filter(|word| word.contains('.') && word.parse::<f64>().is_ok());
            found.extend(
                fractions
                    .filter(|word| digits(word) > 3)
                    .map(|word| format!("{name}: {text}: {word}")),
            );
        }
        Value::Array(items) => items.iter().for_each(|item| too_fine(name, item, found)),
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| too_fine(name, value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn faults(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    too_fine("", value, &mut found);
    found
}

/// Somebody who looks as much like a person as the number says, and is measured as finely.
fn finely(person: usize, similarity: f64) -> Vec<u8> {
    picture(json!({"faces": [{
        "person": person, "similarity": similarity, "liveness": 0.876_543_2, "confidence": 0.987_654_3,
        "sharpness": 123.456_78, "brightness": 0.456_789_1, "eye_distance": 61.234_56, "yaw": -12.345_67,
    }]}))
}

fn form(image: Vec<u8>) -> Form {
    Form::new().part("image", Part::bytes(image))
}

#[test]
fn what_is_told_too_finely_is_found() {
    let answer = json!({
        "similarity": 0.6123, "nested": [{"score": 12.34}], "message": "sharpness is 7.123; at least 8 is needed",
    });
    assert_eq!(faults(&answer).len(), 3, "{:?}", faults(&answer));
    let rounded = json!({
        "similarity": 0.612, "fmr_estimate": 3.46e-7, "score": 1.0, "yaw": -123.4, "size": 123_456,
        "message": "brightness is 0.042; at least 0.1 is needed", "box": [1024.5, 0.0], "at": "12:00:01.234567Z",
    });
    assert_eq!(faults(&rounded), [""; 0]);
}

#[tokio::test]
async fn no_answer_tells_more_than_three_digits_of_a_score() {
    let app = App::start().await;
    let reject = json!({"name": "reject", "on_duplicate": "reject"});
    let reject = app.post_json("/v1/watchlists", &reject).await.body;
    let reject = format!("/v1/watchlists/{}", reject["id"].as_str().unwrap());
    let id = app.watchlist("report", "alert").await;
    let list = format!("/v1/watchlists/{id}");
    let mut answers: Vec<Answer> = Vec::new();
    for path in [&list, &reject] {
        let subjects = format!("{path}/subjects");
        answers.push(app.post_form(&subjects, form(finely(1, 1.0))).await);
        // Known already: reported by one list, refused by the other.
        answers.push(app.post_form(&subjects, form(finely(1, 0.876_543_2))).await);
        answers.push(app.get(&subjects).await);
    }
    let subject = answers[0].body["id"].as_str().unwrap().to_owned();
    let faces = format!("{list}/subjects/{subject}/faces");
    let poor = picture(json!({"faces": [{"person": 7, "sharpness": 7.123_456, "yaw": 71.234_56}]}));
    answers.push(app.post_form(&faces, form(finely(1, 0.912_345_6))).await);
    answers.push(app.get(&faces).await);
    answers.push(app.post_form(&faces, form(poor.clone())).await);
    let path = format!("{list}/subjects/by-external-id/k");
    answers.push(app.put_form(&path, form(finely(1, 0.812_345_6))).await);
    answers.push(
        app.post_form(&format!("{list}/search"), form(finely(1, 0.771_234_5)))
            .await,
    );
    answers.push(
        app.post_form("/v1/faces/detect", form(finely(1, 1.0)))
            .await,
    );
    let compared = Form::new()
        .part("source", Part::bytes(finely(1, 1.0)))
        .part("target", Part::bytes(finely(1, 0.612_345_6)))
        .part("target", Part::bytes(finely(1, 0.001_234_567)));
    answers.push(app.post_form("/v1/faces/compare", compared).await);
    for similarity in [0.612_345_6, 0.381_234_5, 0.123_456_7] {
        let checked = pair(finely(1, 1.0), finely(1, similarity))
            .text("watchlist_ids", id.clone())
            .text(
                "policy",
                r#"{"approve_fmr": 0.000123, "review_fmr": 0.00234}"#,
            );
        answers.push(app.post_form("/v1/verifications", checked).await);
    }
    answers.push(app.get("/v1/verifications").await);
    let archive = imports::archive(imports::zip(&[("a.jpg", finely(1, 0.9)), ("b.jpg", poor)]));
    let job = imports::finished(&app, imports::post(&app, &id, archive).await).await;
    let job = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    for path in [job.clone(), format!("{job}/rows"), "/v1/jobs".to_owned()] {
        answers.push(app.get(&path).await);
    }
    let mut statuses: Vec<u16> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    statuses.sort_unstable();
    statuses.dedup();
    assert_eq!(
        statuses,
        [200, 201, 409, 422],
        "each kind of answer is there"
    );
    for answer in &answers {
        assert_eq!(faults(&answer.body), [""; 0], "{}", answer.body);
    }
    let scores = answers
        .iter()
        .filter(|answer| answer.body.to_string().contains("similarity"));
    assert!(scores.count() >= 8);
}

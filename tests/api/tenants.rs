//! One tenant never meets another, whatever the route.

use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::app::{ALL_SCOPES, Answer, App, person, token};

fn image(bytes: Vec<u8>) -> Form {
    Form::new().part("image", Part::bytes(bytes))
}

#[tokio::test]
async fn a_tenant_sees_nothing_of_another() {
    let app = App::start().await;
    let list = app.watchlist("secret", "block").await;
    let subject = app.enrol(&list, "a", person(1)).await;
    let check = app
        .verify(person(1), person(1))
        .await
        .expect(StatusCode::CREATED);
    let stranger = token("globex", ALL_SCOPES);
    let (list, check) = (
        format!("/v1/watchlists/{list}"),
        check["id"].as_str().unwrap(),
    );
    for (method, path, form) in [
        (Method::GET, list.clone(), None),
        (Method::DELETE, list.clone(), None),
        (
            Method::PUT,
            format!("{list}/subjects/by-external-id/a"),
            Some(image(person(1))),
        ),
        (Method::GET, format!("{list}/subjects"), None),
        (
            Method::POST,
            format!("{list}/subjects"),
            Some(image(person(1))),
        ),
        (Method::GET, format!("{list}/subjects/{subject}"), None),
        (Method::DELETE, format!("{list}/subjects/{subject}"), None),
        (
            Method::GET,
            format!("{list}/subjects/{subject}/faces"),
            None,
        ),
        (
            Method::POST,
            format!("{list}/subjects/{subject}/faces"),
            Some(image(person(1))),
        ),
        (
            Method::POST,
            format!("{list}/search"),
            Some(image(person(1))),
        ),
        (Method::GET, format!("/v1/verifications/{check}"), None),
        (Method::DELETE, format!("/v1/verifications/{check}"), None),
    ] {
        let request = app.bare(method.clone(), &path).bearer_auth(&stranger);
        let answer = Answer::of(form.into_iter().fold(request, |r, form| r.multipart(form))).await;
        assert_eq!(
            answer.status,
            StatusCode::NOT_FOUND,
            "{method} {path}: {}",
            answer.body
        );
        answer.expect_problem(404, "not_found");
    }
    for path in [list.clone(), format!("{list}/subjects/{subject}")] {
        let request = app.bare(Method::PATCH, &path).bearer_auth(&stranger);
        let answer = Answer::of(request.json(&json!({}))).await;
        answer.expect_problem(404, "not_found");
    }
    for path in ["/v1/watchlists", "/v1/verifications"] {
        let page = Answer::of(app.bare(Method::GET, path).bearer_auth(&stranger)).await;
        assert_eq!(page.expect(StatusCode::OK)["items"], json!([]), "{path}");
    }
    app.get(&list).await.expect(StatusCode::OK);
}

//! Who reads the log, and how.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Audited, image};
use crate::app::{Answer, person, token};

/// The numbers of a page's events.
fn numbers(page: &Value) -> Vec<u64> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["sequence"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn the_log_is_read_page_by_page_and_by_every_filter() {
    let audited = Audited::start().await;
    let app = &audited.app;
    let list = app.watchlist("l", "alert").await;
    let subject = app.enrol(&list, "key", person(1)).await;
    for _ in 0..3 {
        let path = format!("/v1/watchlists/{list}/search");
        app.post_form(&path, image(person(1)))
            .await
            .expect(StatusCode::OK);
    }
    let all = audited.events().await;
    let third = all[2]["created_at"].as_str().unwrap();
    for (query, expected) in [
        (String::new(), vec![5, 4, 3, 2, 1]),
        ("action=watchlist.searched".to_owned(), vec![5, 4, 3]),
        (format!("resource_id={subject}"), vec![2]),
        (
            format!("resource_id={list}&action=watchlist.created"),
            vec![1],
        ),
        ("subject=tester".to_owned(), vec![5, 4, 3, 2, 1]),
        ("subject=somebody".to_owned(), vec![]),
        (format!("created_after={third}"), vec![5, 4, 3]),
        (format!("created_before={third}"), vec![2, 1]),
    ] {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/audit_events?limit=2&{query}{cursor}");
            let page = app.get(&path).await.expect(StatusCode::OK);
            assert!(numbers(&page).len() <= 2);
            found.extend(numbers(&page));
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found, expected, "{query}");
    }
    for (query, field) in [
        ("action=watchlist.burnt", Some("action:invalid")),
        ("resource_id=x", Some("resource_id:invalid")),
        ("subject=a%00", Some("subject:control_character")),
        ("created_after=now", Some("created_after:invalid")),
        ("limit=201", Some("limit:range")),
        ("cursor=x", Some("cursor:invalid")),
        ("name=x", Some("name:invalid")),
    ] {
        let refused = app.get(&format!("/v1/audit_events?{query}")).await;
        refused.expect_problem(400, "validation_failed");
        assert_eq!(refused.faults(), Vec::from_iter(field), "{query}");
    }
}

#[tokio::test]
async fn only_the_scope_of_the_log_opens_it_and_only_that_of_the_own_tenant() {
    let audited = Audited::start().await;
    let app = &audited.app;
    app.watchlist("l", "alert").await;
    let read = |tenant: &str, scope: &str| {
        let request = app.bare(Method::GET, "/v1/audit_events");
        Answer::of(request.bearer_auth(token(tenant, scope)))
    };
    read("acme", "verify watchlist:read watchlist:write")
        .await
        .expect_problem(403, "forbidden");
    let own = read("acme", "audit:read").await.expect(StatusCode::OK);
    assert_eq!(numbers(&own), [1]);
    let other = read("globex", "audit:read").await.expect(StatusCode::OK);
    assert_eq!(other["items"], json!([]));
    // Nobody writes to it.
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let answer = Answer::of(app.request(method.clone(), "/v1/audit_events")).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
}

#[tokio::test]
async fn what_is_read_is_enough_to_follow_the_chain() {
    let audited = Audited::start().await;
    for number in 0..3 {
        audited.app.watchlist(&format!("l{number}"), "alert").await;
    }
    let events = audited.events().await;
    assert_eq!(events[0]["previous_hash"], "0".repeat(64));
    for pair in events.windows(2) {
        assert_eq!(pair[1]["previous_hash"], pair[0]["hash"]);
    }
    let head = audited.verified().await.intact.to_string();
    assert_eq!(head, format!("3:{}", events[2]["hash"].as_str().unwrap()));
}

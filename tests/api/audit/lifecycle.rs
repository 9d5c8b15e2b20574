//! What the end of records and human decisions leave in the log.

use likeness::lifecycle::Sweeper;
use reqwest::StatusCode;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::Audited;
use super::events::Told;
use crate::app::{lookalike, pair, person};

pub async fn lifecycle(told: &mut Told) {
    let app = &told.audited.app;
    let checked = app.verify(person(1), lookalike(1, 0.375)).await;
    let checked = checked.expect(StatusCode::CREATED);
    told.one("post /v1/verifications").await;
    let path = format!("/v1/verifications/{}", checked["id"].as_str().unwrap());
    let review = json!({"decision": "declined", "note": "another person"});
    let app = &told.audited.app;
    let reviewed = app.post_json(&format!("{path}/review"), &review).await;
    reviewed.expect(StatusCode::CREATED);
    let event = told.one("post /v1/verifications/{id}/review").await;
    assert_eq!(event["resource_id"], checked["id"]);
    assert_eq!(
        event["detail"],
        json!({"verification_id": checked["id"], "number": 1, "decision": "declined"})
    );

    let app = &told.audited.app;
    let chosen = json!({"verification_days": 30});
    app.put_json("/v1/retention", &chosen)
        .await
        .expect(StatusCode::OK);
    let event = told.one("put /v1/retention").await;
    let days = |detail: &Value| detail["verification_days"].clone();
    let detail = &event["detail"];
    assert_eq!(
        (days(&detail["before"]), days(&detail["after"])),
        (Value::Null, json!(30))
    );

    let app = &told.audited.app;
    let erased = app
        .post_json("/v1/erasures", &json!({"external_id": "nobody"}))
        .await;
    let erased = erased.expect(StatusCode::CREATED);
    let event = told.one("post /v1/erasures").await;
    assert_eq!(event["resource_id"], erased["id"]);
    assert_eq!(
        (&event["detail"]["commitment"], &event["detail"]["erased"]),
        (&erased["commitment"], &erased["erased"])
    );
    let app = &told.audited.app;
    let receipt = app
        .get(&format!("/v1/erasures/{}", erased["id"].as_str().unwrap()))
        .await;
    assert_eq!(
        receipt.expect(StatusCode::OK)["audit_sequence"],
        event["sequence"]
    );
}

#[tokio::test]
async fn what_is_swept_is_the_doing_of_the_service() {
    let audited = Audited::start().await;
    for days in ["3", "3", "9"] {
        let form = pair(person(1), person(1)).text("retention_days", days);
        let made = audited.app.post_form("/v1/verifications", form).await;
        made.expect(StatusCode::CREATED);
    }
    let sweeper = Sweeper::new(audited.app.store.clone());
    let now = OffsetDateTime::now_utc();
    sweeper.sweep(now + Duration::days(1)).await.unwrap();
    assert_eq!(audited.events().await.len(), 3, "nothing was due");
    sweeper.sweep(now + Duration::days(4)).await.unwrap();
    let events = audited.events().await;
    assert_eq!(events.len(), 4);
    assert_eq!(
        (&events[3]["action"], &events[3]["subject"]),
        (&json!("records.swept"), &json!("system:retention"))
    );
    assert_eq!(
        events[3]["detail"],
        json!({"verifications": 2, "jobs": 0, "subjects": 0, "liveness_sessions": 0})
    );
    assert_eq!(audited.count().await, 4);
}

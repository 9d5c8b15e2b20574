//! What is done to people leaves events, one by one and in bulk.

use reqwest::StatusCode;
use reqwest::multipart::Part;
use serde_json::json;

use super::events::Told;
use super::image;
use crate::app::{person, picture};
use crate::imports::{archive, finished, post, zip};

pub async fn people(told: &mut Told) {
    let body = json!({"name": "members", "on_duplicate": "add_to_subject"});
    let list = told.audited.app.post_json("/v1/watchlists", &body).await;
    let list = list.expect(StatusCode::CREATED)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    told.one("post /v1/watchlists").await;
    let path = format!("/v1/watchlists/{list}/subjects");

    let made = told.audited.app.post_form(&path, image(person(1))).await;
    let made = made.expect(StatusCode::CREATED);
    let subject = made["id"].as_str().unwrap().to_owned();
    let event = told.one("post /v1/watchlists/{id}/subjects").await;
    assert_eq!(
        (&event["action"], &event["resource_id"]),
        (&json!("subject.enrolled"), &made["id"])
    );
    let expected = json!({"watchlist_id": list, "subject_id": subject, "face_ids": [made["faces"][0]["id"]],
        "embedder": made["faces"][0]["model_id"], "duplicate_of": []});
    assert_eq!(event["detail"], expected);
    // The face of somebody who is there goes to them.
    let joined = told.audited.app.post_form(&path, image(person(1))).await;
    let joined = joined.expect(StatusCode::OK);
    let event = told.one("post /v1/watchlists/{id}/subjects").await;
    assert_eq!(
        (&event["action"], &event["resource_id"]),
        (&json!("face.enrolled"), &made["id"])
    );
    assert_eq!(
        event["detail"]["face_ids"],
        json!([joined["faces"][1]["id"]])
    );
    assert_eq!(event["detail"]["duplicate_of"], json!([subject]));

    let one = format!("{path}/{subject}");
    let face = told
        .audited
        .app
        .post_form(&format!("{one}/faces"), image(person(1)))
        .await;
    let face = face.expect(StatusCode::CREATED)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let event = told
        .one("post /v1/watchlists/{id}/subjects/{subject_id}/faces")
        .await;
    assert_eq!(
        (&event["resource_id"], &event["detail"]["face_ids"]),
        (&json!(subject), &json!([face]))
    );
    told.audited
        .app
        .delete(&format!("{one}/faces/{face}"))
        .await
        .expect(StatusCode::NO_CONTENT);
    let event = told
        .one("delete /v1/watchlists/{id}/subjects/{subject_id}/faces/{face_id}")
        .await;
    let expected = json!({"watchlist_id": list, "subject_id": subject, "face_id": face});
    assert_eq!(event["detail"], expected);

    let change = json!({"display_name": "X", "valid_until": null});
    told.audited
        .app
        .patch(&one, &change)
        .await
        .expect(StatusCode::OK);
    let event = told
        .one("patch /v1/watchlists/{id}/subjects/{subject_id}")
        .await;
    assert_eq!(
        event["detail"]["fields"],
        json!(["display_name", "valid_until"])
    );

    let by_key = format!("{path}/by-external-id/key");
    let put = "put /v1/watchlists/{id}/subjects/by-external-id/{external_id}";
    told.audited
        .app
        .put_form(&by_key, image(person(3)))
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(told.one(put).await["action"], "subject.enrolled");
    let both = image(person(3)).part("image", Part::bytes(person(3)));
    told.audited
        .app
        .put_form(&by_key, both)
        .await
        .expect(StatusCode::OK);
    let event = told.one(put).await;
    assert_eq!(
        (&event["action"], &event["detail"]["removed_faces"]),
        (&json!("subject.replaced"), &json!(1))
    );
    assert_eq!(event["detail"]["face_ids"].as_array().unwrap().len(), 2);

    told.audited
        .app
        .delete(&one)
        .await
        .expect(StatusCode::NO_CONTENT);
    let event = told
        .one("delete /v1/watchlists/{id}/subjects/{subject_id}")
        .await;
    assert_eq!(
        event["detail"],
        json!({"watchlist_id": list, "subject_id": subject})
    );
}

/// The rows of an import are the doing of whoever made it, in the request that made it.
pub async fn imports(told: &mut Told) {
    let list = told.audited.app.watchlist("many", "alert").await;
    told.one("post /v1/watchlists").await;
    let files = [
        ("ann/1.jpg", person(1)),
        ("ann/2.jpg", person(2)),
        ("bob.jpg", person(3)),
        ("nobody.jpg", picture(json!({"faces": []}))),
    ];
    let answer = post(&told.audited.app, &list, archive(zip(&files))).await;
    let request = answer.headers["x-request-id"].to_str().unwrap().to_owned();
    let job = finished(&told.audited.app, answer).await;
    assert_eq!(
        (&job["done"], &job["failed"]),
        (&json!(4), &json!(1)),
        "{job}"
    );
    let events = told.audited.events().await;
    let new = &events[told.count..];
    let actions: Vec<&str> = new
        .iter()
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "import.created",
            "subject.enrolled",
            "face.enrolled",
            "subject.enrolled"
        ]
    );
    assert_eq!(
        new[0]["detail"],
        json!({"job_id": job["id"], "watchlist_id": list, "rows": 4, "refused": 0})
    );
    for (event, row) in new[1..].iter().zip([1, 2, 3]) {
        assert_eq!(
            event["detail"]["import"],
            json!({"job_id": job["id"], "row": row})
        );
        assert_eq!(
            (&event["subject"], &event["request_id"]),
            (&json!("tester"), &json!(request))
        );
    }
    assert_eq!(new[1]["resource_id"], new[2]["resource_id"]);
    told.count = events.len();
    told.seen.insert((
        "post /v1/watchlists/{id}/imports".into(),
        "import.created".into(),
    ));
    for action in ["subject.enrolled", "face.enrolled"] {
        told.seen.insert(("rows of a job".into(), action.into()));
    }

    // Over by now: that it is cancelled again changes nothing.
    let path = format!("/v1/jobs/{}/cancel", job["id"].as_str().unwrap());
    told.audited
        .app
        .post_json(&path, &json!({}))
        .await
        .expect(StatusCode::OK);
    assert_eq!(told.audited.events().await.len(), told.count);
    let slow = picture(json!({"faces": [{"person": 9}], "takes_ms": 700}));
    let answer = post(
        &told.audited.app,
        &list,
        archive(zip(&[("a/1.jpg", slow.clone()), ("a/2.jpg", slow)])),
    )
    .await;
    let job = answer.expect(StatusCode::ACCEPTED);
    told.one("post /v1/watchlists/{id}/imports").await;
    let path = format!("/v1/jobs/{}/cancel", job["id"].as_str().unwrap());
    told.audited
        .app
        .post_json(&path, &json!({}))
        .await
        .expect(StatusCode::OK);
    let event = told.one("post /v1/jobs/{id}/cancel").await;
    let expected = json!({"job_id": job["id"], "watchlist_id": list, "rows": 2, "done": 0});
    assert_eq!(event["detail"], expected);
}

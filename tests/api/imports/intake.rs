//! What an import takes, and whom it makes of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::CONTENT_TYPE;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{archive, fates, finished, post, rows, zip};
use crate::app::{Answer, App, lookalike, person, picture};

#[tokio::test]
async fn folders_and_files_of_an_archive_become_people() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let two = picture(json!({"faces": [{"person": 7}, {"person": 8}]}));
    let files = zip(&[
        ("jane/1.jpg", person(1)),
        ("jane/2.jpg", lookalike(1, 0.9)),
        ("john.jpg", person(2)),
        ("crowd.jpg", two),
        ("wall.png", picture(json!({"faces": []}))),
        ("torn.webp", picture(json!({"fails": "corrupt"}))),
        ("__MACOSX/._john.jpg", b"litter".to_vec()),
        ("jane/.DS_Store", b"litter".to_vec()),
    ]);
    let job = finished(&app, post(&app, &list, archive(files)).await).await;
    assert_eq!(job["state"], "succeeded");
    assert_eq!(
        [&job["total"], &job["done"], &job["failed"]],
        [&json!(6), &json!(6), &json!(3)]
    );
    assert!(job["rate"].as_f64().unwrap() > 0.0, "{job}");
    assert!(job["started_at"].is_string() && job["finished_at"].is_string());
    assert_eq!(job["watchlist_id"], json!(list));

    let rows = rows(&app, &job).await;
    let codes: Vec<_> = rows.iter().map(|row| &row["error"]["code"]).collect();
    assert_eq!(
        codes,
        [
            &Value::Null,
            &Value::Null,
            &Value::Null,
            &json!("multiple_faces"),
            &json!("no_face"),
            &json!("corrupt_image")
        ]
    );
    assert_eq!(rows[0]["external_id"], "jane");
    assert_eq!(rows[0]["subject_id"], rows[1]["subject_id"]);
    assert_ne!(rows[0]["face_id"], rows[1]["face_id"]);

    let path = format!("/v1/watchlists/{list}/subjects?external_id=jane");
    let jane = app.get(&path).await.expect(StatusCode::OK);
    assert_eq!(jane["items"][0]["faces"].as_array().unwrap().len(), 2);
    let image = Form::new().part("image", Part::bytes(person(2)));
    let path = format!("/v1/watchlists/{list}/search");
    let found = app.post_form(&path, image);
    let found = found.await.expect(StatusCode::OK);
    assert_eq!(found["hits"][0]["external_id"], "john");
}

#[tokio::test]
async fn a_manifest_beside_the_archive_says_who_is_who() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let manifest = "file,external_id,display_name,valid_until,metadata\n\
        a.jpg,one,Ann,2099-01-02T03:04:05Z,\"{\"\"case\"\": 7}\"\n\
        b.jpg,one,Other,,\n\
        sub/c.jpg,,,,\n\
        gone.jpg,x,,,\n\
        ../a.jpg,x,,,\n\
        a.jpg,x,,tomorrow,\n\
        ,x,,,\n\
        a.jpg,x,,,nonsense\n";
    let files = zip(&[
        ("a.jpg", person(1)),
        ("b.jpg", person(2)),
        ("sub/c.jpg", person(3)),
        ("unnamed.jpg", person(4)),
    ]);
    let form = archive(files).part("manifest", Part::text(manifest));
    let job = finished(&app, post(&app, &list, form).await).await;
    let fates: Vec<_> = rows(&app, &job)
        .await
        .into_iter()
        .map(|row| {
            (
                row["line"].clone(),
                row["external_id"].clone(),
                row["error"]["code"].clone(),
            )
        })
        .collect();
    let invalid = json!("invalid_row");
    assert_eq!(
        fates,
        [
            (json!(1), json!("one"), Value::Null),
            (json!(2), json!("one"), Value::Null),
            (json!(3), json!("sub"), Value::Null),
            (json!(4), json!("x"), json!("missing_file")),
            (json!(5), json!("x"), json!("unsafe_path")),
            (json!(6), json!("x"), invalid.clone()),
            (json!(7), Value::Null, invalid.clone()),
            (json!(8), Value::Null, invalid),
        ]
    );
    let path = format!("/v1/watchlists/{list}/subjects?external_id=one");
    let one = app.get(&path).await.expect(StatusCode::OK)["items"][0].clone();
    assert_eq!(one["display_name"], "Ann");
    assert_eq!(one["metadata"], json!({"case": 7}));
    assert_eq!(one["valid_until"], "2099-01-02T03:04:05Z");
    assert_eq!(one["faces"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_manifest_in_the_archive_counts_and_a_bad_one_is_refused_whole() {
    let app = App::start().await;
    let lines =
        "{\"file\": \"a.jpg\", \"external_id\": \"one\"}\n{\"file\": \"a.jpg\"}\n{\"file\": 3}\n";
    let files = zip(&[
        ("a.jpg", person(1)),
        ("manifest.ndjson", lines.as_bytes().to_vec()),
    ]);
    assert_eq!(
        fates(&app, archive(files)).await,
        ["a.jpg: succeeded", "a.jpg: succeeded", "-: invalid_row"]
    );
    let list = app.watchlist("other", "alert").await;
    let files = zip(&[("manifest.csv", b"name\nx\n".to_vec())]);
    let refused = post(&app, &list, archive(files)).await;
    refused.expect_problem(400, "validation_failed");
    assert_eq!(refused.faults(), ["manifest:invalid"]);
    let jobs = app.get(&format!("/v1/jobs?watchlist_id={list}")).await;
    assert_eq!(
        jobs.expect(StatusCode::OK)["items"],
        json!([]),
        "nothing is left of it"
    );
}

#[tokio::test]
async fn lines_of_json_are_enrolled_and_add_to_people_who_are_there() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let known = app.enrol(&list, "known", person(1)).await;
    let image = |number| STANDARD.encode(person(number));
    let lines = [
        json!({"external_id": "known", "image": image(2)}),
        json!({"external_id": "new", "display_name": "N", "metadata": {"k": 1}, "image": [image(3), image(4)]}),
        json!({"external_id": "new", "image": "not base64"}),
        json!({"image": [image(5), image(6)]}),
        json!({"image": image(7)}),
    ];
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let request = app
        .request(Method::POST, &format!("/v1/watchlists/{list}/imports"))
        .header(CONTENT_TYPE, "application/x-ndjson; charset=utf-8")
        .body(body);
    let job = finished(&app, Answer::of(request).await).await;
    assert_eq!([&job["done"], &job["failed"]], [&json!(6), &json!(2)]);
    let rows = rows(&app, &job).await;
    assert_eq!(rows[0]["subject_id"], json!(known));
    assert_eq!(rows[1]["subject_id"], rows[2]["subject_id"]);
    assert_eq!(rows[2]["line"], 2);
    assert_eq!(rows[3]["error"]["code"], "invalid_row");
    assert_eq!(rows[4]["error"]["code"], "invalid_row", "whose are they?");
    assert_eq!(rows[5]["state"], "succeeded");
    assert_eq!(rows[5]["external_id"], Value::Null);
    let path = format!("/v1/watchlists/{list}/subjects/{known}");
    let subject = app.get(&path).await.expect(StatusCode::OK);
    assert_eq!(subject["faces"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_whole_result_is_lines_of_json_without_pictures() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let files: Vec<_> = (0..1_203)
        .map(|number| (format!("p{number}.jpg"), person(number % 500)))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, image)| (name.as_str(), image.clone()))
        .collect();
    let job = finished(&app, post(&app, &list, archive(zip(&files))).await).await;
    assert_eq!([&job["total"], &job["failed"]], [&json!(1_203), &json!(0)]);
    let path = job["result"].as_str().unwrap();
    let answer = app.get(path).await;
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    let text = answer.expect(StatusCode::OK).as_str().unwrap().to_owned();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1_203, "it takes more than one reading");
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(line["number"], index + 1);
        let names: Vec<_> = line
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            names,
            [
                "duplicate_of",
                "error",
                "external_id",
                "face_id",
                "file",
                "line",
                "number",
                "state",
                "subject_id"
            ]
        );
    }
}

#[tokio::test]
async fn a_body_of_another_kind_and_a_form_without_an_archive_are_refused() {
    let app = App::start().await;
    let list = app.watchlist("l", "alert").await;
    let path = format!("/v1/watchlists/{list}/imports");
    app.post_json(&path, &json!({}))
        .await
        .expect_problem(415, "unsupported_media_type");
    let without = Form::new().text("manifest", "file\na.jpg\n");
    let refused = app.post_form(&path, without).await;
    refused.expect_problem(400, "missing_part");
    assert_eq!(refused.faults(), ["archive:required"]);
    let foreign = archive(zip(&[("a.jpg", person(1))])).text("kind", "block");
    app.post_form(&path, foreign)
        .await
        .expect_problem(400, "validation_failed");
    let nowhere = "/v1/watchlists/01990000-0000-7000-8000-000000000000/imports";
    app.post_form(nowhere, archive(zip(&[("a.jpg", person(1))])))
        .await
        .expect_problem(404, "not_found");
}

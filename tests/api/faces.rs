//! Faces in pictures: found, and compared with others.

use reqwest::StatusCode;
use reqwest::multipart::Part;
use serde_json::json;

use crate::app::{App, person, picture};

#[tokio::test]
async fn faces_are_found_and_compared_and_nothing_is_kept() {
    let app = App::start().await;
    let image = |bytes: Vec<u8>| reqwest::multipart::Form::new().part("image", Part::bytes(bytes));
    let two = picture(json!({"faces": [{"person": 1}, {"person": 2}]}));
    let found = app
        .post_form("/v1/faces/detect", image(two.clone()))
        .await
        .expect(StatusCode::OK);
    assert_eq!(found["faces"].as_array().unwrap().len(), 2);
    assert_eq!(found["faces"][0]["box"], json!([100.0, 50.0, 120.0, 150.0]));
    let none = app
        .post_form("/v1/faces/detect", image(picture(json!({}))))
        .await
        .expect(StatusCode::OK);
    assert_eq!(none["faces"], json!([]));

    let form = reqwest::multipart::Form::new()
        .part("source", Part::bytes(person(1)))
        .part("target", Part::bytes(two))
        .part("target", Part::bytes(person(3)));
    let compared = app
        .post_form("/v1/faces/compare", form)
        .await
        .expect(StatusCode::OK);
    let results: Vec<Vec<&str>> = compared["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| {
            target["faces"]
                .as_array()
                .unwrap()
                .iter()
                .map(|f| f["result"].as_str().unwrap())
                .collect()
        })
        .collect();
    assert_eq!(results, [vec!["pass", "fail"], vec!["fail"]]);
}

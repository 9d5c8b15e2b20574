//! Lists that are moved to another embedder while they are searched and filled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use likeness::domain::embedder::Embedder;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::app::{App, pair, person, picture, token};
use crate::embedders::{BEFORE as OTHER, service};
use crate::imports::{archive, finished, post, settled, zip};

/// People on the list; many more where the variable says so: `MODEL_CHANGE_FACES=3000`.
fn people() -> usize {
    let set = std::env::var("MODEL_CHANGE_FACES").ok();
    set.map_or(150, |faces| faces.parse().unwrap())
}

const PATIENCE: Duration = Duration::from_secs(300);
const SEARCHERS: usize = 3;

async fn list_that_keeps(app: &App, keep_images: bool) -> String {
    let new = json!({"name": "door", "kind": "block", "keep_images": keep_images});
    let made = app.post_json("/v1/watchlists", &new).await;
    let made = made.expect(StatusCode::CREATED);
    made["id"].as_str().unwrap().to_owned()
}

/// Enrols people by their numbers, each with the number as key.
async fn import(app: &App, list: &str, numbers: std::ops::Range<usize>) {
    let count = numbers.len();
    let files: Vec<(String, Vec<u8>)> = numbers
        .map(|number| (format!("{number}/face.jpg"), person(number)))
        .collect();
    let files: Vec<(&str, Vec<u8>)> = files
        .iter()
        .map(|(name, picture)| (name.as_str(), picture.clone()))
        .collect();
    let job = finished(app, post(app, list, archive(zip(&files))).await).await;
    assert_eq!((&job["done"], &job["failed"]), (&json!(count), &json!(0)));
}

async fn activate(app: &App, list: &str, model: &str, switch: &str) -> Answer {
    let body = json!({"watchlist_id": list, "switch": switch});
    app.post_json(&format!("/v1/models/{model}/activate"), &body)
        .await
}

async fn change(app: &App, list: &str) -> Value {
    let path = format!("/v1/watchlists/{list}/model_change");
    app.get(&path).await.expect(StatusCode::OK)
}

async fn step(app: &App, list: &str, step: &str) -> Answer {
    let path = format!("/v1/watchlists/{list}/model_change/{step}");
    Answer::of(app.request(Method::POST, &path)).await
}

async fn until(app: &App, list: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let change = change(app, list).await;
        if is_so(&change) {
            return change;
        }
        assert!(Instant::now() < deadline, "{change}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn search(app: &App, list: &str, number: usize) -> Value {
    let form = Form::new().part("image", Part::bytes(person(number)));
    let path = format!("/v1/watchlists/{list}/search");
    app.post_form(&path, form).await.expect(StatusCode::OK)
}

fn found(answer: &Value) -> Vec<(String, f64)> {
    let hits = answer["hits"].as_array().unwrap().iter();
    hits.map(|hit| {
        let key = hit["external_id"].as_str().unwrap().to_owned();
        (key, hit["similarity"].as_f64().unwrap())
    })
    .collect()
}

/// Searches a list for its people and for strangers, one after the other, and fails where an answer is not the right one.
struct Load {
    stop: Arc<AtomicBool>,
    answers: Arc<AtomicU64>,
    searchers: JoinSet<()>,
}

impl Load {
    fn on(app: &Arc<App>, list: &str, people: usize) -> Self {
        let (stop, answers) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let mut searchers = JoinSet::new();
        for searcher in 0..SEARCHERS {
            let (app, list) = (Arc::clone(app), list.to_owned());
            let (stop, answers) = (Arc::clone(&stop), Arc::clone(&answers));
            searchers.spawn(async move {
                let mut number = searcher;
                while !stop.load(Ordering::Relaxed) {
                    number = (number + 7) % people;
                    let answer = search(&app, &list, number).await;
                    let expected = vec![(number.to_string(), 1.0)];
                    assert_eq!(found(&answer), expected, "{answer}");
                    let stranger = search(&app, &list, 100_000 + number).await;
                    assert_eq!(found(&stranger), [], "{stranger}");
                    answers.fetch_add(2, Ordering::Relaxed);
                }
            });
        }
        Self {
            stop,
            answers,
            searchers,
        }
    }

    /// How many answers were right, which is all of them.
    async fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.searchers.join_all().await;
        self.answers.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_moved_under_load_and_back_without_a_wrong_answer() {
    let (app, _assets) = service(true).await;
    let (app, people) = (Arc::new(app), people());
    let list = list_that_keeps(&app, true).await;
    import(&app, &list, 0..people).await;
    let before = search(&app, &list, 3).await;
    assert_eq!(before["searched"]["embedder"], Embedder::default().id());
    let load = Load::on(&app, &list, people);

    let accepted = activate(&app, &list, OTHER.name(), "manual").await;
    let location = accepted.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(location, format!("/v1/watchlists/{list}/model_change"));
    let begun = accepted.expect(StatusCode::ACCEPTED);
    assert_eq!(begun["state"], "filling");
    assert_eq!(begun["from_embedder"], Embedder::default().id());
    assert_eq!(begun["to_embedder"], OTHER.id());
    // Who comes meanwhile gets templates of both.
    app.enrol(&list, &people.to_string(), person(people)).await;
    let ready = until(&app, &list, |change| change["state"] == "ready").await;
    let all = people + 1;
    assert_eq!(
        (&ready["faces"], &ready["filled"]),
        (&json!(all), &json!(all))
    );
    let job = settled(
        &app,
        &format!("/v1/jobs/{}", begun["job_id"].as_str().unwrap()),
    )
    .await;
    assert_eq!(
        (&job["state"], &job["kind"]),
        (&json!("succeeded"), &json!("model_change"))
    );
    assert_eq!((&job["done"], &job["failed"]), (&json!(all), &json!(0)));
    let shadowed = until(&app, &list, |change| change["searches"].as_u64() > Some(5)).await;
    assert_eq!(shadowed["searches"], shadowed["agreed"], "{shadowed}");

    let switched = step(&app, &list, "switch").await.expect(StatusCode::OK);
    assert_eq!(switched["state"], "switched");
    let after = search(&app, &list, 3).await;
    assert_eq!(after["searched"]["embedder"], OTHER.id());
    assert_eq!(found(&after), found(&before));
    app.enrol(&list, &all.to_string(), person(all)).await;

    let back = step(&app, &list, "roll_back").await.expect(StatusCode::OK);
    assert_eq!(back["state"], "rolled_back");
    let again = search(&app, &list, 3).await;
    assert_eq!(again["searched"]["embedder"], Embedder::default().id());
    assert_eq!(found(&again), found(&before));
    for number in [people, all] {
        assert_eq!(
            found(&search(&app, &list, number).await).len(),
            1,
            "{number}"
        );
    }

    // The second time the job switches it, and it stays.
    activate(&app, &list, OTHER.name(), "automatic")
        .await
        .expect(StatusCode::ACCEPTED);
    until(&app, &list, |change| change["state"] == "switched").await;
    let finished = step(&app, &list, "finish").await.expect(StatusCode::OK);
    assert_eq!(finished["state"], "finished");
    let late = step(&app, &list, "roll_back").await;
    late.expect_problem(409, "model_change_conflict");
    let kept = search(&app, &list, all).await;
    assert_eq!(kept["searched"]["embedder"], OTHER.id());
    assert_eq!(kept["searched"]["size"], all + 1);
    let answers = load.end().await;
    assert!(answers > 20, "{answers}");
    eprintln!("{people} faces moved three times; {answers} answers meanwhile, all of them right");
}

#[tokio::test]
async fn whose_picture_was_not_kept_is_named_and_enrolled_again() {
    let (app, _assets) = service(true).await;
    let list = list_that_keeps(&app, false).await;
    let old = app.enrol(&list, "old", person(1)).await;
    let keep = json!({"keep_images": true});
    app.patch(&format!("/v1/watchlists/{list}"), &keep)
        .await
        .expect(StatusCode::OK);
    app.enrol(&list, "new", person(2)).await;

    let begun = activate(&app, &list, OTHER.name(), "automatic")
        .await
        .expect(StatusCode::ACCEPTED);
    let job = settled(
        &app,
        &format!("/v1/jobs/{}", begun["job_id"].as_str().unwrap()),
    )
    .await;
    assert_eq!(
        (&job["state"], &job["failed"]),
        (&json!("failed"), &json!(1))
    );
    let waiting = change(&app, &list).await;
    assert_eq!(
        (&waiting["state"], &waiting["images_missing"]),
        (&json!("filling"), &json!(1))
    );
    let path = format!("/v1/watchlists/{list}/model_change/subjects_to_enrol");
    let named = app.get(&path).await.expect(StatusCode::OK);
    assert_eq!(named["items"].as_array().unwrap().len(), 1);
    assert_eq!(named["items"][0]["subject_id"], old.as_str());
    assert_eq!(named["items"][0]["external_id"], "old");
    step(&app, &list, "switch")
        .await
        .expect_problem(409, "templates_missing");
    let still = search(&app, &list, 1).await;
    assert_eq!(still["searched"]["embedder"], Embedder::default().id());

    let faces = format!("/v1/watchlists/{list}/subjects/{old}/faces");
    let form = Form::new().part("image", Part::bytes(person(1)));
    app.post_form(&faces, form)
        .await
        .expect(StatusCode::CREATED);
    let face = named["items"][0]["face_ids"][0].as_str().unwrap();
    let gone = app.delete(&format!("{faces}/{face}")).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    activate(&app, &list, OTHER.name(), "automatic")
        .await
        .expect(StatusCode::ACCEPTED);
    until(&app, &list, |change| change["state"] == "switched").await;
    for (number, key) in [(1, "old"), (2, "new")] {
        let answer = search(&app, &list, number).await;
        assert_eq!(answer["searched"]["embedder"], OTHER.id());
        assert_eq!(found(&answer), [(key.to_owned(), 1.0)]);
    }
}

#[tokio::test]
async fn a_check_of_several_lists_is_answered_while_one_of_them_is_in_another_embedder() {
    let (app, _assets) = service(true).await;
    let list = list_that_keeps(&app, true).await;
    app.enrol(&list, "jane", person(1)).await;
    activate(&app, &list, OTHER.name(), "automatic")
        .await
        .expect(StatusCode::ACCEPTED);
    until(&app, &list, |change| change["state"] == "switched").await;
    let other = app.watchlist("other", "alert").await;
    app.enrol(&other, "jane", person(1)).await;
    let checked = pair(person(1), person(1))
        .text("watchlist_ids", list.clone())
        .text("watchlist_ids", other);
    let checked = app
        .post_form("/v1/verifications", checked)
        .await
        .expect(StatusCode::CREATED);
    let check = &checked["checks"]["watchlist"];
    assert_eq!(check["hits"].as_array().unwrap().len(), 2, "{check}");
    assert_eq!(check["searched"][0]["embedder"], OTHER.id());
}

#[tokio::test]
async fn an_empty_list_is_moved_at_once_and_stays_so() {
    let (app, _assets) = service(true).await;
    let list = list_that_keeps(&app, false).await;
    let moved = activate(&app, &list, OTHER.name(), "automatic").await;
    let moved = moved.expect(StatusCode::ACCEPTED);
    assert_eq!(
        (&moved["state"], &moved["job_id"]),
        (&json!("finished"), &Value::Null)
    );
    app.enrol(&list, "jane", person(1)).await;
    assert_eq!(
        search(&app, &list, 1).await["searched"]["embedder"],
        OTHER.id()
    );
}

#[tokio::test]
async fn what_cannot_be_moved_is_refused_with_a_reason() {
    let (app, _assets) = service(true).await;
    let list = list_that_keeps(&app, true).await;
    app.enrol(&list, "jane", person(1)).await;
    let path = format!("/v1/watchlists/{list}/model_change");
    app.get(&path)
        .await
        .expect_problem(409, "model_change_conflict");
    step(&app, &list, "switch")
        .await
        .expect_problem(409, "model_change_conflict");
    for model in ["nobody", "sface", "..%2Ffused"] {
        let refused = activate(&app, &list, model, "manual").await;
        refused.expect_problem(404, "not_found");
    }
    let nowhere = "01990000-0000-7000-8000-000000000000";
    activate(&app, nowhere, OTHER.name(), "manual")
        .await
        .expect_problem(404, "not_found");
    let foreign = app
        .bare(
            Method::POST,
            &format!("/v1/models/{}/activate", OTHER.name()),
        )
        .bearer_auth(token("other", "admin"))
        .json(&json!({"watchlist_id": list}));
    Answer::of(foreign).await.expect_problem(404, "not_found");
    let forbidden = app
        .bare(Method::POST, &format!("{path}/finish"))
        .bearer_auth(token("acme", "watchlist:write"));
    Answer::of(forbidden).await.expect_problem(403, "forbidden");

    // Once it is there, it cannot be moved there again; and one change at a time.
    activate(&app, &list, OTHER.name(), "automatic")
        .await
        .expect(StatusCode::ACCEPTED);
    until(&app, &list, |change| change["state"] == "switched").await;
    let open = activate(&app, &list, OTHER.name(), "automatic").await;
    open.expect_problem(409, "model_change_conflict");
    step(&app, &list, "finish").await.expect(StatusCode::OK);
    let same = activate(&app, &list, OTHER.name(), "automatic").await;
    same.expect_problem(409, "model_change_conflict");
}

#[tokio::test]
async fn a_job_that_is_cancelled_ends_its_change() {
    let (app, _assets) = service(true).await;
    let list = list_that_keeps(&app, true).await;
    let slow = picture(json!({"faces": [{"person": 1}], "takes_ms": 3_000}));
    app.enrol(&list, "jane", slow).await;
    let begun = activate(&app, &list, OTHER.name(), "automatic").await;
    let begun = begun.expect(StatusCode::ACCEPTED);
    let job = format!("/v1/jobs/{}/cancel", begun["job_id"].as_str().unwrap());
    let cancelled = Answer::of(app.request(Method::POST, &job)).await;
    assert_eq!(cancelled.expect(StatusCode::OK)["state"], "cancelled");
    assert_eq!(change(&app, &list).await["state"], "cancelled");
    let events = app.get("/v1/audit_events?limit=1").await;
    let event = events.expect(StatusCode::OK)["items"][0].clone();
    assert_eq!(event["action"], "model_change.ended");
    assert_eq!(event["detail"]["state"], "cancelled");
    // Nothing of it is left, whatever the job was doing at that moment.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(change(&app, &list).await["state"], "cancelled");
    let answer = search(&app, &list, 1).await;
    assert_eq!(answer["searched"]["embedder"], Embedder::default().id());
}

#[tokio::test]
async fn a_move_that_is_asked_for_twice_under_one_key_is_one() {
    let (app, _assets) = service(true).await;
    let list = list_that_keeps(&app, true).await;
    app.enrol(&list, "jane", person(1)).await;
    let path = format!("/v1/models/{}/activate", OTHER.name());
    let body = json!({"watchlist_id": list, "switch": "manual"});
    let mut answers = Vec::new();
    for _ in 0..2 {
        let request = app.request(Method::POST, &path);
        let request = request.header("Idempotency-Key", "move-1").json(&body);
        answers.push(Answer::of(request).await.expect(StatusCode::ACCEPTED));
    }
    assert_eq!(answers[0], answers[1]);
}

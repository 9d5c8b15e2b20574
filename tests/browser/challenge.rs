//! The demo with a person before the camera who follows the challenge. The models are the real ones.

use serde_json::json;

use crate::film::follow;
use crate::{World, fixture};

/// A machine that is busy with other things may break a challenge off.
const TRIES: u32 = 3;

#[tokio::test]
async fn a_person_who_follows_the_challenge_is_verified_by_it() {
    let Some(world) = World::start().await else {
        return;
    };
    let browser = &world.browser;
    world.open("/demo").await;
    world.sign_in().await;
    follow(browser, &world.service, "astronaut.jpg").await;
    pass(&world).await;
    best_picture(&world).await;

    let document = fixture("document_astronaut.jpg");
    browser
        .write(".drop input", document.to_str().unwrap())
        .await;
    browser.press("#check").await;
    browser.wait_for("document.querySelector('#verdict')").await;
    let text = browser.text("[data-check=liveness]").await;
    assert!(text.contains("followed a challenge"), "{text}");
    browser
        .wait_for("document.querySelectorAll('.pair canvas[role=img]').length === 2")
        .await;
    browser.picture("demo-challenge-answer").await;

    let listed = world.service.get("/v1/verifications").await;
    let liveness = &listed["items"][0]["checks"]["liveness"];
    assert_eq!(liveness["method"], "challenge");
    let session = liveness["liveness_session_id"].as_str().unwrap();
    let session = world
        .service
        .get(&format!("/v1/liveness_sessions/{session}"))
        .await;
    assert_eq!(session["state"], "used");
    browser.expect_calm().await;
}

/// Takes the challenge until it is passed.
async fn pass(world: &World) {
    let browser = &world.browser;
    for number in 1..=TRIES {
        browser
            .run("window.mayMove = false; window.best = []", json!([]))
            .await;
        browser.press("#start-challenge").await;
        let asked = "document.querySelector('.dots li[aria-current]')";
        browser.wait_for(asked).await;
        assert_eq!(
            browser.value("document.activeElement.id").await,
            json!("stop")
        );
        if number == 1 {
            browser.expect_usable().await;
            browser.picture("demo-challenge-asked").await;
        }
        browser.run("window.mayMove = true", json!([])).await;
        let over = "document.querySelector('#document-report .note.good, #face-report .note.bad')";
        browser.wait_for(over).await;
        let told = browser.text("#document-report, #face-report").await;
        if told.contains("You passed the challenge") {
            return;
        }
        eprintln!("try {number}: {told}");
    }
    panic!("the challenge was not passed in {TRIES} tries");
}

/// The page shows the picture that the service took, which is a later one than the first.
async fn best_picture(world: &World) {
    let browser = &world.browser;
    browser
        .wait_for("document.querySelector('#document-report img')?.naturalWidth > 0")
        .await;
    browser.picture("demo-challenge-passed").await;
    let same = "const bytes = async (blob) => new Uint8Array(await blob.arrayBuffer()).join();
        return Promise.all([window.best.at(-1), window.shown].map(bytes)).then(([best, shown]) => [best === shown, window.best.length])";
    let found = browser.run(same, json!([])).await;
    assert_eq!(found[0], json!(true));
    assert!(found[1].as_u64() > Some(1), "{found}");
}

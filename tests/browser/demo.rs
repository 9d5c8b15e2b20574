//! The demo, to its end.

use serde_json::json;

use crate::{World, fixture};

#[tokio::test]
async fn a_person_goes_from_the_token_to_an_answer_that_explains_itself() {
    let Some(world) = World::start().await else {
        return;
    };
    let browser = &world.browser;
    world.open("/demo").await;
    refused_tokens(&world).await;
    world.sign_in().await;
    assert!(browser.text("#who").await.contains("acme · clerk-7"));
    browser.expect_usable().await;
    challenge(&world).await;

    browser.press("#just-photograph").await;
    browser.wait_for("document.querySelector('video')?.videoWidth > 0 && !document.querySelector('.stage ~ .row .main').disabled").await;
    browser.picture("demo-photograph").await;
    browser.press(".stage ~ .row .main").await;
    browser.press("#use-face").await;
    browser.press("#check").await;
    browser
        .wait_for(
            "document.querySelector('#document-report')?.innerText.includes('document is missing')",
        )
        .await;
    let document = fixture("document_obama.jpg");
    browser
        .write(".drop input", document.to_str().unwrap())
        .await;
    browser.expect_usable().await;
    browser.picture("demo-document").await;
    browser.press("#check").await;
    browser.wait_for("document.querySelector('#verdict')").await;

    answer(&world).await;
    browser.expect_calm().await;
}

/// What is no token is told so, and what the service refuses is, too.
async fn refused_tokens(world: &World) {
    let browser = &world.browser;
    browser.write("textarea", "not-a-token").await;
    browser.press("form button.main").await;
    browser
        .wait_for("document.querySelector('.note.bad')?.innerText.includes('not a token')")
        .await;
    // Somebody else's signature.
    browser
        .run(
            "document.querySelector('textarea').value = arguments[0]",
            json!(["e30.eyJzdWIiOiJ4In0.AAAA"]),
        )
        .await;
    browser.press("form button.main").await;
    browser
        .wait_for("document.querySelector('.note.bad')?.innerText.includes('unauthenticated')")
        .await;
    browser.picture("demo-refused").await;
    let kept = browser
        .value("sessionStorage.length + localStorage.length")
        .await;
    assert_eq!(kept, json!(0), "a refused token is not kept");
    browser
        .run("document.querySelector('textarea').value = ''", json!([]))
        .await;
}

/// A photograph before the camera does not pass, and the page says why.
async fn challenge(world: &World) {
    let browser = &world.browser;
    browser.press("#start-challenge").await;
    browser
        .wait_for("document.querySelector('#face-report .note') && document.querySelector('#start-challenge')?.getClientRects().length")
        .await;
    browser.picture("demo-challenge").await;
    let told = browser.text("#face-report").await;
    let reasons = browser
        .value("document.querySelectorAll('#face-report p').length")
        .await;
    assert!(
        told.contains("was not passed") && reasons.as_u64() >= Some(1),
        "{told}"
    );
}

async fn answer(world: &World) {
    let browser = &world.browser;
    let decision = browser
        .value("document.querySelector('#verdict').dataset.decision")
        .await;
    assert_eq!(decision, json!("approved"));
    browser
        .wait_for("document.querySelectorAll('.pair canvas[role=img]').length === 2 && document.querySelectorAll('.chart .curve').length === 3")
        .await;
    own_curve(world).await;
    // Both faces were cut out of the pictures: something other than one colour is there.
    let cut = browser
        .value("[...document.querySelectorAll('.pair canvas')].map((canvas) => new Set(canvas.getContext('2d').getImageData(100, 100, 120, 120).data).size > 60)")
        .await;
    assert_eq!(cut, json!([true, true]));
    let checks = browser
        .value("[...document.querySelectorAll('[data-check]')].map((row) => row.dataset.check)")
        .await;
    assert_eq!(
        checks,
        json!(["face_match", "liveness", "quality", "document", "watchlist"])
    );
    let text = browser.text("main").await;
    for told in [
        "VALE",
        "ADRIAN THEO",
        "UX4821937",
        "P<UTOVALE<<ADRIAN",
        "Holds",
        "Where the time went",
        "specimen",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    browser.expect_usable().await;
    for (width, scheme) in [
        (1200, "light"),
        (1200, "dark"),
        (360, "light"),
        (360, "dark"),
    ] {
        browser.look(width, scheme).await;
        browser.wait_for("document.querySelector('.chart')?.getBoundingClientRect().width <= document.querySelector('main').clientWidth").await;
        browser
            .picture(&format!("demo-answer-{width}-{scheme}"))
            .await;
    }
    let listed = world.service.get("/v1/verifications").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

/// The figure tells, to the eye and to the ear, where pictures of one person lie, and not only strangers.
async fn own_curve(world: &World) {
    let browser = &world.browser;
    let drawn = browser
        .value("(({ top, bottom, left, right }) => [right - left > 100, bottom - top > 20])(document.querySelector('.chart .curve.genuine').getBoundingClientRect())")
        .await;
    assert_eq!(drawn, json!([true, true]));
    let told = browser
        .value("document.querySelector('.chart').getAttribute('aria-label')")
        .await;
    let told = told.as_str().unwrap();
    for part in ["Two strangers", "pictures of the same person"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let keys = browser.text(".key").await;
    assert!(
        keys.contains("strangers:") && keys.contains("the same person:"),
        "{keys}"
    );
}

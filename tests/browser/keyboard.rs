//! The demo without a mouse: by Tab, Enter and Space only.

use serde_json::json;

use crate::driver::{Browser, ENTER, SPACE};
use crate::{World, service};

/// What has the focus is a button that takes the picture.
const MAY_SHOOT: &str = "document.activeElement.matches('.stage ~ .row .main:enabled')";

/// The answer to the start of a challenge begins to arrive, and does not end.
const STALL_ANSWER: &str = "const real = window.fetch;
    window.fetch = async (path, options) => {
        const answer = await real(path, options);
        if (!path.endsWith('liveness_sessions')) return answer;
        window.fetch = real;
        window.stalls = true;
        const { signal } = options;
        const broken = (body) => signal.addEventListener('abort', () => body.error(signal.reason));
        return new Response(new ReadableStream({ start: broken }), answer);
    }";

/// The person has not said yet whether the camera may be used.
const STALL_CAMERA: &str = "const devices = navigator.mediaDevices;
    const real = devices.getUserMedia;
    devices.getUserMedia = () => {
        devices.getUserMedia = real;
        window.stalls = true;
        return new Promise(() => {});
    }";

/// Starts the challenge, and stops it while something does not come to its end.
async fn stop_amid(browser: &Browser, stall: &str) {
    browser.run("window.stalls = false", json!([])).await;
    browser.run(stall, json!([])).await;
    browser.tab_to("#start-challenge").await;
    browser.type_keys(ENTER).await;
    let is_amid = "window.stalls && document.activeElement.id === 'stop'";
    browser.wait_for(is_amid).await;
    browser.type_keys(SPACE).await;
    let stopped = "document.querySelector('#face-report')?.innerText.includes('was stopped')";
    browser.wait_for(stopped).await;
    browser
        .wait_for("document.activeElement.id === 'start-challenge'")
        .await;
}

#[tokio::test]
async fn the_demo_can_be_gone_through_by_tab_enter_and_space() {
    let Some(world) = World::start().await else {
        return;
    };
    let browser = &world.browser;
    world.open("/demo").await;
    browser.tab_to("textarea").await;
    browser.type_keys(&service::token()).await;
    browser.tab_to("form button.main").await;
    browser.type_keys(ENTER).await;

    stop_amid(browser, STALL_ANSWER).await;
    stop_amid(browser, STALL_CAMERA).await;

    browser.tab_to("#just-photograph").await;
    browser.type_keys(SPACE).await;
    browser.wait_for(MAY_SHOOT).await;
    browser.expect_usable().await;
    browser.type_keys(ENTER).await;
    browser.tab_to("#use-face").await;
    browser.type_keys(ENTER).await;

    browser.tab_to(".drop input").await;
    browser.tab_to("#photograph-document").await;
    browser.type_keys(SPACE).await;
    browser.wait_for(MAY_SHOOT).await;
    browser.type_keys(SPACE).await;
    browser
        .wait_for("document.activeElement.id === 'check'")
        .await;
    browser.type_keys(ENTER).await;
    browser
        .wait_for("document.activeElement.id === 'verdict'")
        .await;
    let decision = browser
        .value("document.activeElement.dataset.decision")
        .await;
    assert_eq!(decision, json!("approved"));
    browser.expect_calm().await;
}

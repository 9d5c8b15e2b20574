//! The demo without a mouse: by Tab, Enter and Space only.

use serde_json::json;

use crate::driver::{ENTER, SPACE};
use crate::{World, service};

/// What has the focus is a button that takes the picture.
const MAY_SHOOT: &str = "document.activeElement.matches('.stage ~ .row .main:enabled')";

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

    browser.tab_to("#start-challenge").await;
    browser.type_keys(ENTER).await;
    browser
        .wait_for("document.activeElement.id === 'stop'")
        .await;
    browser.type_keys(SPACE).await;
    let stopped = "document.querySelector('#face-report')?.innerText.includes('was stopped')";
    browser.wait_for(stopped).await;
    browser
        .wait_for("document.activeElement.id === 'start-challenge'")
        .await;

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

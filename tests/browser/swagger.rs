//! The API's description, tried out as the README says.

use serde_json::json;

use crate::{World, fixture, service};

const OPERATION: &str = "#operations-verifications-create_verification";

#[tokio::test]
async fn two_files_are_checked_from_the_description_of_the_api() {
    let Some(world) = World::start().await else {
        return;
    };
    let browser = &world.browser;
    world.open("/docs/").await;
    browser.press(".auth-wrapper .authorize").await;
    browser
        .write(".auth-container input", &service::token())
        .await;
    browser.press(".auth-btn-wrapper .authorize").await;
    browser.press(".auth-btn-wrapper .btn-done").await;

    browser
        .press(&format!("{OPERATION} .opblock-summary-control"))
        .await;
    browser.press(&format!("{OPERATION} .try-out__btn")).await;
    choose_form(&world).await;
    for (part, name) in [("selfie", "obama.jpg"), ("document", "document_obama.jpg")] {
        let input = format!("{OPERATION} tr[data-property-name={part:?}] input[type=file]");
        let file = fixture(name);
        browser.write(&input, file.to_str().unwrap()).await;
    }
    browser.press(&format!("{OPERATION} .execute")).await;
    let status = format!(
        "document.querySelector('{OPERATION} .live-responses-table tbody .response-col_status')?.innerText"
    );
    browser.wait_for(&format!("{status}?.trim()")).await;
    browser.picture("swagger").await;
    let told = browser
        .text(&format!("{OPERATION} .live-responses-table"))
        .await;
    assert_eq!(
        browser.value(&format!("{status}.trim().slice(0, 3)")).await,
        json!("201"),
        "{told}"
    );
    let listed = world.service.get("/v1/verifications").await;
    let listed = listed["items"].as_array().unwrap();
    assert_eq!(listed.len(), 1);
    let (id, similarity) = (
        &listed[0]["id"],
        &listed[0]["checks"]["face_match"]["similarity"],
    );
    assert!(told.contains(id.as_str().unwrap()), "{told}");
    assert!(similarity.as_f64().unwrap() > 0.6, "{listed:?}");
    browser.expect_calm().await;
}

/// Of the two ways to send pictures, the one with files.
async fn choose_form(world: &World) {
    let select = format!("{OPERATION} .opblock-section-request-body select");
    world
        .browser
        .wait_for(&format!("document.querySelector({select:?})"))
        .await;
    world.browser.write(&select, "multipart/form-data").await;
}

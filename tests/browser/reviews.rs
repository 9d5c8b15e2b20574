//! The console's lists: filtering them, going on in them, and erasing.

use std::fs;
use std::io::Cursor;

use image::ImageFormat;
use image::imageops::FilterType;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use crate::{World, fixture};

const ROWS: &str = "document.querySelectorAll('#verifications tbody tr').length";

#[tokio::test]
async fn a_reviewer_filters_reads_why_and_erases() {
    let Some(world) = World::start().await else {
        return;
    };
    let browser = &world.browser;
    check(&world, "good", fs::read(fixture("obama.jpg")).unwrap()).await;
    check(&world, "small", small("obama.jpg")).await;
    world.open("/console").await;
    world.sign_in().await;
    for (queue, count) in [
        ("approved", 1),
        ("", 2),
        ("declined", 0),
        ("review", 1),
        ("reviewed", 0),
        ("waiting", 1),
    ] {
        browser
            .press(&format!("#queue option[value={queue:?}]"))
            .await;
        browser.wait_for(&format!("{ROWS} === {count}")).await;
    }
    browser.press("#verifications a.open").await;
    browser.wait_for("document.querySelector('#decide')").await;
    assert_eq!(browser.text("h1").await, "small");
    let why = browser.text("[data-check=quality] .why").await;
    assert!(
        why.contains("The face: the distance between the eyes is")
            && why.contains("it takes at least 40 pixels")
            && !why.contains("The portrait:"),
        "{why}"
    );
    browser.picture("console-quality").await;

    browser.press("#erase").await;
    browser.press("dialog button:not(.danger)").await;
    browser.press("#erase").await;
    browser.press("dialog button.danger").await;
    browser.wait_for(&format!("{ROWS} === 0")).await;
    browser.press("#queue option[value='']").await;
    browser.wait_for(&format!("{ROWS} === 1")).await;
    let left = world.service.get("/v1/verifications").await;
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
    assert_eq!(left["items"][0]["external_id"], "good");
    browser.expect_calm().await;
}

#[tokio::test]
async fn a_long_list_goes_on_where_more_is_asked_for() {
    let Some(world) = World::start().await else {
        return;
    };
    let browser = &world.browser;
    for number in 0..53 {
        world.service.make_list(&format!("list {number}")).await;
    }
    world.open("/console").await;
    world.sign_in().await;
    browser.press("[data-view=watchlists]").await;
    let rows = |count: u32| {
        format!("document.querySelectorAll('#watchlists tbody tr').length === {count}")
    };
    browser.wait_for(&rows(50)).await;
    browser.press("#watchlists + button").await;
    browser.wait_for(&rows(53)).await;
    browser
        .wait_for("document.querySelector('#watchlists + button').hidden")
        .await;
    let names = "new Set([...document.querySelectorAll('#watchlists a.open')].map((link) => link.innerText)).size";
    assert_eq!(browser.value(names).await, json!(53));
    browser.expect_calm().await;
}

async fn check(world: &World, key: &str, selfie: Vec<u8>) {
    let document = fs::read(fixture("document_obama.jpg")).unwrap();
    let form = Form::new()
        .part("selfie", Part::bytes(selfie))
        .part("document", Part::bytes(document))
        .text("external_id", key.to_owned());
    world.service.verify(form).await;
}

/// A picture of whose face too little is left.
fn small(name: &str) -> Vec<u8> {
    let picture = image::open(fixture(name)).unwrap();
    let (width, height) = (picture.width() / 3, picture.height() / 3);
    let mut encoded = Cursor::new(Vec::new());
    picture
        .resize(width, height, FilterType::Triangle)
        .write_to(&mut encoded, ImageFormat::Jpeg)
        .unwrap();
    encoded.into_inner()
}

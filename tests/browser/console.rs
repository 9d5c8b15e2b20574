//! The console: filling a list, and deciding about somebody whom it found.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use crate::{Browser, World, fixture};

#[tokio::test]
async fn a_reviewer_fills_a_list_and_decides_about_whom_it_finds() {
    let Some(world) = World::start().await else {
        return;
    };
    let browser = &world.browser;
    world.open("/console").await;
    world.sign_in().await;
    browser
        .wait_for("document.querySelector('main').innerText.includes('There is nothing here')")
        .await;
    let list = make_list(&world).await;
    enrol(&world, &list).await;
    search(&world).await;
    change_list(&world, &list).await;
    change_person(&world, &list).await;
    let id = doubtful(&world, &list).await;
    review(&world, &id).await;
    take_off(&world, &list).await;
    browser.expect_calm().await;
}

/// Makes a list, whose name must stay text, and opens it.
async fn make_list(world: &World) -> String {
    let browser = &world.browser;
    browser.press("[data-view=watchlists]").await;
    browser
        .write("#list-name", "<img src=x onerror=alert(1)>")
        .await;
    browser.press("form button.main").await;
    browser.press("#watchlists a.open").await;
    browser.wait_for("document.querySelector('#enrol')").await;
    assert_eq!(browser.text("h1").await, "<img src=x onerror=alert(1)>");
    let lists = world.service.get("/v1/watchlists").await;
    lists["items"][0]["id"].as_str().unwrap().to_owned()
}

/// Two files through the input, of which one has no face, and one that is dropped.
async fn enrol(world: &World, list: &str) {
    let browser = &world.browser;
    let files = ["obama2.jpg", "no_face.jpg"].map(|name| fixture(name).display().to_string());
    browser.write(".drop input", &files.join("\n")).await;
    let states = "[...document.querySelectorAll('#enrolled li')].map((item) => item.dataset.state)";
    browser
        .wait_for(&format!("{states}.join() === 'added,refused'"))
        .await;
    assert!(browser.text("#enrolled").await.contains("No face"));
    drop_on(
        &world.browser,
        ".drop",
        "astronaut.jpg",
        "eileen_collins.jpg",
    )
    .await;
    browser
        .wait_for(&format!("{states}.join() === 'added,added,refused'"))
        .await;
    browser
        .wait_for("document.querySelectorAll('#subjects tbody tr').length === 2")
        .await;
    browser.picture("console-enrolment").await;
    let people = world
        .service
        .get(&format!("/v1/watchlists/{list}/subjects"))
        .await;
    let names: Vec<_> = people["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|person| person["display_name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["eileen collins", "obama2"]);
}

/// Drops a picture under a name, as a mouse does.
async fn drop_on(browser: &Browser, css: &str, picture: &str, name: &str) {
    let dropped = STANDARD.encode(fs::read(fixture(picture)).unwrap());
    browser.run("const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
        const carried = new DataTransfer();
        carried.items.add(new File([bytes], arguments[2], { type: 'image/jpeg' }));
        document.querySelector(arguments[1]).dispatchEvent(new DragEvent('drop', { dataTransfer: carried, bubbles: true, cancelable: true }));",
        json!([dropped, css, name])).await;
}

async fn search(world: &World) {
    let browser = &world.browser;
    browser.run("window.searchZone = document.querySelector('[aria-labelledby=search]'); window.searchZone.querySelector('input').id = 'search-file'", json!([])).await;
    let probe = fixture("obama.jpg");
    browser.write("#search-file", probe.to_str().unwrap()).await;
    browser
        .wait_for("window.searchZone.querySelector('table')")
        .await;
    let found = browser
        .value("window.searchZone.querySelector('tbody').innerText")
        .await;
    let found = found.as_str().unwrap();
    assert!(
        found.contains("obama2") && found.contains("Hit") && !found.contains("eileen"),
        "{found}"
    );
    browser.expect_usable().await;
    for scheme in ["light", "dark"] {
        browser.look(360, scheme).await;
        browser.picture(&format!("console-list-360-{scheme}")).await;
    }
    browser.look(1200, "light").await;
}

/// Every rule of the list, one by one of them anew.
async fn change_list(world: &World, list: &str) {
    let browser = &world.browser;
    browser.press("#list-rules summary").await;
    browser.expect_usable().await;
    browser.empty("#list-name").await;
    browser.write("#list-name", "Wanted <b>people</b>").await;
    browser.write("#list-kind", "Block").await;
    browser.empty("#list-rate").await;
    browser.write("#list-rate", "0.02").await;
    browser.write("#list-duplicate", "Refuse").await;
    browser.press("#change-list").await;
    browser
        .wait_for("document.querySelector('main .note.good')?.innerText.includes('is changed')")
        .await;
    assert_eq!(browser.text("h1").await, "Wanted <b>people</b>");
    let kept = world.service.get(&format!("/v1/watchlists/{list}")).await;
    for (field, value) in [
        ("name", json!("Wanted <b>people</b>")),
        ("kind", json!("block")),
        ("target_fpir", json!(0.02)),
        ("on_duplicate", json!("reject")),
    ] {
        assert_eq!(kept[field], value, "{field}");
    }
    // One of them alone, and the others stay.
    browser.press("#list-rules summary").await;
    browser.write("#list-kind", "Alert").await;
    browser.press("#change-list").await;
    browser
        .wait_for("document.querySelector('h1 + .badge')?.innerText === 'Alert'")
        .await;
    let kept = world.service.get(&format!("/v1/watchlists/{list}")).await;
    assert_eq!(
        (&kept["kind"], &kept["on_duplicate"]),
        (&json!("alert"), &json!("reject"))
    );
}

/// A person gets another name, an end and two further faces: one in their own window, one that is dropped on them.
async fn change_person(world: &World, list: &str) {
    let browser = &world.browser;
    let row = "#subjects tbody tr:nth-child(2)";
    let faces = |count: u32| {
        format!("document.querySelector('{row} [data-label=Faces]')?.innerText.endsWith('{count}')")
    };
    browser.wait_for(&faces(1)).await;
    browser.press(&format!("{row} .change")).await;
    browser.empty("#person-name").await;
    browser.write("#person-name", "barack").await;
    browser
        .run(
            "document.querySelector('#person-until').value = '2091-02-03T04:05'",
            json!([]),
        )
        .await;
    let file = fixture("obama.jpg");
    browser
        .write("dialog .drop input", file.to_str().unwrap())
        .await;
    browser
        .wait_for("document.querySelector('dialog .note.good')")
        .await;
    browser.expect_usable().await;
    browser.picture("console-person").await;
    browser.press("#keep-person").await;
    let named = format!("document.querySelector('{row}')?.innerText.includes('barack')");
    browser.wait_for(&named).await;
    browser.wait_for(&faces(2)).await;
    drop_on(browser, row, "obama2.jpg", "again.jpg").await;
    browser.wait_for(&faces(3)).await;
    // Of somebody else the list takes no face: they are on it already.
    drop_on(browser, row, "astronaut.jpg", "other.jpg").await;
    let refused = "document.querySelector('[aria-labelledby=people] .note.bad')";
    browser.wait_for(refused).await;
    let path = format!("/v1/watchlists/{list}/subjects?display_name=barack");
    let person = &world.service.get(&path).await["items"][0];
    assert_eq!(person["faces"].as_array().unwrap().len(), 3);
    let until = person["valid_until"].as_str().unwrap();
    // The field speaks the time of the place, and the service UTC.
    assert!(until.starts_with("2091-02-0"), "{until}");
}

/// A check that the list sends to a human.
async fn doubtful(world: &World, list: &str) -> String {
    let file = |name: &str| Part::bytes(fs::read(fixture(name)).unwrap());
    let form = Form::new()
        .part("selfie", file("obama.jpg"))
        .part("document", file("document_obama.jpg"))
        .text("watchlist_ids", list.to_owned())
        .text("external_id", "applicant-0815");
    let made = world.service.verify(form).await;
    assert_eq!(made["decision"], "review");
    made["id"].as_str().unwrap().to_owned()
}

async fn review(world: &World, id: &str) {
    let browser = &world.browser;
    browser.press("[data-view=verifications]").await;
    browser
        .wait_for("document.querySelectorAll('#verifications tbody tr').length === 1")
        .await;
    browser.write("#key", "nobody").await;
    browser.press("[role=search] button").await;
    browser
        .wait_for("document.querySelectorAll('#verifications tbody tr').length === 0")
        .await;
    browser
        .run(
            "document.querySelector('#key').value = 'applicant-0815'",
            json!([]),
        )
        .await;
    browser.press("[role=search] button").await;
    browser
        .wait_for("document.querySelectorAll('#verifications tbody tr').length === 1")
        .await;
    browser.expect_usable().await;
    for (width, scheme) in [(360, "light"), (1200, "dark"), (1200, "light")] {
        browser.look(width, scheme).await;
        browser
            .picture(&format!("console-reviews-{width}-{scheme}"))
            .await;
    }
    browser.press("#verifications a.open").await;
    browser.wait_for("document.querySelector('#decide')").await;
    let text = browser.text("main").await;
    assert!(
        text.contains("people to look out for") && text.contains("barack"),
        "{text}"
    );
    // Lists are told by their names.
    let hit = browser.text("[aria-labelledby=hits] tbody").await;
    assert!(hit.contains("Wanted <b>people</b>"), "{hit}");
    browser.press("input[value=declined]").await;
    browser
        .write("#note", "Not the person: <b>seen</b> at the desk.")
        .await;
    browser.press("#decide").await;
    browser.wait_for("document.querySelector('#reviews')").await;
    browser.expect_usable().await;
    browser.picture("console-decided").await;
    let kept = world.service.get(&format!("/v1/verifications/{id}")).await;
    assert_eq!(kept["final_decision"], "declined");
    assert_eq!(
        kept["reviews"][0]["note"],
        "Not the person: <b>seen</b> at the desk."
    );
    assert_eq!(kept["reviews"][0]["reviewer"], "clerk-7");
    // A second thought corrects the first.
    browser.press("input[value=approved]").await;
    browser.press("#decide").await;
    browser
        .wait_for("document.querySelectorAll('[aria-labelledby=reviews] li').length === 2")
        .await;
    let kept = world.service.get(&format!("/v1/verifications/{id}")).await;
    assert_eq!(kept["final_decision"], "approved");
}

/// A person is taken off the list, and then the list is deleted, each after a question.
async fn take_off(world: &World, list: &str) {
    let browser = &world.browser;
    browser.press("[data-view=watchlists]").await;
    browser.press("#watchlists a.open").await;
    browser.press("#subjects tbody .off").await;
    browser.press("dialog button:not(.danger)").await;
    browser.press("#subjects tbody .off").await;
    browser.press("dialog button.danger").await;
    browser
        .wait_for("document.querySelectorAll('#subjects tbody tr').length === 1")
        .await;
    let people = world
        .service
        .get(&format!("/v1/watchlists/{list}/subjects"))
        .await;
    assert_eq!(people["items"].as_array().unwrap().len(), 1);
    browser.press("#delete-list").await;
    browser.press("dialog button.danger").await;
    browser.wait_for("document.querySelector('#make')").await;
    let lists = world.service.get("/v1/watchlists").await;
    assert_eq!(lists["items"], json!([]));
}

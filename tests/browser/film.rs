//! Somebody before the camera who does what the page asks for: a photograph, bent over a model of a head.

use std::fs;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use likeness::domain::face::{FivePoints, Point};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::head::{Head, Posture, STRAIGHT};
use crate::service::Service;
use crate::{Browser, fixture};

const SIDE: u32 = 480;
/// From the front to the farthest point.
const WAY: [f64; 4] = [0.3, 0.55, 0.8, 1.0];

/// Has the browser's camera show the person of a photograph, who waits until `window.mayMove` holds.
pub async fn follow(browser: &Browser, service: &Service, name: &str) {
    let head = head(service, name).await;
    let film = tokio::task::spawn_blocking(move || film(&head));
    let film = film.await.unwrap();
    browser.run(include_str!("follow.js"), json!([film])).await;
}

async fn head(service: &Service, name: &str) -> Head {
    let encoded = fs::read(fixture(name)).unwrap();
    let photograph = image::load_from_memory(&encoded).unwrap().into_rgb8();
    let form = Form::new().part("image", Part::bytes(encoded));
    let found = service.post("/v1/faces/detect", form).await;
    let marks = &found["faces"][0]["landmarks"];
    let point = |name: &str| {
        let [x, y] = [0, 1].map(|axis| marks[name][axis].as_f64().unwrap() as f32);
        Point { x, y }
    };
    let points = FivePoints {
        left_eye: point("left_eye"),
        right_eye: point("right_eye"),
        nose: point("nose"),
        left_mouth: point("left_mouth"),
        right_mouth: point("right_mouth"),
    };
    Head::new(photograph, &points)
}

/// How a head stands at a share of the way to what is asked for.
type Move = fn(f64) -> Posture;

/// Pictures by what the page says.
fn film(head: &Head) -> Value {
    let actions: [(&str, Move); 5] = [
        ("Turn your head to your left", |share| Posture {
            yaw: -42.0 * share,
            ..STRAIGHT
        }),
        ("Turn your head to your right", |share| Posture {
            yaw: 42.0 * share,
            ..STRAIGHT
        }),
        ("Look up", |share| Posture {
            pitch: 34.0 * share,
            ..STRAIGHT
        }),
        ("Come closer", |share| Posture {
            scale: 1.0 + 0.55 * share,
            ..STRAIGHT
        }),
        ("Close your eyes for a moment", |_| Posture {
            eyes_closed: true,
            ..STRAIGHT
        }),
    ];
    let ways = thread::scope(|scope| {
        let shoot = |(text, posture): (&'static str, Move)| {
            scope.spawn(move || (text, WAY.map(|share| picture(head, &posture(share)))))
        };
        let at_work: Vec<_> = actions.into_iter().map(shoot).collect();
        let done = at_work.into_iter().map(|work| work.join().unwrap());
        done.map(|(text, pictures)| (text.to_owned(), json!(pictures)))
            .collect::<serde_json::Map<_, _>>()
    });
    json!({"side": SIDE, "front": picture(head, &STRAIGHT), "ways": ways})
}

fn picture(head: &Head, posture: &Posture) -> String {
    let mut encoded = Vec::new();
    JpegEncoder::new_with_quality(&mut encoded, 92)
        .encode_image(&head.render(posture, (SIDE, SIDE)))
        .unwrap();
    STANDARD.encode(encoded)
}

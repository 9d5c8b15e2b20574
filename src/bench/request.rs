//! Whole requests: the real service, the real models, a picture over HTTP.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{RgbImage, imageops};
use reqwest::multipart::{Form, Part};
use secrecy::SecretString;

use super::report::Latency;
use super::service::Service;
use crate::config::Config;
use crate::domain::ids::{TenantId, WatchlistId};

const WIDTH: u32 = 1920;
const HEIGHT: u32 = 1080;
const JPEG_QUALITY: u8 = 90;
const WARM_UP: usize = 20;
const REQUESTS: usize = 300;

/// What is sent to the service.
#[derive(Debug, Clone)]
pub struct RequestOptions {
    /// Of the service, all that `Service::start` does not set itself.
    config: Config,
    picture: Vec<u8>,
}

impl RequestOptions {
    /// Brings a picture to the size of a camera's.
    ///
    /// # Errors
    /// Where the picture cannot be read.
    pub fn new(config: Config, image: &Path) -> anyhow::Result<Self> {
        let encoded =
            fs::read(image).with_context(|| format!("cannot read {}", image.display()))?;
        Ok(Self {
            config,
            picture: camera_picture(&encoded)?,
        })
    }

    /// Times requests of one client, one after the other, against a service over the database.
    pub(super) async fn measure(
        &self,
        database: &SecretString,
        tenant: &TenantId,
        list: WatchlistId,
    ) -> anyhow::Result<Latency> {
        let service = Service::start(&self.config, database, tenant).await?;
        let url = service.url(&format!("/v1/watchlists/{list}/search"));
        let times = self.send(&url, &service.token).await;
        service.stop().await?;
        Ok(Latency::of(times?))
    }

    async fn send(&self, url: &str, token: &str) -> anyhow::Result<Vec<f64>> {
        let client = reqwest::Client::new();
        let mut times = Vec::with_capacity(REQUESTS);
        for round in 0..WARM_UP + REQUESTS {
            let started = Instant::now();
            let image = Part::bytes(self.picture.clone()).file_name("probe.jpg");
            let request = client
                .post(url)
                .bearer_auth(token)
                .multipart(Form::new().part("image", image));
            let answer = request.send().await?.error_for_status()?;
            answer.bytes().await?;
            if round >= WARM_UP {
                times.push(started.elapsed().as_secs_f64() * 1e3);
            }
        }
        Ok(times)
    }
}

/// The picture on a canvas of 1920 x 1080, as large as it fits.
fn camera_picture(encoded: &[u8]) -> anyhow::Result<Vec<u8>> {
    let image = image::load_from_memory(encoded).context("cannot read the picture")?;
    let fitted = image.resize(WIDTH, HEIGHT, FilterType::Lanczos3).to_rgb8();
    let mut canvas = RgbImage::from_pixel(WIDTH, HEIGHT, image::Rgb([128; 3]));
    let (x, y) = ((WIDTH - fitted.width()) / 2, (HEIGHT - fitted.height()) / 2);
    imageops::replace(&mut canvas, &fitted, x.into(), y.into());
    let mut encoded = Cursor::new(Vec::new());
    canvas.write_with_encoder(JpegEncoder::new_with_quality(&mut encoded, JPEG_QUALITY))?;
    Ok(encoded.into_inner())
}

//! What every handler may reach: cheap handles only.

use std::sync::Arc;
use std::time::Duration;

use crate::api::Image;
use crate::auth::TokenVerifier;
use crate::error::{ApiError, ErrorCode};
use crate::metrics::Metrics;
use crate::verify::Verifier;

/// The handles that the HTTP layer shares.
#[derive(Clone)]
pub struct AppState {
    /// The use cases.
    pub verifier: Verifier,
    /// Checks bearer tokens.
    pub tokens: Arc<TokenVerifier>,
    /// Counters and histograms.
    pub metrics: Metrics,
    /// Bounds of what a request may bring.
    pub limits: Limits,
}

/// Bounds of what a request may bring.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest encoded picture.
    pub max_image_bytes: usize,
    /// Largest multipart body.
    pub max_body_bytes: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
}

impl Limits {
    /// Room for several pictures of the largest size, and for the fields around them.
    #[must_use]
    pub fn for_images_of(max_image_bytes: usize, body_timeout: Duration) -> Self {
        Self {
            max_image_bytes,
            max_body_bytes: 4 * max_image_bytes + 256 * 1024,
            body_timeout,
        }
    }

    /// The bytes of a picture that is not too large.
    ///
    /// # Errors
    /// `image_too_large`, naming the part.
    pub fn admit(&self, part: &'static str, image: Image) -> Result<Vec<u8>, ApiError> {
        if image.len() > self.max_image_bytes {
            let message = format!(
                "has {} bytes; at most {} are taken",
                image.len(),
                self.max_image_bytes
            );
            return Err(ApiError::of_field(
                ErrorCode::ImageTooLarge,
                part,
                "image_too_large",
                message,
            ));
        }
        Ok(image.into_bytes())
    }

    /// Largest JSON body: base64 takes four bytes for three.
    #[must_use]
    pub fn max_json_bytes(&self) -> usize {
        self.max_body_bytes / 3 * 4
    }
}

//! What every handler may reach: cheap handles only.

use std::sync::Arc;
use std::time::Duration;

use crate::auth::TokenVerifier;
use crate::domain::ids::TenantId;
use crate::imports::Imports;
use crate::metrics::Metrics;
use crate::models::KnownModel;
use crate::store::{StoreError, TenantTx};
use crate::throttle::Throttle;
use crate::verify::{RecallMonitor, Verifier};

/// The handles that the HTTP layer shares.
#[derive(Clone)]
pub struct AppState {
    /// The use cases.
    pub verifier: Verifier,
    /// Takes bulk imports in.
    pub imports: Imports,
    /// Checks bearer tokens.
    pub tokens: Arc<TokenVerifier>,
    /// Counters and histograms.
    pub metrics: Metrics,
    /// Measures whether searches find what they should.
    pub recall: RecallMonitor,
    /// Budgets of callers.
    pub throttle: Throttle,
    /// Which models there are.
    pub models: Arc<[KnownModel]>,
    /// Bounds of what a request may bring.
    pub limits: Limits,
    /// How long an idempotency key counts.
    pub idempotency_lifetime: Duration,
}

impl AppState {
    /// A tenant's records. What only reads them lets go of the transaction without a commit.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection is to be had.
    pub async fn records(&self, tenant: &TenantId) -> Result<TenantTx, StoreError> {
        self.verifier.store().begin(tenant).await
    }
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

    /// Largest JSON body: base64 takes four bytes for three.
    #[must_use]
    pub fn max_json_bytes(&self) -> usize {
        self.max_body_bytes / 3 * 4
    }
}

//! Pure types and rules: what a face, a template, a policy and a decision are.
//!
//! Nothing here reads a clock, a file, a socket or the environment: the same numbers give the same verdict.

pub mod audit;
pub mod budget;
pub mod calibration;
pub mod chosen;
pub mod consent;
pub mod cues;
pub mod decision;
pub mod detector;
pub mod digits;
pub mod document;
pub mod duplicate;
pub mod embedder;
pub mod erasure;
pub mod face;
pub mod hex;
pub mod ids;
pub mod job;
pub mod liveness_session;
pub mod metadata;
pub mod model_change;
pub mod mrz;
pub mod network;
pub mod policy;
pub mod quality;
pub mod reason;
pub mod retention;
pub mod review;
pub mod rotation;
pub mod verification;
pub mod watchlist;
